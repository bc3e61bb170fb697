"""Changes to be saved, and those that are refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from metacore.domain.people.users import User, UserPatch
from metacore.domain.trading.balances import EntryReason
from metacore.domain.trading.decisions import Changes
from metacore.domain.trading.orders import Order, OrderStatus
from metacore.domain.trading.trades import Trade, TradeState
from metacore.errors import (
    AlreadyExistsError,
    InsufficientFundsError,
    InvalidDataError,
    MetacoreError,
    NotFoundError,
    StaleVersionError,
)
from metacore.testing.clock import START
from metacore.testing.contract.samples import NOBODY
from metacore.testing.factories import (
    BalanceDeltaFactory,
    NewOrderFactory,
    NewOrderUpdateFactory,
    NewTradeFactory,
)

ONE = Decimal(1)


@dataclass
class Rows:
    """A user with an order and a trade at version 1 and 1,000 USDT, another user, and unstored rows beside them."""

    user: User
    other: User
    order: Order
    trade: Trade
    new_order: Order = field(init=False)
    new_trade: Trade = field(init=False)

    def __post_init__(self) -> None:
        self.new_order = self.fresh_order()
        self.new_trade = self.fresh_trade()

    def fresh_order(self, **fields: Any) -> Order:
        return Order.created(NewOrderFactory.build(**{"user_id": self.user.id, **fields}), START)

    def fresh_trade(self, **fields: Any) -> Trade:
        return Trade.created(NewTradeFactory.build(**{"user_id": self.user.id, **fields}), START)

    def everything(self) -> Changes:
        """A change of every kind."""
        return Changes(
            orders=(self.new_order, self.order.changed(status=OrderStatus.FILLED, version=2)),
            order_updates=(
                NewOrderUpdateFactory.build(of=self.order),
                NewOrderUpdateFactory.build(of=self.new_order),
                NewOrderUpdateFactory.build(of=self.order),
            ),
            trades=(self.new_trade, self.trade.changed(state=TradeState.SETTLED, version=2)),
            balance_deltas=(
                BalanceDeltaFactory.build(user_id=self.user.id, delta_free=-ONE, reason=EntryReason.TRADE),
                BalanceDeltaFactory.build(user_id=self.user.id, asset="BTC"),
                BalanceDeltaFactory.build(user_id=self.user.id, delta_free=-ONE, reason=EntryReason.COMMISSION),
            ),
            user_patches={self.user.id: UserPatch(can_trade=False, balances_as_of=START)},
        )


HARMLESS: dict[str, tuple[type[MetacoreError], Callable[[Rows], Changes]]] = {
    "an order at another version": (
        StaleVersionError,
        lambda rows: Changes(orders=(rows.new_order, rows.order.changed(version=3))),
    ),
    "a trade at another version": (
        StaleVersionError,
        lambda rows: Changes(trades=(rows.new_trade, rows.trade.changed(version=3))),
    ),
    "an order that does not exist": (
        NotFoundError,
        lambda rows: Changes(orders=(rows.order.changed(version=2), rows.new_order.changed(version=2))),
    ),
    "another user's order": (
        NotFoundError,
        lambda rows: Changes(orders=(rows.order.changed(user_id=rows.other.id, version=2),)),
    ),
    "a trade that does not exist": (
        NotFoundError,
        lambda rows: Changes(orders=(rows.new_order,), trades=(rows.new_trade.changed(version=2),)),
    ),
    "an update of an order that does not exist": (
        NotFoundError,
        lambda rows: Changes(
            trades=(rows.new_trade,), order_updates=(NewOrderUpdateFactory.build(of=rows.fresh_order()),)
        ),
    ),
    "an order of nobody": (NotFoundError, lambda rows: Changes(orders=(rows.fresh_order(user_id=NOBODY),))),
    "a trade of nobody": (NotFoundError, lambda rows: Changes(trades=(rows.fresh_trade(user_id=NOBODY),))),
    "a patch of nobody": (
        NotFoundError,
        lambda rows: Changes(
            orders=(rows.new_order,),
            user_patches={rows.user.id: UserPatch(can_trade=False), NOBODY: UserPatch(can_trade=False)},
        ),
    ),
    "a balance of nobody": (
        NotFoundError,
        lambda rows: Changes(orders=(rows.new_order,), balance_deltas=(BalanceDeltaFactory.build(user_id=NOBODY),)),
    ),
    "a balance beyond the digits": (
        InvalidDataError,
        lambda rows: Changes(
            orders=(rows.new_order,),
            balance_deltas=(BalanceDeltaFactory.build(user_id=rows.user.id, delta_free=Decimal(10**38 - 1)),),
        ),
    ),
}

DOOMING: dict[str, tuple[type[MetacoreError], str, Callable[[Rows], Changes]]] = {
    "an order id that is taken": (
        AlreadyExistsError,
        "id",
        lambda rows: Changes(trades=(rows.new_trade,), orders=(rows.fresh_order(id=rows.order.id),)),
    ),
    "a client order id that is taken": (
        AlreadyExistsError,
        "client_order_id",
        lambda rows: Changes(orders=(rows.fresh_order(client_order_id=rows.order.client_order_id),)),
    ),
    "an exchange order id that is taken, by a replaced order": (
        AlreadyExistsError,
        "exchange_order_id",
        lambda rows: Changes(
            orders=(rows.new_order, rows.order.changed(version=2, exchange_order_id=rows.new_order.exchange_order_id))
        ),
    ),
    "a trade id that is taken": (
        AlreadyExistsError,
        "id",
        lambda rows: Changes(orders=(rows.new_order,), trades=(rows.fresh_trade(id=rows.trade.id),)),
    ),
    "an exchange trade id that is taken": (
        AlreadyExistsError,
        "exchange_trade_id",
        lambda rows: Changes(trades=(rows.fresh_trade(of=rows.order, exchange_trade_id=rows.trade.exchange_trade_id),)),
    ),
    "a user's name that is taken": (
        AlreadyExistsError,
        "username",
        lambda rows: Changes(
            orders=(rows.new_order,), user_patches={rows.user.id: UserPatch(username=rows.other.username)}
        ),
    ),
    "a reference that is taken": (
        AlreadyExistsError,
        "reference",
        lambda rows: Changes(
            orders=(rows.new_order,),
            balance_deltas=(BalanceDeltaFactory.build(user_id=rows.user.id, asset="BTC", reference="taken"),),
        ),
    ),
    "a balance below zero": (
        InsufficientFundsError,
        "asset",
        lambda rows: Changes(
            orders=(rows.new_order,),
            balance_deltas=(
                BalanceDeltaFactory.build(user_id=rows.user.id, delta_free=ONE, reason=EntryReason.TRADE),
                BalanceDeltaFactory.build(user_id=rows.user.id, delta_free=Decimal(-1002), reason=EntryReason.TRADE),
            ),
        ),
    ),
}
