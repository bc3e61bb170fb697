"""The contract of the storage of what has come in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from metacore.domain.messages.inbox import Acceptance, AcceptOutcome
from metacore.errors import InvalidDataError
from metacore.sync.storage.inbox import InboxStorage
from metacore.sync.storage.storage import Storage
from metacore.testing.cases import each_case
from metacore.testing.clock import START, ManualClock
from metacore.testing.contract.base import Contract
from metacore.testing.contract.samples import HOSTILE_TEXTS, SPOILT_TEXTS
from metacore.testing.runners import Runner

OPERATIONS: dict[str, Callable[[InboxStorage], object]] = {
    "accept": lambda inbox: inbox.accept("nobody", "nothing", "nowhere", 1),
    "accept_many": lambda inbox: inbox.accept_many("nobody", [("nothing", "nowhere", 1)]),
    "once": lambda inbox: inbox.once("nobody", "nothing"),
    "purge": lambda inbox: inbox.purge(START),
}
"""Every operation, on what does not exist."""

NEW, DUPLICATE, GAP = AcceptOutcome.NEW, AcceptOutcome.DUPLICATE, AcceptOutcome.GAP


class InboxStorageContract(Contract):
    """Of `metacore.storage.inbox.InboxStorage`."""

    def test_what_follows_the_last_is_new(self, storage: Storage) -> None:
        steps = [(2, GAP, 1), (1, NEW, 2), (1, DUPLICATE, 2), (3, GAP, 2), (2, NEW, 3), (1, DUPLICATE, 3), (3, NEW, 4)]
        for seq, outcome, expected in steps:
            acceptance = storage.inbox.accept("consumer", "topic", "key", seq)
            assert acceptance == Acceptance(outcome=outcome, expected=expected)

    def test_each_consumer_topic_and_key_has_a_place_of_its_own(self, storage: Storage) -> None:
        for name in [(a, b, c) for a in ("x", "y") for b in ("x", "y") for c in ("x", "y")]:
            assert storage.inbox.accept(*name, 1).outcome is NEW
        for text in HOSTILE_TEXTS:
            assert storage.inbox.accept(text, text, text, 1).outcome is NEW
            assert storage.inbox.accept(text, text, text, 1).outcome is DUPLICATE
            assert [storage.inbox.once(text, text), storage.inbox.once(text, text)] == [True, False]

    def test_many_are_accepted_as_if_one_after_the_other(self, storage: Storage) -> None:
        storage.inbox.accept("consumer", "topic", "old", 1)
        messages = [("b", 1), ("old", 2), ("a", 2), ("b", 2), ("old", 1), ("a", 1), ("old", 3), ("b", 2), ("old", 5)]
        accepted = storage.inbox.accept_many("consumer", (("topic", key, seq) for key, seq in messages))
        assert [each.outcome for each in accepted] == [NEW, NEW, GAP, NEW, DUPLICATE, NEW, NEW, DUPLICATE, GAP]
        assert [each.expected for each in accepted] == [2, 3, 1, 3, 3, 2, 4, 3, 4]
        assert [storage.inbox.accept("consumer", "topic", key, 9).expected for key in ("a", "b", "old")] == [2, 3, 4]
        assert storage.inbox.accept_many("consumer", []) == ()
        with pytest.raises(InvalidDataError):
            storage.inbox.accept_many("consumer", [("topic", "a", 2), ("topic", "b", 0)])
        assert storage.inbox.accept("consumer", "topic", "a", 2).outcome is NEW

    def test_what_comes_again_beside_what_is_new_is_told_apart(self, storage: Storage) -> None:
        def accept(*seqs: int) -> list[tuple[AcceptOutcome, int]]:
            messages = [("topic", key, seq) for seq in seqs for key in ("a", "b")]
            found = [(each.outcome, each.expected) for each in storage.inbox.accept_many("consumer", messages)]
            assert found[::2] == found[1::2]
            return found[::2]

        assert accept(2, 3) == [(GAP, 1), (GAP, 1)]
        assert accept(1, 2, 3) == [(NEW, 2), (NEW, 3), (NEW, 4)]
        assert accept(2, 3, 4, 5) == [(DUPLICATE, 4), (DUPLICATE, 4), (NEW, 5), (NEW, 6)]
        assert accept(7, 8, 6, 7) == [(GAP, 6), (GAP, 6), (NEW, 7), (NEW, 8)]
        assert accept(1, 2, 7) == [(DUPLICATE, 8)] * 3
        assert accept(8, 9, 8, 9, 10) == [(NEW, 9), (NEW, 10), (DUPLICATE, 10), (DUPLICATE, 10), (NEW, 11)]

    def test_many_at_once_are_each_new_once(self, storage: Storage, runner: Runner) -> None:
        messages = [("topic", key, seq) for key in ("a", "b", "c") for seq in (1, 2)]
        calls = [
            lambda messages=order: storage.inbox.accept_many("consumer", messages)
            for order in (messages, messages[::-1])
        ] * 2
        found = runner.together(*calls)
        outcomes = Counter(each.outcome for some in found if isinstance(some, tuple) for each in some)
        assert (len(outcomes) and outcomes[NEW]) == 6

    def test_of_several_at_once_one_is_new(self, storage: Storage, runner: Runner) -> None:
        outcomes = runner.together(*[lambda: storage.inbox.accept("consumer", "topic", "key", 1)] * 6)
        assert Counter(each.outcome for each in outcomes if isinstance(each, Acceptance)) == {NEW: 1, DUPLICATE: 5}
        assert sorted(map(bool, runner.together(*[lambda: storage.inbox.once("c", "id")] * 6))) == [False] * 5 + [True]

    def test_messages_of_a_key_at_once_are_each_new_once(self, storage: Storage, runner: Runner) -> None:
        def accept_all() -> list[int]:
            mine: list[int] = []
            while (expected := storage.inbox.accept("consumer", "topic", "key", 100).expected) <= 20:
                for seq in (expected, expected + 1):
                    mine += [seq] if storage.inbox.accept("consumer", "topic", "key", seq).outcome is NEW else []
            return mine

        found = runner.together(*[accept_all] * 4)
        accepted = sorted(seq for mine in found if isinstance(mine, list) for seq in mine)
        assert accepted == list(range(1, len(accepted) + 1))

    def test_what_was_undone_is_new_again(self, storage: Storage) -> None:
        with pytest.raises(KeyError), storage.transaction() as tx:
            assert tx.inbox.accept("consumer", "topic", "key", 1).outcome is NEW
            assert tx.inbox.accept("consumer", "topic", "key", 1).outcome is DUPLICATE
            assert tx.inbox.accept("consumer", "topic", "key", 3).outcome is GAP
            assert tx.inbox.once("consumer", "id") is True
            raise KeyError
        assert storage.inbox.accept("consumer", "topic", "key", 1).outcome is NEW
        assert storage.inbox.once("consumer", "id") is True

    def test_an_id_is_text_or_a_uuid(self, storage: Storage) -> None:
        message_id = UUID(int=7)
        assert storage.inbox.once("consumer", message_id) is True
        assert storage.inbox.once("consumer", str(message_id)) is False
        assert storage.inbox.once("other", message_id) is True

    def test_purge_forgets_old_ids_and_no_places(self, storage: Storage, clock: ManualClock) -> None:
        storage.inbox.accept("consumer", "topic", "key", 1)
        for consumer, message_id in (("a", "1"), ("a", "2"), ("b", "1")):
            storage.inbox.once(consumer, message_id)
        now = clock.advance()
        storage.inbox.once("a", "3")
        assert storage.inbox.purge(START) == 0
        assert [storage.inbox.purge(now, limit=2) for _ in range(3)] == [2, 1, 0]
        assert [storage.inbox.once("a", message_id) for message_id in ("1", "3")] == [True, False]
        assert storage.inbox.accept("consumer", "topic", "key", 1).outcome is DUPLICATE
        assert storage.inbox.purge(now + timedelta(seconds=1)) == 2

    @each_case("text", ["", "x" * 256, *SPOILT_TEXTS])
    def test_what_is_no_key_is_refused(self, storage: Storage, text: str) -> None:
        calls: list[tuple[str, Callable[[Any], object]]] = [
            ("consumer", lambda inbox: inbox.accept(text, "topic", "key", 1)),
            ("topic", lambda inbox: inbox.accept("consumer", text, "key", 1)),
            ("key", lambda inbox: inbox.accept("consumer", "topic", text, 1)),
            ("seq", lambda inbox: inbox.accept("consumer", "topic", "key", 0)),
            ("key", lambda inbox: inbox.accept_many("consumer", [("topic", text, 1)])),
            ("messages", lambda inbox: inbox.accept_many("consumer", [text])),
            ("consumer", lambda inbox: inbox.once(text, "id")),
            ("message_id", lambda inbox: inbox.once("consumer", text)),
            ("limit", lambda inbox: inbox.purge(START, 0)),
        ]
        for field, call in calls:
            with pytest.raises(InvalidDataError) as caught:
                call(storage.inbox)
            assert caught.value.field == field
