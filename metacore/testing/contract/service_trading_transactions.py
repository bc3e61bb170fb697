"""The contract of the trading service within the caller's own transaction."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from metacore.domain.people.users import User
from metacore.domain.trading.orders import Order, OrderStatus
from metacore.domain.trading.reports import Outcome
from metacore.errors import (
    ConflictError,
    MetacoreError,
    TransactionAbortedError,
)
from metacore.sync.services.trading import TradingService
from metacore.sync.storage.storage import Storage
from metacore.testing.contract.samples import NOBODY
from metacore.testing.contract.service_trading import (
    SIZE,
    TradingContract,
    fill,
    money,
    new_order,
)
from metacore.testing.runners import Runner


class TradingTransactionContract(TradingContract):
    """Of the trading service built on a transaction."""

    def test_it_joins_the_transaction(self, storage: Storage, runner: Runner, user: User) -> None:
        with pytest.raises(_RollBackError):
            with storage.transaction() as tx:
                trading: TradingService = runner.service("TradingService", tx)
                trading.deposit(user.id, "USDT", Decimal(1000), "all")
                order = trading.place_order(new_order(user))
                assert trading.settle_trade(fill(order)).outcome is Outcome.SETTLED
                assert tx.orders.get(user.id, order.id).settled_quantity == SIZE / 2
                raise _RollBackError
        assert storage.orders.list(user.id).items == ()
        assert storage.balances.list(user.id) == ()

    def test_what_is_refused_leaves_the_transaction_as_it_was(
        self, storage: Storage, runner: Runner, user: User
    ) -> None:
        with storage.transaction() as tx:
            trading: TradingService = runner.service("TradingService", tx)
            trading.deposit(user.id, "USDT", Decimal(1000), "all")
            order = trading.place_order(new_order(user))
            refused: list[Any] = [
                lambda: trading.place_order(new_order(user)),
                lambda: trading.withdraw(user.id, "USDT", Decimal(1), "too much"),
                lambda: trading.deposit(user.id, "USDT", Decimal(1), "all"),
                lambda: trading.settle_trade(fill(order, client_order_id=order.client_order_id, user_id=NOBODY)),
                lambda: trading.cancel_order(user.id, NOBODY),
            ]
            for call in refused:
                with pytest.raises(MetacoreError) as error:
                    call()
                assert not isinstance(error.value, TransactionAbortedError)
            assert trading.settle_trade(fill(order)).outcome is Outcome.SETTLED
        assert money(storage, user) == {"BTC": "0.01 / 0", "USDT": "0 / 500"}

    def test_a_collision_within_the_transaction_is_a_conflict_there_too(
        self, storage: Storage, runner: Runner, user: User, order: Order
    ) -> None:
        with storage.transaction() as tx:
            trading: TradingService = runner.service("TradingService", tx)
            trade = fill(order)
            trading.settle_trade(trade)
            with pytest.raises(ConflictError):
                trading.settle_trade(fill(order, id=trade.id))
            assert trading.settle_trade(fill(order)).outcome is Outcome.SETTLED
        assert storage.orders.get(user.id, order.id).status is OrderStatus.FILLED


class _RollBackError(Exception):
    pass
