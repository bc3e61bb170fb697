"""The contract of the storage of dead letters."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest

from metacore.domain.messages.dead_letters import MAX_POSITION_LENGTH, DeadLetter, Resolution
from metacore.errors import ConflictError, InvalidDataError, NotFoundError
from metacore.sync.storage.dead_letters import DeadLetterStorage
from metacore.sync.storage.storage import Storage
from metacore.testing.clock import START, ManualClock
from metacore.testing.contract.base import Contract
from metacore.testing.contract.samples import HOSTILE_JSON, HOSTILE_TEXTS, SPOILT_TEXTS
from metacore.testing.factories import DeadLetterFactory
from metacore.testing.runners import Runner

OPERATIONS: dict[str, Callable[[DeadLetterStorage], object]] = {
    "put": lambda dead_letters: dead_letters.put(DeadLetterFactory.build()),
    "get": lambda dead_letters: dead_letters.get("nowhere", "0"),
    "list": lambda dead_letters: dead_letters.list(),
    "stream": lambda dead_letters: list(dead_letters.stream()),
    "resolve": lambda dead_letters: dead_letters.resolve("nowhere", "0", Resolution.DISCARDED),
    "count": lambda dead_letters: dead_letters.count(),
}
"""Every operation, on what does not exist."""

REPLAYED, DISCARDED = Resolution.REPLAYED, Resolution.DISCARDED


class DeadLetterStorageContract(Contract):
    """Of `metacore.storage.dead_letters.DeadLetterStorage`."""

    def test_the_bytes_come_back_whatever_they_are(self, storage: Storage) -> None:
        for n, value in enumerate([bytes(range(256)), b"", None, b"\\x41", b"5" * 1_000_000]):
            position = str(n).ljust(MAX_POSITION_LENGTH, "😀")
            letter = DeadLetterFactory.build(value=value, headers=HOSTILE_JSON, position=position)
            assert storage.dead_letters.put(letter) is True
            stored = storage.dead_letters.get(letter.source, position)
            assert stored == letter
            assert repr(stored.headers) == repr(letter.headers)

    def test_every_text_comes_back_as_it_went_in(self, storage: Storage) -> None:
        for text in HOSTILE_TEXTS:
            letter = DeadLetterFactory.build(source=text, position=text, key=text, error=text, field=text)
            storage.dead_letters.put(letter)
            assert storage.dead_letters.get(text, text) == letter
            assert letter.key == letter.error == letter.field == text

    def test_what_text_cannot_hold_is_escaped(self, storage: Storage) -> None:
        headers = {"a\0": None, "\ud800": ["b\0", {"c": "\udfff"}]}
        letter = DeadLetterFactory.build(key="a\0", error="\ud800 at \0", field="\udfff", headers=headers)
        storage.dead_letters.put(letter)
        stored = storage.dead_letters.get(letter.source, letter.position)
        assert (stored.key, stored.error, stored.field) == ("a\\x00", "\\ud800 at \\x00", "\\udfff")
        assert stored.headers == {"a\\x00": None, "\\ud800": ("b\\x00", {"c": "\\udfff"})}

    def test_a_letter_is_stored_once(self, storage: Storage, runner: Runner) -> None:
        letter = DeadLetterFactory.build()
        other = letter.changed(value=b"other", error="other")
        outcomes = runner.together(*[lambda: storage.dead_letters.put(letter)] * 6)
        assert sorted(map(bool, outcomes)) == [False] * 5 + [True]
        assert storage.dead_letters.put(other) is False
        assert storage.dead_letters.get(letter.source, letter.position) == letter
        assert storage.dead_letters.put(letter.changed(source="elsewhere")) is True

    def test_it_is_resolved_once(self, storage: Storage, clock: ManualClock) -> None:
        letter = DeadLetterFactory.build()
        key = letter.source, letter.position
        storage.dead_letters.put(letter)
        now = clock.advance()
        resolved = storage.dead_letters.resolve(*key, REPLAYED, "repaired")
        assert resolved == letter.changed(resolution=REPLAYED, note="repaired", resolved_at=now)
        clock.advance()
        assert storage.dead_letters.resolve(*key, REPLAYED, "again") == resolved
        with pytest.raises(ConflictError):
            storage.dead_letters.resolve(*key, DISCARDED)
        assert storage.dead_letters.get(*key) == resolved
        assert storage.dead_letters.put(letter) is False

    def test_resolved_by_two_at_once_one_wins(self, storage: Storage, runner: Runner) -> None:
        letter = DeadLetterFactory.build()
        storage.dead_letters.put(letter)

        def resolve(resolution: Resolution) -> Callable[[], object]:
            return lambda: storage.dead_letters.resolve(letter.source, letter.position, resolution)

        outcomes = runner.together(*[resolve(REPLAYED), resolve(DISCARDED)] * 3)
        won = storage.dead_letters.get(letter.source, letter.position)
        assert [outcome for outcome in outcomes if isinstance(outcome, DeadLetter)] == [won] * 3
        assert sum(isinstance(outcome, ConflictError) for outcome in outcomes) == 3

    def test_a_letter_that_is_not_there_is_not_found(self, storage: Storage) -> None:
        letter = DeadLetterFactory.build()
        storage.dead_letters.put(letter)
        for key in ((letter.source, "other"), ("other", letter.position)):
            for call in (storage.dead_letters.get, partial(storage.dead_letters.resolve, resolution=DISCARDED)):
                with pytest.raises(NotFoundError) as caught:
                    call(*key)
                assert (caught.value.entity, caught.value.key) == ("dead letter", key)

    def test_spoilt_text_is_refused(self, storage: Storage) -> None:
        for text in SPOILT_TEXTS:
            with pytest.raises(InvalidDataError) as caught:
                storage.dead_letters.resolve("source", "0", DISCARDED, text)
            assert caught.value.field == "note"

    def test_lists_are_newest_first_and_paged(self, storage: Storage) -> None:
        letters = [
            DeadLetterFactory.build(
                source=f"source {n % 2}", position=str(n), failed_at=START + timedelta(seconds=n // 3)
            )
            for n in range(9)
        ]
        for letter in letters:
            storage.dead_letters.put(letter)
        for letter in letters[:2]:
            storage.dead_letters.resolve(letter.source, letter.position, DISCARDED)

        def listed(source: str | None, resolved: bool) -> list[str]:
            found, after = list[str](), None
            while True:
                page = storage.dead_letters.list(source, resolved, after, 2)
                found += [letter.position for letter in page]
                if (after := page.next) is None:
                    assert [letter.position for letter in storage.dead_letters.stream(source, resolved)] == found
                    return found

        by_time = sorted(letters, key=lambda row: (row.failed_at, row.source, row.position), reverse=True)
        waiting = [letter for letter in by_time if letter not in letters[:2]]
        assert listed(None, False) == [letter.position for letter in waiting]
        assert listed("source 0", False) == [row.position for row in waiting if row.source == "source 0"]
        assert listed(None, True) == ["1", "0"]
        assert listed("source 1", True) == ["1"]
        assert listed("elsewhere", False) == []

    def test_those_that_wait_are_counted(self, storage: Storage) -> None:
        for n in range(3):
            storage.dead_letters.put(DeadLetterFactory.build(source="a" if n else "b", position=str(n)))
        storage.dead_letters.resolve("a", "1", REPLAYED)
        assert storage.dead_letters.count() == 2
        assert [storage.dead_letters.count(source) for source in ("a", "b", "c")] == [1, 1, 0]

    def test_it_takes_part_in_a_transaction(self, storage: Storage) -> None:
        letter = DeadLetterFactory.build()
        with pytest.raises(KeyError), storage.transaction() as tx:
            assert tx.dead_letters.put(letter) is True
            assert tx.dead_letters.put(letter) is False
            raise KeyError
        assert storage.dead_letters.count() == 0
