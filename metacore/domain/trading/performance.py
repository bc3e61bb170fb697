"""Performance: what a user's trades have earned, and what what they bought is worth."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from typing import NamedTuple, Self

from metacore.domain.market.prices import PricesBySymbol, known_prices, price_of
from metacore.domain.trading.orders import OrderSide
from metacore.domain.trading.trades import Trade
from metacore.domain.values.amounts import ATTO, ZERO, Sum, canonical, exact, round_down
from metacore.domain.values.frozen import FrozenDict
from metacore.domain.values.model import Model, unchecked
from metacore.domain.values.symbols import SumsByAsset
from metacore.domain.values.text import Key
from metacore.domain.values.times import Time


class CostMethod(StrEnum):
    """What a sale takes of what was paid. AVERAGE: the same for each unit that is held. FIFO: what the units cost that
    were bought first.
    """

    AVERAGE = "AVERAGE"
    FIFO = "FIFO"


class Execution(NamedTuple):
    """What performance counts of a trade."""

    symbol: str
    side: OrderSide
    quantity: Decimal
    quote_quantity: Decimal
    commission: Decimal
    commission_asset: str | None

    @classmethod
    def of(cls, trade: Trade) -> Self:
        """What it counts of `trade`."""
        amounts = (trade.quantity, trade.quote_quantity, trade.commission)
        return cls(trade.symbol, trade.side, *amounts, trade.commission_asset)


class SymbolPerformance(Model):
    """What the trades of one symbol have earned. Quantities are of its base asset, money is of its quote asset, before
    fees.

    Always: bought_quote + realised = sold_quote - unmatched_quote + cost.
    """

    symbol: Key
    """As its trades name it."""
    bought_quantity: Sum
    """All that was bought."""
    bought_quote: Sum
    """What was paid for it."""
    sold_quantity: Sum
    """All that was sold."""
    sold_quote: Sum
    """What was received for it."""
    unmatched_quantity: Sum
    """What was sold beyond what the trades before had bought: it came another way, and its cost is not known."""
    unmatched_quote: Sum
    """What was received for that; it is in no profit."""
    quantity: Sum
    """What is left of what was bought."""
    cost: Sum
    """What was paid for what is left."""
    average_cost: Sum | None
    """`cost` of one unit, rounded half-even to 18 places; None if nothing is left."""
    realised: Sum
    """What was received for what was sold, less what that had cost."""
    price: Sum | None = None
    """What one unit is worth now; None if no price is known."""
    priced_at: Time | None = None
    """When that was its price; None unless it is a tick's."""
    value: Sum | None = None
    """What that which is left is worth, at `price`."""
    unrealised: Sum | None = None
    """`value` less `cost`."""


class Performance(Model):
    """What a user's trades have earned: by symbol in the order of their names, and the fees paid, by asset.

    Each symbol's money is of its quote asset, so there is no sum over symbols; and it is before fees, which are paid in
    assets of the exchange's choice. A rebate counts against the fees of its asset.
    """

    method: CostMethod
    """What a sale takes of what was paid."""
    symbols: tuple[SymbolPerformance, ...] = ()
    """One for each symbol that was ever traded."""
    fees: SumsByAsset
    """What was paid in commissions, less rebates, by asset."""
    unpriced: tuple[Key, ...] = ()
    """The symbols of which something is left and no price is known."""

    @classmethod
    def of(
        cls, executions: Iterable[Execution], prices: PricesBySymbol, method: CostMethod = CostMethod.AVERAGE
    ) -> Self:
        """What `executions`, oldest first, have earned, and what is left is worth at `prices`, by symbol in whatever
        case.

        A sale takes its share of what was paid, rounded down to 18 places, and the last one all that is left of it: so
        what is taken and what is left are always what was paid. InvalidDataError if a symbol is named twice, or the
        price of one of which something is left is no amount or negative.
        """
        known = known_prices(prices)
        positions: dict[str, _Position] = {}
        fees: dict[str, Decimal] = {}
        with exact():
            for execution in executions:
                symbol, asset = execution.symbol, execution.commission_asset
                if symbol not in positions:
                    positions[symbol] = _Position(method)
                positions[symbol].take(execution)
                if asset is not None and execution.commission:
                    fees[asset] = fees.get(asset, ZERO) + execution.commission
            symbols = [position.performance(symbol, known) for symbol, position in sorted(positions.items())]
        return unchecked(
            cls,
            {
                "method": method,
                "symbols": tuple(symbols),
                "fees": FrozenDict({asset: canonical(fees[asset]) for asset in sorted(fees)}),
                "unpriced": tuple(one.symbol for one in symbols if one.quantity and one.price is None),
            },
        )


class _Position:
    """What was bought of one symbol and is not sold: lots of (quantity, cost), of which AVERAGE keeps one."""

    def __init__(self, method: CostMethod) -> None:
        self._averages = method is CostMethod.AVERAGE
        self._lots: deque[tuple[Decimal, Decimal]] = deque()
        self._bought = self._paid = self._sold = self._received = ZERO
        self._unmatched = self._unmatched_quote = self._realised = ZERO

    def take(self, execution: Execution) -> None:
        quantity, quote = execution.quantity, execution.quote_quantity
        if execution.side is OrderSide.BUY:
            self._bought, self._paid = self._bought + quantity, self._paid + quote
            self._add(quantity, quote)
        else:
            self._sold, self._received = self._sold + quantity, self._received + quote
            self._sell(quantity, quote)

    def _add(self, quantity: Decimal, cost: Decimal) -> None:
        if self._averages and self._lots:
            held, paid = self._lots.pop()
            quantity, cost = held + quantity, paid + cost
        self._lots.append((quantity, cost))

    def _sell(self, quantity: Decimal, quote: Decimal) -> None:
        left, cost = quantity, ZERO
        while left and self._lots:
            held, paid = self._lots.popleft()
            taken = min(held, left)
            share = _share(paid, taken, held)
            if taken < held:
                self._lots.appendleft((held - taken, paid - share))
            left, cost = left - taken, cost + share
        unmatched = _share(quote, left, quantity)
        self._unmatched, self._unmatched_quote = self._unmatched + left, self._unmatched_quote + unmatched
        self._realised += quote - unmatched - cost

    def performance(self, symbol: str, prices: Mapping[str, object]) -> SymbolPerformance:
        quantity = sum((held for held, _ in self._lots), ZERO)
        cost = sum((paid for _, paid in self._lots), ZERO)
        price = priced_at = value = None
        if quantity and (name := symbol.lower()) in prices:
            price, priced_at = price_of(name, prices[name])
            value = canonical(quantity * price)
        figures = {
            "bought_quantity": self._bought,
            "bought_quote": self._paid,
            "sold_quantity": self._sold,
            "sold_quote": self._received,
            "unmatched_quantity": self._unmatched,
            "unmatched_quote": self._unmatched_quote,
            "quantity": quantity,
            "cost": cost,
            "realised": self._realised,
        }
        return unchecked(
            SymbolPerformance,
            {
                "symbol": symbol,
                **{name: canonical(figure) for name, figure in figures.items()},
                "average_cost": canonical((cost / quantity).quantize(ATTO, ROUND_HALF_EVEN)) if quantity else None,
                "price": price,
                "priced_at": priced_at,
                "value": value,
                "unrealised": None if value is None else canonical(value - cost),
            },
        )


def _share(money: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    if not part or part == whole:
        return money if part else ZERO
    return round_down(money * part / whole)
