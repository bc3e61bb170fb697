"""The contract of the storage of events to be told, but for its claims."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from metacore.domain.messages.claims import Lag
from metacore.domain.messages.events import MAX_PAYLOAD, Event
from metacore.errors import AlreadyExistsError, InvalidDataError
from metacore.sync.storage.outbox import OutboxStorage
from metacore.sync.storage.storage import Storage
from metacore.testing.cases import each_case
from metacore.testing.clock import START, ManualClock
from metacore.testing.contract.base import Contract
from metacore.testing.contract.samples import HOSTILE_JSON, HOSTILE_TEXTS, NOBODY, SPOILT_TEXTS
from metacore.testing.factories import NewEventFactory
from metacore.testing.runners import Runner

OPERATIONS: dict[str, Callable[[OutboxStorage], object]] = {
    "append": lambda outbox: outbox.append([NewEventFactory.build()]),
    "claim": lambda outbox: outbox.claim(["nothing"]),
    "done": lambda outbox: outbox.done(NOBODY, {("nothing", "nobody"): 1}),
    "retry": lambda outbox: outbox.retry(NOBODY, "nothing", "nobody", "error", START),
    "park": lambda outbox: outbox.park(NOBODY, "nothing", "nobody", 1, "error"),
    "read": lambda outbox: outbox.read("nothing", "nobody"),
    "stream": lambda outbox: list(outbox.stream("nothing", "nobody")),
    "lag": lambda outbox: outbox.lag("nothing"),
    "purge": lambda outbox: outbox.purge(START),
}
"""Every operation, on what does not exist."""


class OutboxStorageContract(Contract):
    """Of `metacore.storage.outbox.OutboxStorage`: what is appended, read and purged."""

    def test_append_counts_for_each_topic_and_key(self, storage: Storage, clock: ManualClock) -> None:
        now = clock.advance()
        names = [("a", "1"), ("b", "1"), ("a", "1"), ("a", "2"), ("a", "1")]
        new = [NewEventFactory.build(topic=topic, key=key) for topic, key in names]
        events = storage.outbox.append(iter(new))
        assert [event.seq for event in events] == [1, 1, 2, 1, 3]
        for event, one in zip(events, new, strict=True):
            assert event == Event(**{**one.fields(), "seq": event.seq, "recorded_at": now})
        (more,) = storage.outbox.append([NewEventFactory.build(topic="a", key="1")])
        assert more.seq == 4
        assert storage.outbox.read("a", "1").items == (events[0], events[2], events[4], more)
        assert storage.outbox.append([]) == ()

    def test_an_event_comes_back_as_it_went_in(self, storage: Storage) -> None:
        for text in HOSTILE_TEXTS:
            new = NewEventFactory.build(topic=text, key=text, type=text, payload=HOSTILE_JSON, headers={text: text})
            (event,) = storage.outbox.append([new])
            (stored,) = storage.outbox.read(text, text)
            assert stored == event
            assert repr(stored.payload) == repr(event.payload)

    def test_an_event_without_a_time_occurred_when_it_was_appended(self, storage: Storage, clock: ManualClock) -> None:
        now = clock.advance()
        new = [NewEventFactory.build(occurred_at=at) for at in (None, START - timedelta(days=1))]
        events = storage.outbox.append(new)
        assert [event.occurred_at for event in events] == [now, START - timedelta(days=1)]

    def test_an_id_is_taken_once_in_a_topic(self, storage: Storage) -> None:
        new = NewEventFactory.build()
        storage.outbox.append([new])
        with pytest.raises(AlreadyExistsError) as caught:
            storage.outbox.append([new])
        assert (caught.value.entity, caught.value.field) == ("event", "id")
        with pytest.raises(AlreadyExistsError):
            storage.outbox.append([NewEventFactory.build(), new.changed(key="another")])
        storage.outbox.append([new.changed(topic="another")])
        assert [event.seq for event in storage.outbox.read(new.topic, new.key)] == [1]
        assert storage.outbox.read(new.topic, "another").items == ()

    def test_what_was_undone_leaves_no_gap(self, storage: Storage) -> None:
        storage.outbox.append([NewEventFactory.build()])
        with pytest.raises(KeyError), storage.transaction() as tx:
            assert [event.seq for event in tx.outbox.append([NewEventFactory.build()])] == [2]
            raise KeyError
        assert [event.seq for event in storage.outbox.append([NewEventFactory.build()])] == [2]
        assert storage.outbox.lag("trading").events == 2

    def test_seqs_have_no_gaps_however_many_append_at_once(self, storage: Storage, runner: Runner) -> None:
        def append() -> list[int]:
            return [storage.outbox.append([NewEventFactory.build()])[0].seq for _ in range(5)]

        results = runner.together(*[append] * 6)
        assert sorted(seq for seqs in results if isinstance(seqs, list) for seq in seqs) == list(range(1, 31))
        assert [event.seq for event in storage.outbox.read("trading", "order")] == list(range(1, 31))

    def test_read_goes_on_behind_a_seq(self, storage: Storage) -> None:
        storage.outbox.append(NewEventFactory.build() for _ in range(5))
        page = storage.outbox.read("trading", "order", limit=2)
        assert ([event.seq for event in page], page.next) == ([1, 2], "2")
        page = storage.outbox.read("trading", "order", after_seq=3, limit=2)
        assert ([event.seq for event in page], page.next) == ([4, 5], None)
        assert storage.outbox.read("trading", "order", after_seq=5).items == ()
        assert [event.seq for event in storage.outbox.stream("trading", "order", after_seq=3)] == [4, 5]
        assert storage.outbox.read("trading", "other").items == storage.outbox.read("other", "order").items == ()

    def test_lag_tells_what_is_not_done(self, storage: Storage, clock: ManualClock) -> None:
        assert storage.outbox.lag("trading") == Lag(topic="trading")
        storage.outbox.append(NewEventFactory.build(key=key) for key in "aab")
        clock.advance()
        storage.outbox.append(NewEventFactory.build(key=key) for key in "bc")
        assert storage.outbox.lag("trading") == Lag(topic="trading", events=5, keys=3, oldest_at=START)
        claim = storage.outbox.claim(["trading"])
        storage.outbox.done(claim.id, {("trading", "a"): 2, ("trading", "b"): 1})
        now = clock.now
        assert storage.outbox.lag("trading") == Lag(topic="trading", events=2, keys=2, oldest_at=now)
        assert storage.outbox.lag("other").events == 0

    def test_purge_deletes_what_is_done_and_old(self, storage: Storage, clock: ManualClock) -> None:
        storage.outbox.append(NewEventFactory.build(key=key) for key in "aaab")
        claim = storage.outbox.claim(["trading"])
        storage.outbox.done(claim.id, {("trading", "a"): 2})
        now = clock.advance()
        (newer,) = storage.outbox.append([NewEventFactory.build(topic="other")])
        storage.outbox.done(storage.outbox.claim(["other"]).id, {("other", "order"): 1})
        assert storage.outbox.purge(START) == 0
        assert [storage.outbox.purge(now, limit=1) for _ in range(3)] == [1, 1, 0]
        assert [event.seq for event in storage.outbox.read("trading", "a")] == [3]
        assert [event.seq for event in storage.outbox.read("trading", "b")] == [1]
        assert storage.outbox.read("other", "order").items == (newer,)
        assert storage.outbox.purge(now + timedelta(seconds=1)) == 1
        assert storage.outbox.append([NewEventFactory.build(topic="other")])[0].seq == 2

    @each_case("text", ["", "x" * 256, *SPOILT_TEXTS])
    def test_what_is_no_key_is_refused(self, storage: Storage, text: str) -> None:
        outbox = storage.outbox
        calls: list[tuple[str, Callable[[], object]]] = [
            ("topics", lambda: outbox.claim([text])),
            ("upto", lambda: outbox.done(NOBODY, {("topic", text): 1})),
            ("upto", lambda: outbox.done(NOBODY, {(text, "key"): 1})),
            ("topic", lambda: outbox.retry(NOBODY, text, "key", "error", START)),
            ("key", lambda: outbox.retry(NOBODY, "topic", text, "error", START)),
            ("topic", lambda: outbox.park(NOBODY, text, "key", 1, "error")),
            ("key", lambda: outbox.park(NOBODY, "topic", text, 1, "error")),
            ("topic", lambda: outbox.read(text, "key")),
            ("key", lambda: outbox.read("topic", text)),
            ("topic", lambda: list(outbox.stream(text, "key"))),
            ("topic", lambda: outbox.lag(text)),
        ]
        for field, call in calls:
            with pytest.raises(InvalidDataError) as caught:
                call()
            assert caught.value.field == field

    @each_case("text", SPOILT_TEXTS)
    def test_an_error_that_no_backend_can_store_is_refused(self, storage: Storage, text: str) -> None:
        outbox = storage.outbox
        calls: tuple[Callable[[], object], ...] = (
            lambda: outbox.retry(NOBODY, "topic", "key", text, START),
            lambda: outbox.park(NOBODY, "topic", "key", 1, text),
        )
        for call in calls:
            with pytest.raises(InvalidDataError) as caught:
                call()
            assert caught.value.field == "error"

    def test_an_event_of_a_mebibyte_comes_back(self, storage: Storage) -> None:
        most = {"a": "x" * (MAX_PAYLOAD - len('{"a":""}'))}
        (event,) = storage.outbox.append([NewEventFactory.build(payload=most, headers=most)])
        assert storage.outbox.read("trading", "order").items == (event,)

    def test_numbers_out_of_range_are_refused(self, storage: Storage) -> None:
        outbox = storage.outbox
        nothing: Any = None
        calls: list[tuple[str, Callable[[], object]]] = [
            ("upto", lambda: outbox.done(NOBODY, {("topic", "key"): 0})),
            ("upto", lambda: outbox.done(NOBODY, {("topic", "key"): nothing})),
            ("topics", lambda: outbox.claim(map(str, range(1001)))),
            ("seq", lambda: outbox.park(NOBODY, "topic", "key", 0, "error")),
            ("after_seq", lambda: outbox.read("topic", "key", -1)),
            ("limit", lambda: outbox.read("topic", "key", 0, 1001)),
            ("limit", lambda: outbox.purge(START, 0)),
            ("before", lambda: outbox.purge(START.replace(tzinfo=None))),
            ("at", lambda: outbox.retry(NOBODY, "topic", "key", "error", START.replace(tzinfo=None))),
        ]
        for field, call in calls:
            with pytest.raises(InvalidDataError) as caught:
                call()
            assert caught.value.field == field
