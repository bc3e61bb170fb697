"""`orders.get` and `orders.create` against hand-written psycopg with the same SQL.

    python benchmarks/orders.py

The hand-written side is what a careful author would write: a pool of autocommit connections, prepared statements, and
the same SQL text; it gives plain rows where Metacore gives models.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any
from uuid import UUID

import psycopg
from harness import Contest
from psycopg_pool import AsyncConnectionPool, ConnectionPool

import metacore
import metacore.sync
from metacore.domain.trading.orders import Order
from metacore.postgres import EmbeddedPostgres, SchemaDeployer
from metacore.postgres.statements import orders as statements

OPERATIONS = 100


def new_order(user_id: UUID) -> metacore.NewOrder:
    return metacore.NewOrder(
        user_id=user_id,
        symbol="BTCUSDT",
        base_asset="BTC",
        quote_asset="USDT",
        side="BUY",
        type="LIMIT",
        price="50000",
        quantity="0.02",
        client_order_id=str(metacore.new_id()),
    )


def values(new: metacore.NewOrder, now: Any) -> dict[str, Any]:
    return {**Order.created(new, now).__dict__}


def main() -> None:
    with EmbeddedPostgres() as server:
        SchemaDeployer(server.url).deploy()
        get = statements.GET.text("metacore")
        create = statements.CREATE.text("metacore")
        options = {"autocommit": True, "prepare_threshold": 0}
        with (
            metacore.sync.connect(server.url) as storage,
            ConnectionPool(server.url, kwargs=options, min_size=1, max_size=10) as pool,
            asyncio.Runner() as runner,
        ):
            user = storage.users.create(metacore.NewUser(username="alice"))
            order = storage.orders.create(new_order(user.id))
            key = {"user_id": user.id, "id": order.id}

            def get_by_hand() -> None:
                for _ in range(OPERATIONS):
                    with pool.connection() as connection:
                        connection.execute(get, key).fetchone()

            def get_by_metacore() -> None:
                for _ in range(OPERATIONS):
                    storage.orders.get(user.id, order.id)

            def create_by_hand() -> None:
                for _ in range(OPERATIONS):
                    with pool.connection() as connection:
                        connection.execute(create, values(new_order(user.id), storage.now())).fetchone()

            def create_by_metacore() -> None:
                for _ in range(OPERATIONS):
                    storage.orders.create(new_order(user.id))

            Contest("orders.get, sync", {"psycopg": get_by_hand, "metacore": get_by_metacore}, OPERATIONS).run()
            Contest(
                "orders.create, sync", {"psycopg": create_by_hand, "metacore": create_by_metacore}, OPERATIONS
            ).run()

            async def open_all() -> tuple[metacore.Storage, AsyncConnectionPool[psycopg.AsyncConnection[Any]]]:
                opened = await metacore.connect(server.url).open()
                handmade: Any = AsyncConnectionPool(server.url, kwargs=options, min_size=1, max_size=10, open=False)
                await handmade.open()
                return opened, handmade

            storage_async, pool_async = runner.run(open_all())

            async def get_by_hand_async() -> None:
                for _ in range(OPERATIONS):
                    async with pool_async.connection() as connection:
                        await (await connection.execute(get, key)).fetchone()

            async def get_by_metacore_async() -> None:
                for _ in range(OPERATIONS):
                    await storage_async.orders.get(user.id, order.id)

            async def create_by_hand_async() -> None:
                for _ in range(OPERATIONS):
                    async with pool_async.connection() as connection:
                        await (await connection.execute(create, values(new_order(user.id), storage.now()))).fetchone()

            async def create_by_metacore_async() -> None:
                for _ in range(OPERATIONS):
                    await storage_async.orders.create(new_order(user.id))

            def contest(title: str, **coroutines: Any) -> None:
                def runs(fn: Any) -> Any:
                    return lambda: runner.run(_typed(fn()))

                Contest(title, {name: runs(fn) for name, fn in coroutines.items()}, OPERATIONS).run()

            contest("orders.get, async", psycopg=get_by_hand_async, metacore=get_by_metacore_async)
            contest("orders.create, async", psycopg=create_by_hand_async, metacore=create_by_metacore_async)
            runner.run(_typed(storage_async.close()))
            runner.run(_typed(pool_async.close()))


def _typed(coroutine: Any) -> Coroutine[Any, Any, None]:
    return coroutine  # type: ignore[no-any-return]


if __name__ == "__main__":
    main()
