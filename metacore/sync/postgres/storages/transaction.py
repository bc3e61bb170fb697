# Made from metacore/postgres/storages/transaction.py by `python tools/generate_sync.py`. Do not edit.
"""A transaction in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar

from metacore._compat.blocking import ContextGuard, Eventual
from metacore.domain.trading.balances import Balance, BalanceKey
from metacore.domain.trading.decisions import Changes, Loaded, Selection
from metacore.sync.postgres.client.session import Session, TransactionSession
from metacore.sync.postgres.storages.balances import PostgresBalanceStorage
from metacore.sync.postgres.storages.order_records import PostgresOrderRecordStorage
from metacore.sync.postgres.storages.order_updates import PostgresOrderUpdateStorage
from metacore.sync.postgres.storages.orders import PostgresOrderStorage
from metacore.sync.postgres.storages.portfolios import PostgresPortfolioStorage
from metacore.sync.postgres.storages.trades import PostgresTradeStorage
from metacore.sync.postgres.storages.transaction_load import load
from metacore.sync.postgres.storages.transaction_save import save
from metacore.sync.postgres.storages.users import PostgresUserStorage
from metacore.sync.storage.counting import count_operations, counted
from metacore.sync.storage.storage import Transaction

T = TypeVar("T")

count_operations(
    users=PostgresUserStorage,
    orders=PostgresOrderStorage,
    order_updates=PostgresOrderUpdateStorage,
    trades=PostgresTradeStorage,
    balances=PostgresBalanceStorage,
    portfolios=PostgresPortfolioStorage,
    order_records=PostgresOrderRecordStorage,
)


class PostgresStorages(ContextGuard):
    """The storages over one session: the storage's own, or that of a transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._users = PostgresUserStorage(session)
        self._orders = PostgresOrderStorage(session)
        self._order_updates = PostgresOrderUpdateStorage(session)
        self._trades = PostgresTradeStorage(session)
        self._balances = PostgresBalanceStorage(session)
        self._portfolios = PostgresPortfolioStorage(session)
        self._order_records = PostgresOrderRecordStorage(session)

    @property
    def users(self) -> PostgresUserStorage:
        return self._users

    @property
    def orders(self) -> PostgresOrderStorage:
        return self._orders

    @property
    def order_updates(self) -> PostgresOrderUpdateStorage:
        return self._order_updates

    @property
    def trades(self) -> PostgresTradeStorage:
        return self._trades

    @property
    def balances(self) -> PostgresBalanceStorage:
        return self._balances

    @property
    def portfolios(self) -> PostgresPortfolioStorage:
        return self._portfolios

    @property
    def order_records(self) -> PostgresOrderRecordStorage:
        return self._order_records

    def now(self) -> datetime:
        return self._session.now()

    @contextmanager
    def transaction(self) -> Iterator[PostgresTransaction]:
        with self._session.transaction() as session:
            yield PostgresTransaction(session)


class PostgresTransaction(PostgresStorages):
    """`metacore.sync.storage.storage.Transaction` over PostgreSQL."""

    def __init__(self, session: TransactionSession) -> None:
        super().__init__(session)
        self._transaction = session

    def run(self, fn: Callable[[Transaction], Eventual[T]], attempts: int = 5) -> T:  # noqa: ARG002
        with self.transaction() as savepoint:
            return fn(savepoint)

    @counted("load")
    def load(self, selection: Selection) -> Loaded:
        return load(self._transaction, selection)

    @counted("save")
    def save(self, changes: Changes) -> Mapping[BalanceKey, Balance]:
        return save(self._transaction, changes)
