"""The list of storages: a line here is a storage, and every backend has one of its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

from metacore.storage.archives import ArchiveStorage
from metacore.storage.balances import BalanceStorage
from metacore.storage.bars import BarStorage
from metacore.storage.dead_letters import DeadLetterStorage
from metacore.storage.inbox import InboxStorage
from metacore.storage.logins import LoginStorage
from metacore.storage.order_records import OrderRecordStorage
from metacore.storage.order_updates import OrderUpdateStorage
from metacore.storage.orders import OrderStorage
from metacore.storage.outbox import OutboxStorage
from metacore.storage.portfolios import PortfolioStorage
from metacore.storage.reservations import ReservationStorage
from metacore.storage.sessions import SessionStorage
from metacore.storage.trades import TradeStorage
from metacore.storage.users import UserStorage

S = TypeVar("S")


class StorageOf(Generic[S]):
    """A line of the list: gives the storage of this name, which keeps `protocol`."""

    name: str

    def __init__(self, protocol: Callable[..., S]) -> None:
        self.protocol = protocol

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, owner: None, kind: type) -> Self: ...

    @overload
    def __get__(self, owner: Any, kind: type) -> S: ...

    def __get__(self, owner: Any, kind: type) -> Any:
        return self if owner is None else owner.storage(self.name)


class StorageList:
    """What a storage and a transaction give by these names."""

    users = StorageOf(UserStorage)
    orders = StorageOf(OrderStorage)
    order_updates = StorageOf(OrderUpdateStorage)
    trades = StorageOf(TradeStorage)
    balances = StorageOf(BalanceStorage)
    reservations = StorageOf(ReservationStorage)
    portfolios = StorageOf(PortfolioStorage)
    order_records = StorageOf(OrderRecordStorage)
    archives = StorageOf(ArchiveStorage)
    outbox = StorageOf(OutboxStorage)
    inbox = StorageOf(InboxStorage)
    dead_letters = StorageOf(DeadLetterStorage)
    bars = StorageOf(BarStorage)
    logins = StorageOf(LoginStorage)
    sessions = StorageOf(SessionStorage)


STORAGES: dict[str, Any] = {
    name: entry.protocol for name, entry in vars(StorageList).items() if isinstance(entry, StorageOf)
}
"""The protocol of each storage by its name."""
