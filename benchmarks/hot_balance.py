"""Sixteen workers settle fills of one order, all on the same two balances.

    python benchmarks/hot_balance.py

Metacore against hand-written psycopg that drives the same SQL, statement by statement, with plain Python arithmetic
between; and, for comparison, against the plainer SQL of `settlement.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from harness import Contest
from psycopg import Connection
from psycopg_pool import ConnectionPool
from settlement import ByHand, account, fill

import metacore
from metacore.postgres import EmbeddedPostgres, SchemaDeployer
from metacore.postgres.client.codecs import BALANCE, BALANCE_ENTRY, ORDER, ORDER_UPDATE, TRADE, to_array
from metacore.postgres.client.statement import Statement
from metacore.postgres.statements import balances, order_updates, trades, transactions
from metacore.sync import NewTrade, TradingService, connect

WORKERS = 16
FILLS = 10


class SameSql:
    """The statements of Metacore, driven by psycopg."""

    def settle(self, connection: Connection[Any], trade: NewTrade) -> None:
        user, now = str(trade.user_id), datetime.now(UTC)
        mine = {"user_id": user}
        named = mine | {"order_id": f"{{{trade.order_id}}}"}

        def run(statement: Statement, values: dict[str, Any]) -> list[Any]:
            return connection.execute(statement.text("metacore"), values).fetchall()

        with connection.transaction():
            run(transactions.LOCK_USER, mine)
            order = dict(zip(ORDER.columns, run(transactions.lock_orders(("order_id",), False), named)[0], strict=True))
            key = {"symbol": [trade.symbol], "exchange_trade_id": [trade.exchange_trade_id]}
            if run(transactions.TRADES, mine | {name: to_array(values) for name, values in key.items()}):
                return
            run(transactions.unsettled(("order_id",), False), named)
            assets = [order["base_asset"], order["quote_asset"]]
            keys = mine | {"asset": to_array(assets)}
            run(balances.ENSURE, keys | {"now": now.isoformat()})
            found = [dict(zip(BALANCE.columns, row, strict=True)) for row in run(balances.LOCK_MANY, keys)]
            funds = {row["asset"]: [row["free"], row["locked"], row["last_seq"]] for row in found}
            cost = trade.price * trade.quantity
            previous = order["status"]
            for name, change in (("quantity", trade.quantity), ("quote_quantity", cost)):
                order[f"executed_{name}"] += change
                order[f"settled_{name}"] += change
            order["held_amount"] -= cost
            order |= {"status": "PARTIALLY_FILLED", "version": order["version"] + 1, "updated_at": now}
            run(transactions.REPLACE_ORDERS, ORDER.encode_all([SimpleNamespace(**order)], ORDER.columns) | mine)
            stored = trade.__dict__ | {"quote_quantity": cost, "state": "SETTLED", "version": 1}
            stored |= {"created_at": now, "updated_at": now, "order_key": str(trade.order_id)}
            run(trades.INSERT, TRADE.encode_all([SimpleNamespace(**stored)]) | mine)
            entries = []
            for asset, free, locked, reason in (
                (assets[1], Decimal(0), -cost, "TRADE"),
                (assets[0], trade.quantity, Decimal(0), "TRADE"),
                (assets[0], -trade.commission, Decimal(0), "COMMISSION"),
            ):
                fund = funds[asset]
                fund[0], fund[1], fund[2] = fund[0] + free, fund[1] + locked, fund[2] + 1
                entry = {"user_id": user, "asset": asset, "delta_free": free, "delta_locked": locked, "reason": reason}
                entry |= {"reference": str(trade.id), "occurred_at": trade.traded_at, "created_at": now}
                entry |= {"free_after": fund[0], "locked_after": fund[1], "seq": fund[2]}
                entry |= {"delta_unexplained": Decimal(0), "unexplained_after": Decimal(0), "hash": ""}
                entries.append(SimpleNamespace(**entry))
            run(balances.INSERT_ENTRIES, BALANCE_ENTRY.encode_all(entries) | mine)
            last = {"asset": to_array(funds), "last_seq": to_array(fund[2] for fund in funds.values())}
            run(balances.FOLLOW_ENTRIES, mine | last)
            update = {name: order[name] for name in ("status", "executed_quantity", "executed_quote_quantity")}
            update |= {"user_id": trade.user_id}
            update |= {"order_id": trade.order_id, "previous_status": previous, "outcome": "APPLIED", "reason": None}
            update |= {"source": "REST", "occurred_at": trade.traded_at, "raw": None}
            appended = ORDER_UPDATE.encode_all([SimpleNamespace(**update)], order_updates.APPENDED)
            named = {"order_ids": f"{{{trade.order_id}}}", "position": "{1}", "rank": "{1}"}
            run(order_updates.APPEND, appended | named | mine | {"recorded_at": now.isoformat()})


def crowd(work: Callable[[], object]) -> None:
    """Let all workers do `work` at once, a few times each."""
    with ThreadPoolExecutor(WORKERS) as workers:
        for done in [workers.submit(lambda: [work() for _ in range(FILLS)]) for _ in range(WORKERS)]:
            done.result()


def main() -> None:
    with EmbeddedPostgres() as server:
        SchemaDeployer(server.url).deploy()
        settings = metacore.Settings(pool_max_size=WORKERS, lock_timeout=60)
        options = {"autocommit": True, "prepare_threshold": 0, "options": "-c TimeZone=UTC"}
        with (
            connect(server.url, settings=settings) as storage,
            ConnectionPool(server.url, kwargs=options, min_size=WORKERS, max_size=WORKERS) as pool,
        ):
            trading = TradingService(storage)
            mine = account(storage)

            def by_hand(writer: SameSql | ByHand) -> Callable[[], None]:
                theirs = account(storage)

                def settle() -> None:
                    with pool.connection() as connection:
                        writer.settle(connection, fill(*theirs))

                return lambda: crowd(settle)

            contestants = {
                "psycopg, same SQL": by_hand(SameSql()),
                "psycopg, plainer SQL": by_hand(ByHand()),
                "metacore": lambda: crowd(lambda: trading.settle_trade(fill(*mine))),
            }
            Contest(f"{WORKERS} workers on one balance", contestants, WORKERS * FILLS, 11).run()
            findings = [storage.balances.audit(user.id) for user in storage.users.list().items]
            print("  audit of all:", "clean" if not any(findings) else findings)


if __name__ == "__main__":
    main()
