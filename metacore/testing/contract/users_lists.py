"""The contract of the list of users."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from metacore.domain.people.users import User, UserPatch
from metacore.domain.values.pages import Page
from metacore.sync.storage.storage import Storage
from metacore.testing.clock import ManualClock
from metacore.testing.contract.storage_paging import PagedListContract
from metacore.testing.factories import (
    NewOrderFactory,
    NewUserFactory,
)


class UserListContract(PagedListContract):
    """Of `UserStorage.list`."""

    def insert(self, storage: Storage, user: User, count: int) -> None:
        for _ in range(count):
            storage.users.create(NewUserFactory.build())

    def read(self, storage: Storage, user: User, after: Any = None, limit: Any = 100) -> Page[Any]:
        return storage.users.list(after=after, limit=limit)

    def stream(self, storage: Storage, user: User) -> Iterator[Any]:
        return storage.users.stream()

    def read_otherwise(self, storage: Storage, user: User, other: User) -> Iterator[Page[Any]]:
        yield storage.users.list(active=True, limit=1)
        storage.users.update(user.id, UserPatch(is_active=False))
        storage.users.update(other.id, UserPatch(is_active=False))
        yield storage.users.list(active=False, limit=1)
        storage.orders.create(NewOrderFactory.build(user_id=user.id))
        storage.orders.create(NewOrderFactory.build(user_id=user.id))
        yield storage.orders.list(user.id, limit=1)

    def test_users_come_newest_first(self, storage: Storage, clock: ManualClock) -> None:
        users = []
        for seconds in (0, 1, 0, -5, 10):
            clock.advance(seconds=seconds)
            users.append(storage.users.create(NewUserFactory.build()))
        newest_first = sorted(users, key=lambda user: (user.created_at, user.id), reverse=True)
        assert storage.users.list().items == tuple(newest_first)

    def test_users_of_the_same_time_come_by_id_descending(self, storage: Storage) -> None:
        ids = [UUID(int=n) for n in (5, 2**127, 1, 2**128 - 1, 2**64)]
        for user_id in ids:
            storage.users.create(NewUserFactory.build(id=user_id))
        assert [user.id for user in storage.users.list().items] == sorted(ids, reverse=True)

    def test_an_update_moves_no_user(self, storage: Storage, clock: ManualClock, user: User, other: User) -> None:
        before = [row.id for row in storage.users.list().items]
        clock.advance()
        storage.users.update(user.id, UserPatch(username="new"))
        storage.users.update(other.id, UserPatch(username="newer"))
        assert [row.id for row in storage.users.list().items] == before

    def test_active_tells_which_users(self, storage: Storage, user: User, other: User) -> None:
        inactive = storage.users.update(user.id, UserPatch(is_active=False))
        assert storage.users.list(active=True).items == (other,)
        assert storage.users.list(active=False).items == (inactive,)
        assert list(storage.users.stream(active=False)) == [inactive]
        assert {row.id for row in storage.users.list().items} == {inactive.id, other.id}
