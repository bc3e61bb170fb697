"""Orders: what was asked of the exchange, and how far it got."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BeforeValidator, Field, model_validator

from metacore import ids
from metacore.domain.trading.order_ids import OrderIds
from metacore.domain.values.amounts import ZERO, Amount, NonNegativeAmount, PositiveAmount, canonical, exact, round_down
from metacore.domain.values.frozen import FrozenJson
from metacore.domain.values.model import Model, across, unchecked
from metacore.domain.values.text import Key, Text
from metacore.domain.values.times import Time
from metacore.errors import ConflictError

OrderKey = tuple[UUID, UUID]
"""`(user_id, order_id)`."""


class OrderSide(StrEnum):
    BUY = "BUY"
    SELL = "SELL"


class OrderType(StrEnum):
    LIMIT = "LIMIT"
    MARKET = "MARKET"
    LIMIT_MAKER = "LIMIT_MAKER"
    IMMEDIATE_OR_CANCEL = "IMMEDIATE_OR_CANCEL"
    FILL_OR_KILL = "FILL_OR_KILL"
    STOP_LIMIT = "STOP_LIMIT"


class TimeInForce(StrEnum):
    """How long an order stays: until cancelled, immediate or cancel, fill or kill."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


class OrderStatus(StrEnum):
    PENDING_NEW = "PENDING_NEW"
    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    PENDING_CANCEL = "PENDING_CANCEL"
    CANCELED = "CANCELED"
    PARTIALLY_CANCELED = "PARTIALLY_CANCELED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"

    @property
    def is_open(self) -> bool:
        """Whether the exchange may still execute the order."""
        return self not in CLOSED


CLOSED = frozenset(map(OrderStatus, ("FILLED", "CANCELED", "PARTIALLY_CANCELED", "REJECTED", "EXPIRED")))
OPEN = frozenset(OrderStatus) - CLOSED


class NewOrder(Model):
    """An order to be placed or, with the status it is told, one found on the exchange.

    Every type but MARKET has a `price` and a `quantity`; a MARKET order has a `quantity` or, for a BUY, a
    `quote_quantity`.
    """

    id: UUID = Field(default_factory=lambda: ids.new_id())
    user_id: UUID
    symbol: Key
    base_asset: Key
    quote_asset: Key
    side: OrderSide
    type: OrderType
    time_in_force: TimeInForce | None = None
    status: OrderStatus = OrderStatus.PENDING_NEW
    price: PositiveAmount | None = None
    quantity: PositiveAmount | None = None
    quote_quantity: PositiveAmount | None = None
    stop_price: PositiveAmount | None = None
    executed_quantity: NonNegativeAmount = ZERO
    executed_quote_quantity: NonNegativeAmount = ZERO
    exchange_order_id: Key | None = None
    client_order_id: Key | None = None
    reason: Text | None = None
    transacted_at: Time | None = None
    raw: FrozenJson | None = None

    @model_validator(mode="after")
    def _has_a_size(self) -> Self:
        if self.type is OrderType.MARKET:
            if self.quantity is None and (self.quote_quantity is None or self.side is OrderSide.SELL):
                raise across(
                    "a MARKET order has a quantity or, for a BUY, a quote_quantity", "quantity", "quote_quantity"
                )
        elif self.price is None or self.quantity is None:
            raise across(f"a {self.type} order has a price and a quantity", "price", "quantity")
        if self.base_asset == self.quote_asset:
            raise across("base_asset and quote_asset differ", "base_asset", "quote_asset")
        return self

    @property
    def is_sized_by_quote(self) -> bool:
        """Whether it is a MARKET BUY of so much quote, whose quantity nobody knows before the last execution."""
        return self.quote_quantity is not None and self.type is OrderType.MARKET and self.side is OrderSide.BUY

    @property
    def order_ids(self) -> OrderIds:
        """Its ids."""
        return OrderIds(self.id, self.exchange_order_id, self.client_order_id)

    def content(self) -> dict[str, Any]:
        """What the caller asked for, which never changes after. Equal content under one id is the same order sent
        again.
        """
        return {name: self.__dict__[name] for name in CONTENT}

    def is_same_as(self, other: NewOrder) -> bool:
        """Whether `other` tells of this order: equal content, and no other exchange order id."""
        return self.content() == other.content() and (
            self.exchange_order_id == other.exchange_order_id
            or self.exchange_order_id is None
            or other.exchange_order_id is None
        )


CONTENT = (
    "user_id",
    "symbol",
    "base_asset",
    "quote_asset",
    "side",
    "type",
    "time_in_force",
    "price",
    "quantity",
    "quote_quantity",
    "stop_price",
    "client_order_id",
)


class Order(NewOrder):
    """A stored order. `held_amount` of `held_asset` is what its hold still keeps locked."""

    settled_quantity: Amount = ZERO
    settled_quote_quantity: Amount = ZERO
    held_asset: Key | None = None
    held_amount: NonNegativeAmount = ZERO
    placed_at: Time | None = None
    """When it was placed here, by our clock; None for an order that was found on the exchange."""
    version: int = 1
    created_at: Time
    updated_at: Time

    @classmethod
    def created(cls, new: NewOrder, now: datetime) -> Self:
        """The order that `new` becomes when it is stored at `now`, without a hold."""
        return unchecked(cls, {**new.__dict__, **FRESH, "created_at": now, "updated_at": now})

    @property
    def key(self) -> OrderKey:
        return self.user_id, self.id

    @property
    def is_open(self) -> bool:
        """Whether the exchange may still execute it."""
        return self.status.is_open

    def place(self) -> tuple[UUID, datetime, UUID]:
        """Where it stands among the orders of all users."""
        return self.user_id, self.created_at, self.id

    def hold_conflict(self) -> ConflictError:
        """Why it cannot be deleted while it holds funds: they would stay locked for ever."""
        return ConflictError(
            f"order {self.id} still holds {self.held_amount:f} {self.held_asset}; release its hold first",
            conflicts=(str(self.id),),
        )

    @property
    def remaining_quantity(self) -> Decimal | None:
        """What is left to execute, never below zero; None for an order sized by quote."""
        if self.quantity is None:
            return None
        with exact():
            return canonical(max(self.quantity - self.executed_quantity, ZERO))

    @property
    def average_price(self) -> Decimal | None:
        """Executed quote over executed base, cut at 18 places; None before the first execution."""
        if not self.executed_quantity:
            return None
        with exact():
            return round_down(self.executed_quote_quantity / self.executed_quantity)


FRESH: Mapping[str, Any] = {
    "settled_quantity": ZERO,
    "settled_quote_quantity": ZERO,
    "held_asset": None,
    "held_amount": ZERO,
    "placed_at": None,
    "version": 1,
}
"""What every order has that is stored without a hold."""


def _several(statuses: Any) -> Any:
    """Several statuses as a tuple, sorted, each once, or as the one that they are; else what is told."""
    if isinstance(statuses, str) or not isinstance(statuses, Iterable):
        return statuses
    named = {OrderStatus(status) for status in statuses}
    if not named:
        raise ValueError("name at least one status, or leave it out for any")
    return named.pop() if len(named) == 1 else tuple(status for status in OrderStatus if status in named)


class OrderFilter(Model):
    """Which orders to list: all that match every given field; `since` inclusive, `until` exclusive, by `created_at`."""

    symbol: Key | None = None
    status: Annotated[OrderStatus | Sequence[OrderStatus] | Set[OrderStatus] | None, BeforeValidator(_several)] = None
    """One status, or several: each that an order may be in. They are kept as a tuple, in the order of the statuses."""
    side: OrderSide | None = None
    since: Time | None = None
    until: Time | None = None

    @property
    def statuses(self) -> tuple[OrderStatus, ...]:
        """The statuses that are asked for; empty where any is."""
        if self.status is None:
            return ()
        return (self.status,) if isinstance(self.status, OrderStatus) else tuple(self.status)

    def matches(self, order: Order) -> bool:
        """Whether `order` is one of them."""
        return (
            (self.symbol is None or order.symbol == self.symbol)
            and (self.status is None or order.status in self.statuses)
            and (self.side is None or order.side is self.side)
            and (self.since is None or order.created_at >= self.since)
            and (self.until is None or order.created_at < self.until)
        )
