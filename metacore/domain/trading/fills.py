"""Fills: the money of one trade of one order, to the last digit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any
from uuid import UUID

from metacore.domain.trading.balances import BalanceDelta, BalanceKey, EntryReason
from metacore.domain.trading.commands import by_user
from metacore.domain.trading.facts import Fact, moves_of
from metacore.domain.trading.funds import Funds, Shortfall
from metacore.domain.trading.holds import keeps_its_hold, reserve, share
from metacore.domain.trading.journal import covered, line, release
from metacore.domain.trading.order_ids import OrderIds
from metacore.domain.trading.orders import Order, OrderSide
from metacore.domain.trading.trades import NewTrade
from metacore.domain.trading.user_state import UserState
from metacore.domain.values.amounts import ZERO, canonical, difference, exact


@dataclass(slots=True)
class Fill:
    """What settling a trade moves: the deltas in order, and what the hold keeps; nothing if anything is missing."""

    held_amount: Decimal
    deltas: tuple[BalanceDelta, ...] = ()
    missing: tuple[Shortfall, ...] = ()


def settle(before: Order, after: Order, trade: NewTrade, money: Decimal, funds: Mapping[str, Funds]) -> Fill:
    """The fill of `trade`, whose quote amount is `money`, on an order `before` and `after` it moved and was settled.

    What the hold gives pays first, the cost before the commission, and its surplus goes to free. A deficit is taken
    from what the hold has above its reserve, then from free. In the asset of a credit or a rebate the credit comes
    first, so that the commission may be paid from it. What `after` leaves no reason to hold any longer is released.
    In this order no balance falls below zero on the way.
    """
    user_id, reference, at = trade.user_id, str(trade.id), trade.traded_at
    buys = trade.side is OrderSide.BUY
    pays, gets = (before.quote_asset, before.base_asset) if buys else (before.base_asset, before.quote_asset)
    cost, credit = (money, trade.quantity) if buys else (trade.quantity, money)
    fee, fee_asset = trade.commission, trade.commission_asset or ""
    with exact():
        bill = cost + fee if fee_asset == pays and fee > 0 else cost
        taken = share(before, trade.quantity, money)
        held, closing = before.held_amount - taken, ZERO
        if held and (bill > taken or not after.is_open):
            spare = max(held - reserve(after), ZERO)
            extra = min(max(bill - taken, ZERO), spare)
            taken, held = taken + extra, held - extra
            closing = ZERO if keeps_its_hold(after) else spare - extra
        from_hold = min(bill, taken)

        payer, payee = funds[pays], funds[gets]
        rebate = -fee if fee < 0 and fee_asset == gets else ZERO
        payee.require_room(credit + rebate, "quantity" if buys else "quote_quantity")
        left = {pays: payer.free - bill + from_hold, gets: payee.free + credit}
        if fee and not (fee_asset == pays and fee > 0):
            own = funds[fee_asset]
            if fee < 0:
                own.require_room(-fee, "commission")
            left[fee_asset] = left.get(fee_asset, own.free) - fee
        left[pays] = min(left[pays], payer.locked - taken - closing)
        if min(left.values()) < 0:
            missing = ((asset, canonical(-amount)) for asset, amount in left.items() if amount < 0)
            return Fill(
                before.held_amount, missing=tuple(Shortfall(asset=asset, amount=more) for asset, more in missing)
            )

        deltas = []
        if fee < 0:
            deltas.append(line(user_id, fee_asset, EntryReason.COMMISSION, reference, at, free=-fee))
        if taken > from_hold:
            deltas.append(release(user_id, pays, canonical(taken - from_hold), reference, at))
        if cost:
            deltas.append(_debit(user_id, pays, EntryReason.TRADE, reference, at, cost, from_hold))
        if credit:
            deltas.append(line(user_id, gets, EntryReason.TRADE, reference, at, free=credit))
        if fee > 0:
            from_hold = from_hold - cost if fee_asset == pays else ZERO
            deltas.append(_debit(user_id, fee_asset, EntryReason.COMMISSION, reference, at, fee, from_hold))
        if closing:
            deltas.append(release(user_id, pays, canonical(closing), str(before.id), at))
        return Fill(canonical(held - closing), tuple(deltas))


def _debit(
    user_id: UUID, asset: str, reason: EntryReason, reference: str, at: datetime, amount: Decimal, locked: Decimal
) -> BalanceDelta:
    """The line that takes `amount`, from what is `locked` for it as far as that goes, the rest from free."""
    if locked >= amount:
        return line(user_id, asset, reason, reference, at, locked=-amount)
    if locked <= 0:
        return line(user_id, asset, reason, reference, at, free=-amount)
    return line(user_id, asset, reason, reference, at, free=canonical(locked - amount), locked=canonical(-locked))


def entries_of(order: Order, trade: NewTrade, money: Decimal) -> list[BalanceDelta]:
    """What `trade`, whose quote amount is `money`, moves if no hold pays for it: all of it from free, or to free."""
    user_id, reference, at = trade.user_id, str(trade.id), trade.traded_at
    sign = 1 if trade.side is OrderSide.BUY else -1
    with exact():
        parts = [
            (order.base_asset, EntryReason.TRADE, canonical(sign * trade.quantity)),
            (order.quote_asset, EntryReason.TRADE, canonical(-sign * money)),
        ]
        if trade.commission and trade.commission_asset is not None:
            parts.append((trade.commission_asset, EntryReason.COMMISSION, canonical(-trade.commission)))
    return [line(user_id, asset, reason, reference, at, free=amount) for asset, reason, amount in parts if amount]


def fact_of(order: Order, trade: NewTrade, money: Decimal) -> Fact:
    """The fact that `trade` of `order` is."""
    moves = moves_of((entry.asset, entry.delta_free) for entry in entries_of(order, trade, money))
    return Fact(EntryReason.TRADE, str(trade.id), trade.traded_at, moves, order.placed_at)


def cover(before: Order, after: Order, trade: NewTrade, money: Decimal, state: UserState, explains: bool) -> Fill:
    """The fill of a trade that an account snapshot has told: its share of the hold is released, no total moves."""
    at, deltas, held = trade.traded_at, [], ZERO
    unexplained: dict[str, Decimal] = {}
    with exact():
        if before.held_amount and before.held_asset is not None:
            asset, kept = before.held_asset, reserve(after)
            taken, locked = share(before, trade.quantity, money), state.funds[asset].locked
            held = before.held_amount - taken
            closing = ZERO if keeps_its_hold(after) else max(held - kept, ZERO)
            for amount, reference in ((taken, trade.id), (closing, before.id)):
                if set_free := min(amount, locked):
                    deltas.append(release(trade.user_id, asset, canonical(set_free), str(reference), at))
                    locked -= set_free
            held -= closing
    for entry in entries_of(before, trade, money):
        asset, moved = entry.asset, entry.delta_free
        if explains:
            unexplained[asset] = difference(unexplained.get(asset, ZERO), moved)
        state.require_room(asset, moved.copy_abs(), unexplained.get(asset, ZERO), "quantity")
        deltas += covered(entry, explains)
    return Fill(canonical(held), tuple(deltas))


def balances_at_most(trades: Iterable[NewTrade], orders: Iterable[Order]) -> set[BalanceKey]:
    """Those of `balances_of` and, found without a look at which order each trade is of, perhaps more."""
    assets = {(order.user_id, order.base_asset, order.quote_asset, order.held_asset) for order in orders}
    commissions = {(trade.user_id, trade.commission_asset) for trade in trades}
    named = {*commissions, *((user_id, asset) for user_id, *several in assets for asset in several)}
    return {(user_id, asset) for user_id, asset in named if asset is not None}


def balances_of(trades: Iterable[NewTrade], orders: Iterable[Order]) -> set[BalanceKey]:
    """The balances that settling `trades` on the loaded `orders` may move.

    A trade moves the funds of no order but one of its symbol and side. It may teach that order the exchange's id, and
    a later one name it by that: ids that stand together name one order.
    """
    new, stored = by_user((row.user_id, row) for row in trades), by_user((row.user_id, row) for row in orders)
    return {(user_id, asset) for user_id, own in new.items() for asset in _assets_of(own, stored.get(user_id, ()))}


def _assets_of(trades: Iterable[NewTrade], orders: Iterable[Order]) -> set[str]:
    """The assets of `balances_of`, for those of one user."""
    assets, named = set[str](), dict[OrderIds, list[Order]]()
    for order in orders:
        for name in order.order_ids.names():
            named.setdefault(name, []).append(order)
    seen = set[Any]()
    for trade in trades:
        # Most trades of a batch are of one order, and open what the first of them has opened.
        scope = (*_SCOPE(trade), not trade.commission)
        if scope in seen:
            continue
        seen.add(scope)
        names = trade.order_ids.names()
        for order in [order for name in names for order in named.get(name, ())]:
            if trade.symbol != order.symbol or trade.side is not order.side:
                continue
            assets |= {order.base_asset, order.quote_asset}
            if trade.commission and trade.commission_asset is not None:
                assets.add(trade.commission_asset)
            # As a rule it pays with one of these; one that was stored otherwise may hold anything.
            if order.held_amount and order.held_asset is not None:
                assets.add(order.held_asset)
            # By a single name it is known already.
            for name in names if len(names) > 1 else ():
                if order not in named.setdefault(name, []):
                    named[name].append(order)
    return assets


_SCOPE = attrgetter("order_id", "exchange_order_id", "client_order_id", "symbol", "side", "commission_asset")
"""What of a trade, beside whether its commission is zero, says which balances of its user it may move."""
