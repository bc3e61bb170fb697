"""psycopg 3: prepared statements, a pool of connections in autocommit, and dataclasses for rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import make_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from psycopg import AsyncConnection, AsyncRawCursor, Connection, RawCursor
from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from metacore.postgres.client.codecs import ORDER

from . import by_hand, sql
from .peer import BlockingPeer, WaitingPeer
from .records import get_record, save_record
from .stage import PRICE, SYMBOL, fill, new_order, new_trades, reservation, unique

Order: Any = make_dataclass("Order", ORDER.columns, slots=True)
OPTIONS = {"autocommit": True, "prepare_threshold": 0, "options": "-c TimeZone=UTC"}


class Psycopg(BlockingPeer):
    name = "psycopg"

    def open(self) -> None:
        super().open()
        kwargs = {**OPTIONS, "cursor_factory": RawCursor}
        self.pool = ConnectionPool[Connection[Any]](
            self.url, kwargs=kwargs, min_size=self.workers, max_size=self.workers, open=True
        )
        self.pool.wait()

    def close(self) -> None:
        self.pool.close()
        super().close()

    def _orders(self, query: str, *values: object) -> list[Any]:
        with self.pool.connection() as connection, RawCursor(connection, row_factory=class_row(Order)) as cursor:
            return cursor.execute(query, values).fetchall()

    def _within(self, work: Callable[[by_hand.Run], Any]) -> Any:
        """What `work` gives, in a transaction."""
        with self.pool.connection() as connection, connection.transaction():

            def run(query: str, values: Sequence[Any]) -> Any:
                cursor = connection.execute(query, values)
                return cursor.fetchall() if cursor.description else ()

            return work(run)

    def get(self, worker: int) -> int:
        [account] = self.accounts("get", worker)
        (order,) = self._orders(sql.GET, account.user_id, account.order_ids[0])
        assert order.symbol == SYMBOL
        return 1

    def create(self, worker: int) -> int:
        [account] = self.accounts("create", worker)
        row = by_hand.order_row(new_order(account.user_id), datetime.now(UTC))
        with self.pool.connection() as connection:
            connection.execute(sql.CREATE, list(row.values()))
        return 1

    def list_1000(self, worker: int) -> int:  # noqa: ARG002
        return len(self._orders(sql.LIST, self.stage.listing.user_id, 1000)) and 1

    def first_page(self, worker: int) -> int:  # noqa: ARG002
        return len(self._orders(sql.LIST, self.stage.listing.user_id, self.size.page)) // self.size.page

    def last_page(self, worker: int) -> int:  # noqa: ARG002
        user_id, _, place = self.stage.listing
        return len(self._orders(sql.LIST_BEHIND, user_id, *place, self.size.page)) // self.size.page

    def bulk(self, worker: int) -> int:
        [account] = self.accounts("bulk", worker)
        rows = by_hand.trade_rows(list(new_trades(account.user_id, self.size.bulk)), datetime.now(UTC))
        with self.pool.connection() as connection, connection.transaction():
            connection.execute(sql.STAGE)
            with connection.cursor() as cursor, cursor.copy(sql.COPY) as copy:
                for row in rows:
                    copy.write_row(row)
            return connection.execute(sql.FROM_STAGE).rowcount

    def place(self, worker: int) -> int:
        [account] = self.accounts("place", worker)
        self._within(lambda run: by_hand.place(run, new_order(account.user_id)))
        return 1

    def deposit(self, worker: int) -> int:
        [account] = self.accounts("deposit", worker)
        self._within(lambda run: by_hand.deposit(run, account.user_id, PRICE, unique()))
        return 1

    def _settle(self, kind: str, worker: int, count: int = 1, orders: int = 1) -> int:
        """One fill, of one of the accounts in turn: a batch is its fills one by one."""
        accounts, turn = self.accounts(kind, worker, count, orders), self.turn()
        new = fill(accounts[turn % count], turn)
        self._within(lambda run: by_hand.settle(run, new))
        return 1

    def fill(self, worker: int) -> int:
        return self._settle("fill", worker)

    def fills_wide(self, worker: int) -> int:
        return self._settle("wide", worker, orders=self.size.batch)

    def fills_narrow(self, worker: int) -> int:
        return self._settle("narrow", worker)

    def fills_of_users(self, worker: int) -> int:
        return self._settle("users", worker, count=self.size.users)

    def record_save(self, worker: int) -> int:  # noqa: ARG002
        self._within(lambda run: save_record(run, self.stage.record()))
        return 1

    def record_get(self, worker: int) -> int:  # noqa: ARG002
        key = self.stage.stored_record
        with self.pool.connection() as connection:
            return (
                len(get_record(lambda query, values: connection.execute(query, values).fetchall(), key)["items"]) // 3
            )

    def reserve(self, worker: int) -> int:
        [account] = self.accounts("reserve", worker)
        self._within(lambda run: by_hand.reserve(run, reservation(account.user_id)))
        return 1

    def reserve_batch(self, worker: int) -> int:
        return self.reserve(worker)

    def transfer(self, worker: int) -> int:
        giver, taker = self.accounts("transfer", worker, count=2)
        self._within(lambda run: by_hand.transfer(run, giver.user_id, taker.user_id, Decimal(1), unique()))
        return 1

    def reserve_and_post(self, worker: int) -> int:
        giver, taker = self.accounts("transfer", worker, count=2)
        made = self._within(lambda run: by_hand.reserve(run, reservation(giver.user_id)))
        self._within(lambda run: by_hand.post(run, giver.user_id, made, taker.user_id))
        return 1


class PsycopgAsync(WaitingPeer):
    name = "psycopg, async"

    async def connect(self) -> None:
        kwargs = {**OPTIONS, "cursor_factory": AsyncRawCursor}
        self.pool = AsyncConnectionPool[AsyncConnection[Any]](
            self.url, kwargs=kwargs, min_size=self.workers, max_size=self.workers, open=False
        )
        await self.pool.open(wait=True)

    async def disconnect(self) -> None:
        await self.pool.close()

    async def _orders(self, query: str, *values: object) -> list[Any]:
        async with self.pool.connection() as connection:
            cursor = AsyncRawCursor(connection, row_factory=class_row(Order))
            return await (await cursor.execute(query, values)).fetchall()

    async def get(self, worker: int) -> int:
        [account] = self.accounts("get", worker)
        (order,) = await self._orders(sql.GET, account.user_id, account.order_ids[0])
        assert order.symbol == SYMBOL
        return 1

    async def create(self, worker: int) -> int:
        [account] = self.accounts("create", worker)
        row = by_hand.order_row(new_order(account.user_id), datetime.now(UTC))
        async with self.pool.connection() as connection:
            await connection.execute(sql.CREATE, list(row.values()))
        return 1

    async def list_1000(self, worker: int) -> int:  # noqa: ARG002
        return len(await self._orders(sql.LIST, self.stage.listing.user_id, 1000)) and 1
