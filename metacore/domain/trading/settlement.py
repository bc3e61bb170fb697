"""Settlement: what a trade makes of its order, its hold and the balances, once and only once."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from pydantic import ConfigDict

from metacore.domain.trading.archiving import require_unarchived
from metacore.domain.trading.covering import explains, is_close, is_covered, note
from metacore.domain.trading.decisions import Unsettled
from metacore.domain.trading.fills import cover, fact_of, settle
from metacore.domain.trading.funds import Shortfall
from metacore.domain.trading.holds import is_settled_out
from metacore.domain.trading.order_ids import OrderIds
from metacore.domain.trading.order_updates import NewOrderUpdate, UpdateSource
from metacore.domain.trading.orders import Order, OrderStatus
from metacore.domain.trading.reports import Outcome
from metacore.domain.trading.sides import TOLERANCE
from metacore.domain.trading.states import status_after_trade, too_much
from metacore.domain.trading.trade_identity import find_stored, tells_the_same
from metacore.domain.trading.trades import NewTrade, Trade, TradeState
from metacore.domain.trading.unit_of_work import UnitOfWork
from metacore.domain.trading.user_state import UserState
from metacore.domain.values.amounts import ZERO, addition, canonical, difference
from metacore.domain.values.model import Model, completed, revised, unchecked_maker
from metacore.domain.values.times import require_possible
from metacore.errors import ConflictError, InvalidDataError, MetacoreError, NotFoundError


class SettlementResult(Model):
    """What became of a trade: the trade and its order as they stand after it, None where nothing is stored.

    `missing` tells of a PENDING one what its user is short of, `error` why one is a CONFLICT or INVALID.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    outcome: Outcome
    trade: Trade | None = None
    order: Order | None = None
    missing: tuple[Shortfall, ...] = ()
    error: MetacoreError | None = None


def settle_trade(work: UnitOfWork, new: NewTrade, tolerance: timedelta = TOLERANCE) -> SettlementResult:
    """Write to `work` what `new`, or the stored trade that it tells of, brings about."""
    try:
        require_possible(new.traded_at, work.now, "traded_at")
        return _settled(work.state_of(new.user_id), new, tolerance)
    except ConflictError as error:
        return _result(Outcome.CONFLICT, error=error)
    except (InvalidDataError, NotFoundError) as error:
        return _result(Outcome.INVALID, error=error)


def _settled(state: UserState, new: NewTrade, tolerance: timedelta) -> SettlementResult:
    order = state.find_order(new.order_ids)
    stored = find_stored(state, new, order)
    if stored is None:
        state.require_free_id(new)
    elif not tells_the_same(new, stored):
        raise ConflictError(
            f"trade {new.exchange_trade_id} of {new.symbol} is stored with other content; compare it with the exchange",
            conflicts=(str(stored.id),),
        )
    elif stored.state is TradeState.SETTLED:
        return _result(Outcome.DUPLICATE, stored, order)
    if order is None and (stored is None or stored.state is TradeState.RECORDED):
        # It may be one that was settled and taken out with its order, and told or recorded again.
        require_unarchived(state.user, new.traded_at, "traded_at")
    if order is None or new.symbol != order.symbol or new.side is not order.side:
        pending = _written(state, new, stored, TradeState.PENDING, None, (stored or new).money())
        return _result(Outcome.UNKNOWN_ORDER if order is None else Outcome.MISMATCH, pending, order)

    teaches = new.exchange_order_id and not order.exchange_order_id
    named = revised(order, exchange_order_id=new.exchange_order_id) if teaches else order
    trade = stored or new
    counted = stored is not None and stored.is_of(named)
    money = trade.money()
    more = (ZERO, ZERO) if counted else (trade.quantity, money)
    unsettled = state.unsettled.of(named)
    moved = _moved_by(more, order, unsettled)
    moved["exchange_order_id"] = named.exchange_order_id
    version = {"version": order.version + 1, "updated_at": state.now}
    after = revised(
        order,
        **moved,
        **version,
        settled_quantity=canonical(addition(order.settled_quantity, trade.quantity)),
        settled_quote_quantity=canonical(addition(order.settled_quote_quantity, money)),
    )
    fact = fact_of(order, trade, money) if is_close(state, trade.traded_at, tolerance) else None
    before = fact is not None and is_covered(state, fact, tolerance)
    if before:
        fill = cover(order, after, trade, money, state, explains(state, trade.traded_at, tolerance))
    else:
        fill = settle(order, after, trade, money, state.funds)

    others = difference(unsettled.quantity, trade.quantity) if counted else unsettled.quantity
    if fill.missing:
        outcome, trade_state = Outcome.PENDING, TradeState.PENDING
        is_moved = any(getattr(order, name) != value for name, value in moved.items())
        after, waiting = revised(order, **moved, **version) if is_moved else order, addition(others, trade.quantity)
    else:
        outcome, trade_state = Outcome.COVERED if before else Outcome.SETTLED, TradeState.SETTLED
        after, waiting = completed(after, held_amount=fill.held_amount), others
        state.post(fill.deltas)
    if after is not order:
        after = state.release_excess(after, trade.traded_at, is_settled_out(after, waiting))
        state.put_order(after)
    if after.status is not order.status or after.executed_quantity != order.executed_quantity:
        state.append(_update(after, order.status, trade))
    written = _written(state, new, stored, trade_state, after, money)
    if fact is not None and not fill.missing:
        note(state, fact, before, tolerance)
    return _result(outcome, written, after, fill.missing)


def _moved_by(more: tuple[Decimal, Decimal], order: Order, unsettled: Unsettled) -> dict[str, Any]:
    """What a quantity and quote amount `more` than those that are `unsettled` make of `order`."""
    quantity, money = addition(unsettled.quantity, more[0]), addition(unsettled.quote_quantity, more[1])
    executed = max(order.executed_quantity, addition(order.settled_quantity, quantity))
    quote = max(order.executed_quote_quantity, addition(order.settled_quote_quantity, money))
    if error := too_much(executed, quote, "quantity"):
        raise error
    return {
        "status": status_after_trade(order, executed),
        "executed_quantity": canonical(executed),
        "executed_quote_quantity": canonical(quote),
    }


def _written(
    state: UserState,
    new: NewTrade,
    stored: Trade | None,
    trade_state: TradeState,
    order: Order | None,
    money: Decimal,
) -> Trade:
    """The trade as it is stored now, with every id of its order that is known."""
    known = stored or new
    ids = OrderIds(
        order.id if order else known.order_id or new.order_id,
        known.exchange_order_id or new.exchange_order_id or (order.exchange_order_id if order else None),
        known.client_order_id or new.client_order_id,
    )
    if stored is None:
        trade = Trade.of_order(new, state.now, trade_state, ids, money)
    elif stored.state is trade_state and stored.order_ids == ids:
        return stored
    else:
        version = stored.version + 1
        trade = revised(stored, **ids._asdict(), state=trade_state, version=version, updated_at=state.now)
    state.put_trade(trade, stored)
    return trade


def _update(order: Order, previous: OrderStatus, trade: NewTrade) -> NewOrderUpdate:
    reason = f"trade {trade.exchange_trade_id}"
    return NewOrderUpdate.of(order, previous, source=UpdateSource.LOCAL, occurred_at=trade.traded_at, reason=reason)


def _result(
    outcome: Outcome,
    trade: Trade | None = None,
    order: Order | None = None,
    missing: tuple[Shortfall, ...] = (),
    error: MetacoreError | None = None,
) -> SettlementResult:
    return _made({"outcome": outcome, "trade": trade, "order": order, "missing": missing, "error": error})


_made = unchecked_maker(SettlementResult, SettlementResult.model_fields)
