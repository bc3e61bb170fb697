"""The contract of every list that comes in pages."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from metacore.domain.people.users import User
from metacore.domain.values.pages import Page
from metacore.errors import InvalidDataError
from metacore.sync.storage.storage import Storage
from metacore.testing.cases import each_case
from metacore.testing.contract.base import Contract

GARBAGE = ("", "garbage", "Z2FyYmFnZQ==", "\0", "é", "\ud800", "A" * 100_000, 5, b"x", True)


class PagedListContract(Contract, ABC):
    """A list in pages. A subclass says how rows get into it and how a page of it is read."""

    @abstractmethod
    def insert(self, storage: Storage, user: User, count: int) -> None:
        """Store `count` more rows that the list has; not all of them at its end, nor all at its beginning."""

    @abstractmethod
    def read(self, storage: Storage, user: User, after: Any = None, limit: Any = 100) -> Page[Any]:
        """A page of the list."""

    @abstractmethod
    def stream(self, storage: Storage, user: User) -> Iterator[Any]:
        """The same list as a stream."""

    @abstractmethod
    def read_otherwise(self, storage: Storage, user: User, other: User) -> Iterator[Page[Any]]:
        """Pages with one row of other lists, of the same list of the `other` user and with another filter."""

    def walk(self, storage: Storage, user: User, limit: int) -> Iterator[Sequence[Any]]:
        after = None
        while True:
            page = self.read(storage, user, after, limit)
            yield page.items
            if (after := page.next) is None:
                return

    def test_a_list_without_rows_is_one_empty_page(self, storage: Storage, other: User) -> None:
        storage.users.delete(other.id)
        assert self.read(storage, other) == Page((), None)

    @each_case("limit", [1, 2, 3, 6, 7, 8, 1000])
    def test_pages_in_turn_hold_every_row_once_in_order(self, storage: Storage, user: User, limit: int) -> None:
        self.insert(storage, user, 7)
        whole = self.read(storage, user).items
        pages = list(self.walk(storage, user, limit))
        assert [row for page in pages for row in page] == list(whole)
        assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
        assert 1 <= len(pages[-1]) <= limit

    def test_a_stream_is_every_row_once_in_order(self, storage: Storage, user: User) -> None:
        self.insert(storage, user, 5)
        with storage.transaction() as tx:
            self.insert(tx, user, 2)  # type: ignore[arg-type]
            assert tuple(self.stream(tx, user)) == self.read(tx, user).items  # type: ignore[arg-type]
        stream, whole = self.stream(storage, user), self.read(storage, user).items
        assert (next(stream), *stream) == whole

    def test_the_same_cursor_gives_the_same_page_again(self, storage: Storage, user: User) -> None:
        self.insert(storage, user, 5)
        first = self.read(storage, user, limit=2)
        assert tuple(first) == first.items
        assert self.read(storage, user, first.next, 2) == self.read(storage, user, first.next, 2)

    def test_the_limit_may_change_from_page_to_page(self, storage: Storage, user: User) -> None:
        self.insert(storage, user, 5)
        first = self.read(storage, user, limit=1)
        assert (*first.items, *self.read(storage, user, first.next, 1000).items) == self.read(storage, user).items

    def test_rows_there_throughout_appear_once_while_others_are_stored(self, storage: Storage, user: User) -> None:
        self.insert(storage, user, 6)
        there = self.read(storage, user).items
        seen: list[Any] = []
        for page in self.walk(storage, user, 2):
            seen += page
            if len(seen) < 20:
                self.insert(storage, user, 2)
        assert [row for row in seen if row in there] == list(there)
        assert len(seen) == len(set(seen))

    @each_case("limit", [0, -1, 1001, 1_000_000, True, 1.0, "10", None, float("nan")])
    def test_a_limit_that_is_no_whole_number_from_1_to_1000_is_refused(
        self, storage: Storage, user: User, limit: object
    ) -> None:
        with pytest.raises(InvalidDataError) as caught:
            self.read(storage, user, limit=limit)
        assert caught.value.field == "limit"

    @each_case("after", GARBAGE)
    def test_garbage_is_no_cursor(self, storage: Storage, user: User, after: object) -> None:
        with pytest.raises(InvalidDataError) as caught:
            self.read(storage, user, after)
        assert caught.value.field == "after"

    def test_a_tampered_cursor_is_refused(self, storage: Storage, user: User) -> None:
        self.insert(storage, user, 2)
        cursor = self.read(storage, user, limit=1).next
        assert cursor is not None
        changed = {cursor[:n] + ("B" if cursor[n] == "A" else "A") + cursor[n + 1 :] for n in range(len(cursor))}
        for tampered in (*changed, cursor[:-4], cursor + "AAAA", cursor[4:], cursor * 2, cursor + "\n", " " + cursor):
            with pytest.raises(InvalidDataError):
                self.read(storage, user, tampered)

    def test_a_cursor_of_another_list_or_user_or_filter_is_refused(
        self, storage: Storage, user: User, other: User
    ) -> None:
        self.insert(storage, user, 3)
        self.insert(storage, other, 3)
        for page in self.read_otherwise(storage, user, other):
            assert page.next is not None
            with pytest.raises(InvalidDataError) as caught:
                self.read(storage, user, page.next)
            assert caught.value.field == "after"
