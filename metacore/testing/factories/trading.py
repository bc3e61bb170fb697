# pyright: reportIncompatibleVariableOverride=false
# Every `class Meta` of factory-boy overrides the one before it.
"""Factories of orders, and of what becomes of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from factory.base import Factory
from factory.declarations import LazyAttribute, Sequence
from factory.helpers import lazy_attribute

from metacore.domain.trading.order_updates import NewOrderUpdate
from metacore.domain.trading.orders import NewOrder, OrderSide, OrderStatus, OrderType
from metacore.domain.trading.reports import ExecutionReport
from metacore.domain.trading.trades import NewTrade
from metacore.domain.values.amounts import exact
from metacore.testing.factories.fields import moment, of_order


class NewOrderFactory(Factory[NewOrder]):
    """A LIMIT order to BUY 0.02 BTC at 50,000 USDT. `user_id` must be told."""

    class Meta:
        model = NewOrder

    symbol = "BTCUSDT"
    base_asset = "BTC"
    quote_asset = "USDT"
    side = OrderSide.BUY
    type = OrderType.LIMIT
    price = Decimal(50_000)
    quantity = Decimal("0.02")
    client_order_id = Sequence(lambda n: f"client-{n}")
    exchange_order_id = Sequence(lambda n: f"C02__{n}")


class NewOrderUpdateFactory(Factory[NewOrderUpdate]):
    """An update `of` an order to NEW, with nothing executed."""

    class Meta:
        model = NewOrderUpdate

    class Params:
        of = None

    user_id = of_order("user_id")
    order_id = of_order("id")
    previous_status = of_order("status")
    status = OrderStatus.NEW
    executed_quantity = Decimal(0)
    executed_quote_quantity = Decimal(0)
    occurred_at = Sequence(moment)


class NewTradeFactory(Factory[NewTrade]):
    """A trade of 0.01 BTC, `of` an order at its price or a BUY at 50,000 USDT; a thousandth of what it brings is its
    commission.

    Without `of`, it names its order by the ids that are told; without any, an order that `NewOrderFactory` never makes.
    """

    class Meta:
        model = NewTrade

    class Params:
        of = None

    user_id = of_order("user_id")
    order_id = of_order("id")
    client_order_id = None

    @lazy_attribute
    def exchange_order_id(self: Any) -> str | None:
        if self.of is not None:
            return self.of.exchange_order_id  # type: ignore[no-any-return]
        return None if self.order_id or self.client_order_id else "C02__nowhere"

    exchange_trade_id = Sequence(lambda n: f"{440_000_000 + n}X1")
    symbol = of_order("symbol", "BTCUSDT")
    side = of_order("side", OrderSide.BUY)
    price = LazyAttribute(lambda trade: (trade.of and trade.of.price) or Decimal(50_000))
    quantity = Decimal("0.01")
    traded_at = Sequence(moment)

    @lazy_attribute
    def commission(self: Any) -> Decimal:
        with exact():
            return Decimal(self.quantity) * (1 if self.side == OrderSide.BUY else self.price) / 1000

    @lazy_attribute
    def commission_asset(self: Any) -> str:
        return ("BTC" if self.side == OrderSide.BUY else "USDT") if self.of is None else _received_asset(self.of)


def _received_asset(order: NewOrder) -> str:
    return order.base_asset if order.side is OrderSide.BUY else order.quote_asset


class ExecutionReportFactory(Factory[ExecutionReport]):
    """A report that the order it is `of` is NEW, naming it by its id."""

    class Meta:
        model = ExecutionReport

    class Params:
        of = None

    user_id = of_order("user_id")
    order_id = of_order("id")
    status = OrderStatus.NEW
    executed_quantity = Decimal(0)
    executed_quote_quantity = Decimal(0)
    occurred_at = Sequence(moment)
