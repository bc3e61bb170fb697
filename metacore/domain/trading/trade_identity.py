"""The identity of a trade: whether two messages tell of the same one.

Two trades are the same if user, symbol and exchange_trade_id are, and the order: by one id that both have and, if there
is none, because their side is the same, as those of a self-trade never are.
"""

from __future__ import annotations

from metacore.domain.trading.orders import Order
from metacore.domain.trading.trades import NewTrade, Trade, TradeState
from metacore.domain.trading.user_state import UserState


def find_stored(state: UserState, new: NewTrade, order: Order | None) -> Trade | None:
    """The stored trade that `new`, of `order`, tells of; of several the first that is SETTLED."""
    found = None
    for stored in state.trades(new.symbol, new.exchange_trade_id):
        if stored.id == new.id or _is_of_the_same_order(stored, new, order):
            if stored.state is TradeState.SETTLED:
                return stored
            found = found or stored
    return found


def _is_of_the_same_order(stored: Trade, new: NewTrade, order: Order | None) -> bool:
    ids = new.order_ids
    if order is not None:
        ids = ids.completed_by(order.order_ids)
    pairs = zip(stored.order_ids, ids, strict=True)
    common = [ours == theirs for ours, theirs in pairs if ours is not None and theirs is not None]
    return any(common) if common else stored.side is new.side


def tells_the_same(new: NewTrade, stored: Trade) -> bool:
    """Whether `new` has the content of `stored`."""
    # A message that does not tell the quote amount cannot contradict the stored one.
    money = stored.quote_quantity if new.quote_quantity is None else new.quote_quantity
    return stored.content() == (new.side, new.price, new.quantity, money, new.commission, new.commission_asset)
