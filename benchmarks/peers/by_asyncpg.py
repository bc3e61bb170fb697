"""asyncpg: prepared statements, its own pool, and its records for rows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import asyncpg
from psycopg.conninfo import conninfo_to_dict

from . import sql
from .by_hand import order_row, trade_rows
from .peer import WaitingPeer
from .stage import SYMBOL, new_order, new_trades


class Asyncpg(WaitingPeer):
    name = "asyncpg"

    async def connect(self) -> None:
        parts = conninfo_to_dict(self.url)
        self.pool = await asyncpg.create_pool(
            host=parts.get("host"),
            port=parts.get("port"),
            user=parts.get("user"),
            password=parts.get("password"),
            database=parts.get("dbname"),
            ssl=False,
            min_size=self.workers,
            max_size=self.workers,
        )

    async def disconnect(self) -> None:
        await self.pool.close()

    async def get(self, worker: int) -> int:
        [account] = self.accounts("get", worker)
        order = await self.pool.fetchrow(sql.GET, account.user_id, account.order_ids[0])
        assert order["symbol"] == SYMBOL
        return 1

    async def create(self, worker: int) -> int:
        [account] = self.accounts("create", worker)
        row = order_row(new_order(account.user_id), datetime.now(UTC))
        await self.pool.execute(sql.CREATE, *row.values())
        return 1

    async def list_1000(self, worker: int) -> int:  # noqa: ARG002
        return len(await self.pool.fetch(sql.LIST, self.stage.listing.user_id, 1000)) and 1

    async def first_page(self, worker: int) -> int:  # noqa: ARG002
        rows = await self.pool.fetch(sql.LIST, self.stage.listing.user_id, self.size.page)
        return len(rows) // self.size.page

    async def last_page(self, worker: int) -> int:  # noqa: ARG002
        user_id, _, place = self.stage.listing
        rows = await self.pool.fetch(sql.LIST_BEHIND, user_id, *place, self.size.page)
        return len(rows) // self.size.page

    async def bulk(self, worker: int) -> int:
        [account] = self.accounts("bulk", worker)
        rows = trade_rows(list(new_trades(account.user_id, self.size.bulk)), datetime.now(UTC))
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute(sql.STAGE)
            await connection.copy_records_to_table("staged", records=rows, columns=sql.TRADES)
            tag: Any = await connection.execute(sql.FROM_STAGE)
        return int(tag.split()[-1])
