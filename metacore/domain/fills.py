"""Fills: the money of one trade of one order, to the last digit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from metacore.domain.amounts import ZERO, canonical, exact
from metacore.domain.balances import BalanceDelta, EntryReason
from metacore.domain.funds import Funds, Shortfall
from metacore.domain.holds import reserve, share
from metacore.domain.journal import line, release
from metacore.domain.orders import Order, OrderSide
from metacore.domain.trades import NewTrade


@dataclass(frozen=True, slots=True)
class Fill:
    """What settling a trade moves: the deltas in order, and what the hold keeps; nothing if anything is missing."""

    held_amount: Decimal
    deltas: tuple[BalanceDelta, ...] = ()
    missing: tuple[Shortfall, ...] = ()


def settle(before: Order, after: Order, trade: NewTrade, money: Decimal, funds: Callable[[str], Funds]) -> Fill:
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
    commission, fee_asset = trade.commission, trade.commission_asset
    with exact():
        fee, rebate = max(commission, ZERO), max(-commission, ZERO)
        bill = cost + fee if fee_asset == pays else cost
        kept, taken = reserve(after), share(before, trade.quantity, money)
        if bill > taken:
            taken += min(bill - taken, max(before.held_amount - taken - kept, ZERO))
        from_hold = min(bill, taken)
        surplus, from_free, held = taken - from_hold, bill - from_hold, before.held_amount - taken

        payer, payee = funds(pays), funds(gets)
        payee.require_room(credit, "quantity" if buys else "quote_quantity")
        closing = max(held - kept, ZERO) if not after.is_open else ZERO
        left = {pays: min(payer.free - from_free, payer.locked - taken - closing), gets: payee.free + credit}
        if commission and fee_asset is not None:
            own = funds(fee_asset)
            own.require_room(rebate, "commission")
            unpaid = rebate if fee_asset == pays else -commission
            left[fee_asset] = left.get(fee_asset, own.free) + unpaid
        if min(left.values()) < 0:
            short = tuple(
                Shortfall(asset=asset, amount=canonical(-amount)) for asset, amount in left.items() if amount < 0
            )
            return Fill(before.held_amount, missing=short)

        deltas = []
        if rebate and fee_asset is not None:
            deltas.append(line(user_id, fee_asset, EntryReason.COMMISSION, reference, at, free=rebate))
        if surplus:
            deltas.append(release(user_id, pays, surplus, reference, at))
        if cost:
            locked = min(cost, from_hold)
            deltas.append(line(user_id, pays, EntryReason.TRADE, reference, at, free=locked - cost, locked=-locked))
        if credit:
            deltas.append(line(user_id, gets, EntryReason.TRADE, reference, at, free=credit))
        if fee and fee_asset is not None:
            locked = max(from_hold - cost, ZERO) if fee_asset == pays else ZERO
            deltas.append(
                line(user_id, fee_asset, EntryReason.COMMISSION, reference, at, free=locked - fee, locked=-locked)
            )
        if closing:
            deltas.append(release(user_id, pays, closing, str(before.id), at))
        return Fill(canonical(held - closing), tuple(deltas))


def cover(before: Order, after: Order, trade: NewTrade, money: Decimal, funds: Callable[[str], Funds]) -> Fill:
    """The fill of a trade that an account snapshot has told: its share of the hold is released, no total moves."""
    if before.held_asset is None:
        return Fill(ZERO)
    user_id, pays, at = trade.user_id, before.held_asset, trade.traded_at
    with exact():
        taken, kept, locked = share(before, trade.quantity, money), reserve(after), funds(pays).locked
        held = before.held_amount - taken
        closing = max(held - kept, ZERO) if not after.is_open else ZERO
        deltas = []
        for amount, reference in ((taken, trade.id), (closing, before.id)):
            if set_free := min(amount, locked):
                deltas.append(release(user_id, pays, set_free, str(reference), at))
                locked -= set_free
        return Fill(canonical(held - closing), tuple(deltas))
