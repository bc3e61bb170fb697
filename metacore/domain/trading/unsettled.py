"""What the trades of a user that are stored, and not SETTLED, come to."""

from __future__ import annotations

from metacore.domain.trading.decisions import NOTHING_UNSETTLED, TradesOf, Unsettled
from metacore.domain.trading.order_ids import OrderIds
from metacore.domain.trading.orders import NewOrder
from metacore.domain.trading.trades import Trade, TradeState
from metacore.domain.values.amounts import exact, total


class UnsettledTrades:
    """The sums over the trades of a user, by what they name their order by."""

    def __init__(self) -> None:
        self._sums: dict[TradesOf, Unsettled] = {}

    def load(self, trades: TradesOf, sums: Unsettled) -> None:
        """Take note of the sums over these stored trades."""
        self._sums[trades] = sums

    def of(self, order: NewOrder, further_ids: OrderIds = OrderIds()) -> Unsettled:
        """The sums over the trades of `order`, whose ids `further_ids` complete.

        A trade of another symbol or side does not count for it.
        """
        if not self._sums:
            return NOTHING_UNSETTLED
        names = order.order_ids.completed_by(further_ids).names()
        found = (self._sums.get(TradesOf(name, order.symbol, order.side)) for name in names)
        sums = [row for row in found if row is not None]
        return Unsettled(total(row.quantity for row in sums), total(row.quote_quantity for row in sums))

    def add(self, trade: Trade) -> None:
        """Count `trade`, unless it is SETTLED."""
        self._count(trade, 1)

    def remove(self, trade: Trade) -> None:
        """Count `trade` no longer."""
        self._count(trade, -1)

    def _count(self, trade: Trade, sign: int) -> None:
        if trade.state is TradeState.SETTLED:
            return
        trades = TradesOf.of(trade)
        sums = self._sums.get(trades, NOTHING_UNSETTLED)
        with exact():
            self._sums[trades] = Unsettled(
                sums.quantity + sign * trade.quantity, sums.quote_quantity + sign * trade.quote_quantity
            )
