"""Trades: what the exchange executed, and whether its money has moved here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from pydantic import Field, model_validator

from metacore import ids
from metacore.domain.trading.order_ids import OrderIds
from metacore.domain.trading.orders import Order, OrderSide
from metacore.domain.values.amounts import (
    LIMIT,
    TOO_LARGE,
    ZERO,
    Amount,
    NonNegativeAmount,
    PositiveAmount,
    is_small,
    product,
    round_down,
    round_up,
)
from metacore.domain.values.frozen import FrozenJson
from metacore.domain.values.model import Model, across, unchecked_maker
from metacore.domain.values.text import Key
from metacore.domain.values.times import Time

TradeKey = tuple[UUID, str, str]
"""`(user_id, symbol, exchange_trade_id)`: one trade, or two of a self-trade on two orders."""


class TradeState(StrEnum):
    """RECORDED: history only. PENDING: its money waits. SETTLED: its money has moved."""

    RECORDED = "RECORDED"
    PENDING = "PENDING"
    SETTLED = "SETTLED"


class NewTrade(Model):
    """A trade as the exchange told it; it names its order by at least one of three ids.

    `quote_quantity` is price x quantity if not told, rounded to 18 places: up for a BUY, which pays it, down for a
    SELL. A negative `commission` is a rebate.
    """

    id: UUID = Field(default_factory=lambda: ids.new_id())
    user_id: UUID
    order_id: UUID | None = None
    exchange_order_id: Key | None = None
    client_order_id: Key | None = None
    exchange_trade_id: Key
    symbol: Key
    side: OrderSide
    price: NonNegativeAmount
    quantity: PositiveAmount
    quote_quantity: NonNegativeAmount | None = None
    commission: Amount = ZERO
    commission_asset: Key | None = None
    is_maker: bool | None = None
    traded_at: Time
    raw: FrozenJson | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.order_id is None and self.exchange_order_id is None and self.client_order_id is None:
            raise across("a trade names its order by order_id, exchange_order_id or client_order_id", *OrderIds._fields)
        if self.commission and self.commission_asset is None:
            raise across("a commission has a commission_asset", "commission", "commission_asset")
        if self.quote_quantity is None and not is_small(self.price, self.quantity) and self.money() >= LIMIT:
            raise across(f"price x quantity has {TOO_LARGE}", "price", "quantity")
        return self

    @property
    def order_ids(self) -> OrderIds:
        """The ids of its order that it carries."""
        return OrderIds(self.order_id, self.exchange_order_id, self.client_order_id)

    @property
    def key(self) -> TradeKey:
        return self.user_id, self.symbol, self.exchange_trade_id

    def money(self) -> Decimal:
        """The quote amount that it moves: as told, else price x quantity, a cost rounded up, a credit down."""
        if self.quote_quantity is not None:
            return self.quote_quantity
        exactly = product(self.price, self.quantity)
        return round_up(exactly) if self.side is OrderSide.BUY else round_down(exactly)

    def content(self) -> tuple[Any, ...]:
        """What must be equal, by value, for two messages to tell of the same trade."""
        return (self.side, self.price, self.quantity, self.money(), self.commission, self.commission_asset)


def _order_key(values: Mapping[str, Any]) -> str:
    return OrderIds(*(values[name] for name in OrderIds._fields)).exchange_first()


class Trade(NewTrade):
    """A stored trade. Its `order_key`, which tells it from the other trade of a self-trade, is made once, of the ids of
    its order that it was first told by (`OrderIds.exchange_first`), and stays when it learns others.
    """

    quote_quantity: NonNegativeAmount  # pyright: ignore[reportGeneralTypeIssues, reportIncompatibleVariableOverride]
    state: TradeState = TradeState.RECORDED
    version: int = 1
    created_at: Time
    updated_at: Time
    order_key: Key = Field(default_factory=_order_key)

    @classmethod
    def created(cls, new: NewTrade, now: datetime, state: TradeState = TradeState.RECORDED) -> Trade:
        """The trade that `new` becomes when it is stored at `now`."""
        return cls.of_order(new, now, state, new.order_ids, new.money())

    @classmethod
    def of_order(cls, new: NewTrade, now: datetime, state: TradeState, ids: OrderIds, money: Decimal) -> Trade:
        """The trade that `new`, whose quote amount is `money`, becomes when it is stored at `now`, with the `ids` of
        its order.
        """
        order_id, exchange_order_id, client_order_id = ids
        return _made(
            {
                **new.__dict__,
                "order_id": order_id,
                "exchange_order_id": exchange_order_id,
                "client_order_id": client_order_id,
                "quote_quantity": money,
                "state": state,
                "version": 1,
                "created_at": now,
                "updated_at": now,
                "order_key": new.order_ids.exchange_first(),
            }
        )

    def place(self) -> tuple[UUID, datetime, UUID]:
        """Where it stands among the trades of all users, oldest first."""
        return self.user_id, self.traded_at, self.id

    def is_of(self, order: Order) -> bool:
        """Whether it names this order."""
        return self.user_id == order.user_id and self.order_ids.own_first() in order.order_ids.names()


_made = unchecked_maker(Trade, Trade.model_fields)


class TradeFilter(Model):
    """Which trades to list: all that match every given field; `since` inclusive, `until` exclusive, by `traded_at`."""

    symbol: Key | None = None
    state: TradeState | None = None
    side: OrderSide | None = None
    since: Time | None = None
    until: Time | None = None

    def matches(self, trade: Trade) -> bool:
        """Whether `trade` is one of them."""
        return (
            (self.symbol is None or trade.symbol == self.symbol)
            and (self.state is None or trade.state is self.state)
            and (self.side is None or trade.side is self.side)
            and (self.since is None or trade.traded_at >= self.since)
            and (self.until is None or trade.traded_at < self.until)
        )
