"""The contract of the list of who holds a symbol."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from metacore.domain.holdings.portfolios import Holding
from metacore.domain.people.users import User
from metacore.domain.values.pages import Page
from metacore.sync.storage.storage import Storage
from metacore.testing.contract.storage_paging import PagedListContract
from metacore.testing.factories import NewUserFactory

ONE = Decimal(1)


class HolderListContract(PagedListContract):
    """Of `PortfolioStorage.holders`."""

    def insert(self, storage: Storage, user: User, count: int) -> None:
        for _ in range(count):
            holder = storage.users.create(NewUserFactory.build())
            storage.portfolios.put(holder.id, "btc", ONE)
            storage.portfolios.put(holder.id, "eth", ONE)

    def read(self, storage: Storage, user: User, after: Any = None, limit: Any = 100) -> Page[Any]:
        return storage.portfolios.holders("btc", after, limit)

    def stream(self, storage: Storage, user: User) -> Iterator[Any]:
        return storage.portfolios.stream_holders("btc")

    def read_otherwise(self, storage: Storage, user: User, other: User) -> Iterator[Page[Any]]:
        yield storage.portfolios.holders("eth", limit=1)
        yield storage.users.list(limit=1)

    def test_holders_come_by_user_id(self, storage: Storage) -> None:
        users = [storage.users.create(NewUserFactory.build()) for _ in range(5)]
        for user in reversed(users):
            storage.portfolios.put(user.id, "btc", ONE)
        assert [holding.user_id for holding in storage.portfolios.holders("btc").items] == sorted(u.id for u in users)

    def test_holders_are_those_who_hold_the_symbol(self, storage: Storage, user: User, other: User) -> None:
        storage.portfolios.put(user.id, "btc", Decimal("0.5"))
        storage.portfolios.put(user.id, "eth", ONE)
        storage.portfolios.put(other.id, "eth", ONE)
        storage.portfolios.put(other.id, "btc", ONE)
        storage.portfolios.remove(other.id, "btc")
        assert storage.portfolios.holders("btc").items == (
            Holding(user_id=user.id, symbol="btc", quantity=Decimal("0.5")),
        )
