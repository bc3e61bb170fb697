"""SQLAlchemy Core, on psycopg."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, create_engine, insert, make_url, select, tuple_
from sqlalchemy.ext.asyncio import create_async_engine

from . import sql
from .by_hand import order_row, trade_rows
from .peer import BlockingPeer, WaitingPeer
from .stage import SYMBOL, new_order, new_trades
from .tables import Order, Trade

ORDERS = Order.__table__
_NEWEST = (ORDERS.c.created_at.desc(), ORDERS.c.id.desc())


def _one(user_id: object, order_id: object) -> Any:
    return select(ORDERS).where(ORDERS.c.user_id == user_id, ORDERS.c.id == order_id)


class Core(BlockingPeer):
    name = "SQLAlchemy Core"

    def open(self) -> None:
        super().open()
        url = make_url(self.url).set(drivername="postgresql+psycopg")
        self.engine = create_engine(url, pool_size=self.workers, max_overflow=0)

    def close(self) -> None:
        self.engine.dispose()
        super().close()

    def get(self, worker: int) -> int:
        [account] = self.accounts("get", worker)
        with self.engine.connect() as connection:
            assert connection.execute(_one(account.user_id, account.order_ids[0])).one().symbol == SYMBOL
        return 1

    def create(self, worker: int) -> int:
        [account] = self.accounts("create", worker)
        with self.engine.begin() as connection:
            connection.execute(insert(Order), order_row(new_order(account.user_id), datetime.now(UTC)))
        return 1

    def _list(self, query: Any) -> Sequence[Row[Any]]:
        with self.engine.connect() as connection:
            return connection.execute(query.order_by(*_NEWEST)).all()

    def _listed(self) -> Any:
        return select(ORDERS).where(ORDERS.c.user_id == self.stage.listing.user_id)

    def list_1000(self, worker: int) -> int:  # noqa: ARG002
        return len(self._list(self._listed().limit(1000))) and 1

    def first_page(self, worker: int) -> int:  # noqa: ARG002
        return len(self._list(self._listed().limit(self.size.page))) // self.size.page

    def last_page(self, worker: int) -> int:  # noqa: ARG002
        behind = tuple_(ORDERS.c.created_at, ORDERS.c.id) < tuple_(*self.stage.listing.place)
        return len(self._list(self._listed().where(behind).limit(self.size.page))) // self.size.page

    def bulk(self, worker: int) -> int:
        [account] = self.accounts("bulk", worker)
        rows = trade_rows(list(new_trades(account.user_id, self.size.bulk)), datetime.now(UTC))
        with self.engine.begin() as connection:
            connection.execute(insert(Trade), [dict(zip(sql.TRADES, row, strict=True)) for row in rows])
        return len(rows)


class CoreAsync(WaitingPeer):
    name = "SQLAlchemy Core, async"

    async def connect(self) -> None:
        url = make_url(self.url).set(drivername="postgresql+psycopg")
        self.engine = create_async_engine(url, pool_size=self.workers, max_overflow=0)

    async def disconnect(self) -> None:
        await self.engine.dispose()

    async def get(self, worker: int) -> int:
        [account] = self.accounts("get", worker)
        async with self.engine.connect() as connection:
            rows = await connection.execute(_one(account.user_id, account.order_ids[0]))
            assert rows.one().symbol == SYMBOL
        return 1

    async def create(self, worker: int) -> int:
        [account] = self.accounts("create", worker)
        async with self.engine.begin() as connection:
            await connection.execute(insert(Order), order_row(new_order(account.user_id), datetime.now(UTC)))
        return 1

    async def list_1000(self, worker: int) -> int:  # noqa: ARG002
        query = select(ORDERS).where(ORDERS.c.user_id == self.stage.listing.user_id).order_by(*_NEWEST).limit(1000)
        async with self.engine.connect() as connection:
            return len((await connection.execute(query)).all()) and 1
