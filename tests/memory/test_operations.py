"""Operations in memory: what an interruption undoes, that their blocks never wait, and how many rows they read."""

import ast
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from metacore import NewOrder, NewTrade, NewUser, OrderSide, OrderType
from metacore.errors import TransactionAbortedError
from metacore.memory import storages
from metacore.memory.views import View
from metacore.sync import TradingService, connect


def test_an_interruption_in_a_transaction_dooms_it():
    interrupts = []

    def clock():
        for _ in interrupts:
            raise KeyboardInterrupt
        return datetime(2026, 1, 1, tzinfo=UTC)

    with connect("memory://", clock=clock) as storage:
        user = storage.users.create(NewUser())

        def change(tx):
            interrupts.append(1)
            with suppress(KeyboardInterrupt):
                tx.balances.get_many([(user.id, "USDT")], for_update=True)
            interrupts.clear()

        with pytest.raises(TransactionAbortedError, match="KeyboardInterrupt"):
            storage.run(change)
        interrupts.append(1)
        with pytest.raises(KeyboardInterrupt):
            storage.balances.get_many([(user.id, "USDT")], for_update=True)
        interrupts.clear()
        assert not storage.balances.list(user.id)


def test_the_block_of_an_operation_never_waits():
    blocks = {
        (path.name, node.lineno): node
        for path in Path(storages.__file__).parent.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.With | ast.AsyncWith)
        and ast.unparse(node.items[0].context_expr) in ("self._session.read()", "self._session.write()")
    }
    assert len(blocks) > 50
    waiting = (ast.Await, ast.Yield, ast.YieldFrom, ast.AsyncWith, ast.AsyncFor)
    assert not [
        place
        for place, block in blocks.items()
        for statement in block.body
        if any(isinstance(node, waiting) for node in ast.walk(statement))
    ]


def test_a_fill_reads_as_many_rows_whatever_is_stored(monkeypatch):
    start, reads = datetime(2026, 1, 1, tzinfo=UTC), []
    get = View.get
    monkeypatch.setattr(View, "get", lambda view, key: reads.append(key) or get(view, key))
    with connect("memory://") as storage:
        trading = TradingService(storage)
        user = storage.users.create(NewUser())
        trading.deposit(user.id, "USDT", Decimal(1000), "first")
        order = trading.place_order(
            NewOrder(
                user_id=user.id,
                symbol="BTCUSDT",
                base_asset="BTC",
                quote_asset="USDT",
                side=OrderSide.BUY,
                type=OrderType.LIMIT,
                price=Decimal(1),
                quantity=Decimal(1000),
            )
        )
        counts = []
        for number in range(30):
            reads.clear()
            trading.settle_trade(
                NewTrade(
                    user_id=user.id,
                    order_id=order.id,
                    exchange_trade_id=f"t{number}",
                    symbol="BTCUSDT",
                    side=OrderSide.BUY,
                    price=Decimal(1),
                    quantity=Decimal(1),
                    traded_at=start + timedelta(seconds=number),
                )
            )
            counts.append(len(reads))
    assert counts[-1] == counts[1]
