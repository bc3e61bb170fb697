"""The contract of the storage of events to be told: its claims."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from metacore.domain.messages.claims import Claim
from metacore.domain.messages.events import Event
from metacore.errors import InvalidDataError
from metacore.sync.storage.storage import Storage
from metacore.testing.clock import START, ManualClock
from metacore.testing.contract.base import Contract
from metacore.testing.contract.samples import NOBODY
from metacore.testing.factories import NewEventFactory
from metacore.testing.loop_threads import PATIENCE
from metacore.testing.runners import Runner

A, B = ("trading", "a"), ("trading", "b")


def events_of(claim: Claim) -> list[tuple[str, int]]:
    """The key and seq of each event of a claim."""
    return [(event.key, event.seq) for event in claim.events]


def append(storage: Storage, keys: str, topic: str = "trading") -> None:
    """An event of each of these keys, singly."""
    for key in keys:
        storage.outbox.append([NewEventFactory.build(topic=topic, key=key)])


class OutboxClaimContract(Contract):
    """Of `metacore.storage.outbox.OutboxStorage`: who tells what, and how far it is told."""

    def test_a_claim_has_keys_of_its_own(self, storage: Storage, clock: ManualClock) -> None:
        append(storage, "aab")
        claim = storage.outbox.claim(["trading"], lease=timedelta(seconds=5))
        assert events_of(claim) == [("a", 1), ("a", 2), ("b", 1)]
        assert claim.leased_until == clock.now + timedelta(seconds=5)
        assert claim.upto == {A: 2, B: 1}
        assert claim.keys[0].events == storage.outbox.read(*A).items
        append(storage, "ac")
        assert events_of(storage.outbox.claim(["trading"])) == [("c", 1)]
        assert storage.outbox.claim(["trading"]).keys == ()

    def test_when_all_is_done_the_key_is_free(self, storage: Storage) -> None:
        append(storage, "aaa")
        claim = storage.outbox.claim(["trading"], per_key=2)
        append(storage, "a")
        assert storage.outbox.done(claim.id, {A: 1}) == ()
        assert storage.outbox.claim(["trading"]).keys == ()
        assert storage.outbox.done(claim.id, {A: 2}) == ()
        again = storage.outbox.claim(["trading"])
        assert events_of(again) == [("a", 3), ("a", 4)]
        assert storage.outbox.done(claim.id, {A: 2}) == (A,)
        assert storage.outbox.done(again.id, again.upto) == ()
        assert storage.outbox.claim(["trading"]).keys == ()
        append(storage, "a")
        assert events_of(storage.outbox.claim(["trading"])) == [("a", 5)]

    def test_a_lease_that_runs_out_gives_the_key_to_another(self, storage: Storage, clock: ManualClock) -> None:
        append(storage, "aab")
        lost = storage.outbox.claim(["trading"], lease=timedelta(seconds=5))
        storage.outbox.done(lost.id, {A: 1})
        clock.advance(seconds=4.999)
        assert storage.outbox.claim(["trading"]).keys == ()
        clock.advance(seconds=0.001)
        for _ in range(2):
            assert storage.outbox.done(lost.id, {A: 2, B: 1}) == (A, B)
            assert storage.outbox.retry(lost.id, *A, "error", START) is False
            assert storage.outbox.park(lost.id, *A, 2, "error") is False
        claim = storage.outbox.claim(["trading"])
        assert events_of(claim) == [("a", 2), ("b", 1)]
        assert storage.outbox.done(lost.id, {A: 2}) == (A,)
        assert storage.outbox.done(claim.id, {A: 2}) == ()

    def test_keys_that_wait_longest_come_first(self, storage: Storage, clock: ManualClock) -> None:
        for key in "cab":
            clock.advance()
            append(storage, key)
        append(storage, "c")
        append(storage, "x", topic="other")
        first = storage.outbox.claim(["trading", "other"], keys=2)
        assert events_of(first) == [("a", 1), ("c", 1), ("c", 2)]
        assert events_of(storage.outbox.claim(["trading", "other"], keys=1, per_key=1)) in ([("b", 1)], [("x", 1)])
        storage.outbox.done(first.id, first.upto)
        assert len(storage.outbox.claim(["other", "trading", "other"]).keys) == 1

    def test_a_key_to_retry_is_claimed_again_from_its_time_on(self, storage: Storage, clock: ManualClock) -> None:
        append(storage, "aab")
        claim = storage.outbox.claim(["trading"])
        storage.outbox.done(claim.id, {A: 1, B: 1})
        at = clock.now + timedelta(seconds=10)
        assert storage.outbox.retry(claim.id, *A, "it was down", at) is True
        assert storage.outbox.retry(claim.id, *A, "again", at) is False
        append(storage, "a")
        assert storage.outbox.claim(["trading"]).keys == ()
        clock.advance(seconds=10)
        (again,) = storage.outbox.claim(["trading"]).keys
        assert ([event.seq for event in again.events], again.failures, again.error) == ([2, 3], 1, "it was down")

    def test_failures_are_counted_until_the_event_is_done(self, storage: Storage, clock: ManualClock) -> None:
        append(storage, "aa")
        for failures in range(3):
            claim = storage.outbox.claim(["trading"])
            assert claim.keys[0].failures == failures
            storage.outbox.retry(claim.id, *A, "error", START - timedelta(days=1))
        claim = storage.outbox.claim(["trading"])
        storage.outbox.done(claim.id, {A: 1})
        storage.outbox.retry(claim.id, *A, "other", clock.now)
        (key,) = storage.outbox.claim(["trading"]).keys
        assert ([event.seq for event in key.events], key.failures, key.error) == ([2], 1, "other")

    def test_an_event_that_is_parked_becomes_a_dead_letter(self, storage: Storage, clock: ManualClock) -> None:
        append(storage, "aaa")
        claim = storage.outbox.claim(["trading"], per_key=2)
        first = claim.events[0]
        now = clock.advance()
        with pytest.raises(InvalidDataError) as caught:
            storage.outbox.park(claim.id, *A, 2, "error")
        assert caught.value.field == "seq"
        assert storage.outbox.park(claim.id, *A, 1, "refused") is True
        letter = storage.dead_letters.get("trading", "a:1")
        assert (letter.key, letter.error, letter.failed_at) == ("a", "refused", now)
        assert letter.value is not None
        assert Event.model_validate_json(letter.value) == first
        assert json.loads(letter.value)["seq"] == 1
        assert storage.outbox.claim(["trading"]).keys == ()
        assert storage.outbox.park(claim.id, *A, 2, "refused") is True
        assert events_of(storage.outbox.claim(["trading"])) == [("a", 3)]
        assert storage.dead_letters.count("trading") == 2

    def test_what_was_not_claimed_is_not_done(self, storage: Storage) -> None:
        append(storage, "aab")
        claim = storage.outbox.claim(["trading"], per_key=1)
        with pytest.raises(InvalidDataError) as caught:
            storage.outbox.done(claim.id, {A: 1, B: 2})
        assert caught.value.field == "upto"
        assert storage.outbox.lag("trading").events == 3
        assert storage.outbox.done(NOBODY, {A: 1, ("trading", "x"): 1}) == (A, ("trading", "x"))
        assert storage.outbox.done(claim.id, {}) == ()

    def test_events_that_are_not_committed_are_not_claimed(self, storage: Storage) -> None:
        append(storage, "a")
        with storage.transaction() as tx:
            tx.outbox.append([NewEventFactory.build(key="a")])
            assert [event.seq for event in storage.outbox.read(*A)] == [1]
        claim = storage.outbox.claim(["trading"])
        assert events_of(claim) == [("a", 1), ("a", 2)]

    def test_a_claim_of_few_keys_leaves_the_others_to_the_next(self, storage: Storage, clock: ManualClock) -> None:
        append(storage, "abc")
        clock.advance(seconds=10)
        claims = [storage.outbox.claim(["trading"], keys=1) for _ in range(4)]
        assert [events_of(claim) for claim in claims] == [[("a", 1)], [("b", 1)], [("c", 1)], []]

    def test_however_many_claim_at_once_each_key_is_in_one_claim(self, storage: Storage, runner: Runner) -> None:
        keys = [f"{n:02}" for n in range(20)]
        storage.outbox.append(NewEventFactory.build(key=key) for key in keys * 3)
        claims = runner.together(*[lambda: storage.outbox.claim(["trading"], keys=7, per_key=2)] * 6)
        claimed = [key for claim in claims if isinstance(claim, Claim) for key in claim.keys]
        while (claim := storage.outbox.claim(["trading"], per_key=2)).keys:
            claimed += claim.keys
        assert sorted(key.key for key in claimed) == keys
        assert all([event.seq for event in key.events] == [1, 2] for key in claimed)

    def test_each_event_is_claimed_once_and_in_order_where_nothing_fails(
        self, storage: Storage, runner: Runner
    ) -> None:
        keys, end = "abcd", time.monotonic() + PATIENCE
        seen: list[tuple[str, int]] = []

        def write() -> None:
            for _ in range(10):
                storage.outbox.append(NewEventFactory.build(key=key) for key in keys)

        def relay() -> None:
            while len(seen) < 20 * len(keys) and time.monotonic() < end:
                claim = storage.outbox.claim(["trading"], keys=3, per_key=3)
                seen.extend(events_of(claim))
                assert storage.outbox.done(claim.id, claim.upto) == ()

        results = runner.together(write, relay, write, relay)
        assert results == [None] * 4
        for key in keys:
            assert [seq for event_key, seq in seen if event_key == key] == list(range(1, 21))
        assert storage.outbox.lag("trading").events == 0

    def test_it_takes_part_in_a_transaction(self, storage: Storage) -> None:
        append(storage, "a")
        with pytest.raises(KeyError), storage.transaction() as tx:
            claim = tx.outbox.claim(["trading"])
            tx.outbox.park(claim.id, *A, 1, "error")
            assert tx.outbox.lag("trading").events == 0
            raise KeyError
        assert events_of(storage.outbox.claim(["trading"])) == [("a", 1)]
        assert storage.dead_letters.count() == 0

    def test_a_claim_that_cannot_be_is_refused(self, storage: Storage) -> None:
        wrong: list[tuple[str, Callable[[Any], object]]] = [
            ("keys", lambda outbox: outbox.claim(["trading"], keys=0)),
            ("keys", lambda outbox: outbox.claim(["trading"], keys=1001)),
            ("per_key", lambda outbox: outbox.claim(["trading"], per_key=0)),
            ("per_key", lambda outbox: outbox.claim(["trading"], per_key=True)),
            ("lease", lambda outbox: outbox.claim(["trading"], lease=timedelta(0))),
            ("lease", lambda outbox: outbox.claim(["trading"], lease=30)),
            ("topics", lambda outbox: outbox.claim([])),
            ("topics", lambda outbox: outbox.claim("trading")),
            ("topics", lambda outbox: outbox.claim([None])),
        ]
        for field, call in wrong:
            with pytest.raises(InvalidDataError) as caught:
                call(storage.outbox)
            assert caught.value.field == field
