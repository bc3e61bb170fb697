"""An exchange: it executes orders, moves money in and out, and knows what the account has."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from random import Random

from metacore.domain.trading.orders import CLOSED, NewOrder, OrderSide, OrderStatus, OrderType

OPENING = {"USDT": Decimal(100_000), "A": Decimal(5000), "MX": Decimal(20_000)}
PAIRS = {"AUSDT": ("A", "USDT"), "MXUSDT": ("MX", "USDT"), "AMX": ("A", "MX")}
PRICES = {"AUSDT": Decimal(10), "MXUSDT": Decimal("2.5"), "AMX": Decimal(4)}


@dataclass(slots=True)
class Listed:
    """An order as the exchange has it; `client_id` is None where the owner gave none. Times are milliseconds."""

    id: str
    asked: NewOrder
    created: int
    updated: int
    status: OrderStatus = OrderStatus.NEW
    executed: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)

    @property
    def is_open(self) -> bool:
        return self.status not in CLOSED


@dataclass(frozen=True, slots=True)
class Deal:
    """A part of an order that was executed."""

    id: str
    order: Listed
    price: Decimal
    quantity: Decimal
    cost: Decimal
    commission: Decimal
    commission_asset: str
    time: int
    is_maker: bool


@dataclass(frozen=True, slots=True)
class Moved:
    """Money that came in or, with a negative amount, went out; the history tells of it as done from `done` on."""

    id: str
    asset: str
    amount: Decimal
    time: int
    done: int


class Exchange:
    """The truth: what happens here has happened."""

    def __init__(self, chance: Random) -> None:
        self.totals = dict(OPENING)
        self.orders: list[Listed] = []
        self.deals: list[Deal] = []
        self.moved: list[Moved] = []
        self._chance = chance

    def place(self, asked: NewOrder, now: int) -> Listed:
        """Take an order."""
        order = Listed(f"C02__{len(self.orders) + 1}", asked, now, now)
        self.orders.append(order)
        return order

    def find(self, asked: NewOrder) -> Listed | None:
        """The order that was asked for, if it came."""
        for order in self.orders:
            if order.id == asked.exchange_order_id or (
                asked.client_order_id is not None and order.asked.client_order_id == asked.client_order_id
            ):
                return order
        return None

    def cancel(self, order: Listed, now: int) -> bool:
        """Cancel what is left of an order; False if nothing is."""
        if not order.is_open:
            return False
        order.status = OrderStatus.PARTIALLY_CANCELED if order.executed else OrderStatus.CANCELED
        order.updated = now
        return True

    def execute(self, order: Listed, now: int) -> Deal | None:
        """Execute a part of an order, if it is open and the account can pay; one of a kind that does not wait ends."""
        if not order.is_open:
            return None
        price, quantity = self._terms(order)
        cost = price * quantity
        base, quote = PAIRS[order.asked.symbol]
        sign = 1 if order.asked.side is OrderSide.BUY else -1
        commission_asset = self._chance.choice([base if sign > 0 else quote, "MX"])
        # Now and then it is a rebate.
        commission = self._chance.choice([0, 1, 1, 1, -1]) * Decimal(self._chance.randint(1, 10**9)).scaleb(-12)
        moves = [(base, sign * quantity), (quote, -sign * cost), (commission_asset, -commission)]
        if not quantity or any(self.totals[asset] + move < 100 for asset, move in moves):
            return None
        for asset, move in moves:
            self.totals[asset] += move
        order.executed += quantity
        order.cost += cost
        order.updated = now
        order.status = self._status(order)
        rest = (commission, commission_asset, now, self._chance.random() < 0.5)
        deal = Deal(f"{len(self.deals) + 1}X1", order, price, quantity, cost, *rest)
        self.deals.append(deal)
        return deal

    def move(self, now: int) -> None:
        """Let money come in or go out."""
        asset = self._chance.choice(list(OPENING))
        amount = Decimal(self._chance.randint(1, 90_000)).scaleb(-3) * self._chance.choice([1, 1, -1])
        if self.totals[asset] + amount > 100:
            self.totals[asset] += amount
            done = now + self._chance.choice([0, 0, 2000, 20_000])
            self.moved.append(Moved(f"m{len(self.moved) + 1}", asset, amount, now, done))

    def _terms(self, order: Listed) -> tuple[Decimal, Decimal]:
        """At which price how much is executed."""
        asked = order.asked
        better = Decimal(self._chance.choice([0, 0, 1, 3])).scaleb(-2)
        near = asked.price or PRICES[asked.symbol]
        price = near - better if asked.side is OrderSide.BUY else near + better
        if asked.quantity is None:
            assert asked.quote_quantity is not None
            left = (asked.quote_quantity - order.cost) / price
        else:
            left = asked.quantity - order.executed
        part = left * self._chance.choice([Decimal(1), Decimal(1), Decimal("0.5"), Decimal("0.3")])
        quantity = part.quantize(Decimal("0.01"), ROUND_DOWN)
        return price, quantity if quantity or asked.quantity is None else left

    def _status(self, order: Listed) -> OrderStatus:
        asked = order.asked
        if asked.quantity is not None and order.executed == asked.quantity:
            return OrderStatus.FILLED
        if asked.type is OrderType.IMMEDIATE_OR_CANCEL:
            return OrderStatus.PARTIALLY_CANCELED
        if asked.quote_quantity is not None and asked.quote_quantity - order.cost < 1:
            return OrderStatus.FILLED
        return OrderStatus.PARTIALLY_FILLED
