"""A day of trading, and how the books stand at its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

from metacore.domain.people.users import NewUser
from metacore.domain.trading.reports import Outcome
from metacore.domain.trading.trades import TradeState
from metacore.exchanges import mexc
from metacore.sync.storage.storage import Storage
from metacore.testing.copies import Copy

from . import payloads
from .bot import TOPIC, Bot
from .exchange import OPENING, Exchange
from .timeline import Mail, Timeline

Open = Callable[[Any], Storage]
"""Opens an empty storage with that clock."""


@dataclass(frozen=True)
class Plan:
    """What kind of day: our clock `skew` seconds ahead, a snapshot `every` so many seconds, an act every `gap`."""

    seed: int
    skew: float
    every: float
    gap: float = 2.5
    acts: int = 60


@dataclass
class Evening:
    """How the books stand when everything has been told, and after one more snapshot, taken in the quiet."""

    differences: dict[str, Decimal] = field(default_factory=dict)
    """By how much the exchange has more, before that snapshot."""
    unexplained: dict[str, Decimal] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    """What is never right, whatever the clocks."""

    @property
    def is_equal(self) -> bool:
        return not self.differences

    @property
    def is_silent(self) -> bool:
        """Whether the books differ, and do not say so."""
        return bool(self.differences) and not self.unexplained


def live(plan: Plan, open_storage: Open) -> Evening:
    """Live through a day."""
    chance = Random(f"{plan.seed} {plan.skew} {plan.every}")
    timeline = Timeline(plan.skew)
    storage = open_storage(timeline.our_clock)
    exchange = Exchange(chance)
    user_id = storage.users.create(NewUser(username="bot")).id
    bot = Bot(storage, user_id, timeline, exchange, Mail(timeline, chance), chance)
    opening = mexc.account(payloads.account(OPENING, ()), taken_at=timeline.our_clock())
    bot.trading.sync_account(user_id, opening)
    timeline.pass_by(30)
    acted = 0.0
    for _ in range(plan.acts):
        acted += chance.expovariate(1 / plan.gap)
        timeline.after(acted, bot.act)
    for every, ask in ((plan.every, bot.refresh), (20, bot.poll)):
        asked = every * chance.random()
        while asked < acted:
            timeline.after(asked, ask)
            asked += every * (0.5 + chance.random())
    timeline.run()
    return _evening(bot, exchange, timeline)


def _evening(bot: Bot, exchange: Exchange, timeline: Timeline) -> Evening:
    evening = Evening()
    for listed in exchange.orders:
        exchange.cancel(listed, timeline.now)
    timeline.pass_by(60)
    for _ in range(3):
        bot.restart()
        timeline.run()
    storage, user_id = bot.storage, bot.user_id
    evening.differences = _differences(storage, bot, exchange)
    evening.unexplained = {row.asset: row.unexplained for row in storage.balances.list(user_id, unexplained=True)}
    timeline.pass_by(60)
    quiet = mexc.account(payloads.account(exchange.totals, ()), taken_at=timeline.our_clock())
    result = bot.trading.sync_account(user_id, quiet)
    if result.outcome is not Outcome.APPLIED or dict(result.differences) != evening.differences:
        evening.wrong.append(f"the last snapshot: {result.outcome} {dict(result.differences)}")
    if _differences(storage, bot, exchange):
        evening.wrong.append("the books differ after a snapshot in the quiet")
    evening.wrong += _never_right(bot, exchange)
    copy = Copy(storage, TOPIC)
    copy.catch_up()
    copy.assert_equals_the_books(user_id)
    return evening


def _differences(storage: Storage, bot: Bot, exchange: Exchange) -> dict[str, Decimal]:
    ours = {row.asset: row.total for row in storage.balances.list(bot.user_id)}
    return {asset: total - ours[asset] for asset, total in exchange.totals.items() if total != ours[asset]}


def _never_right(bot: Bot, exchange: Exchange) -> list[str]:
    storage, user_id, wrong = bot.storage, bot.user_id, list(bot.wrong)
    wrong += [f"audit: {finding}" for finding in storage.balances.audit(user_id)]
    stored = {order.exchange_order_id: order for order in _orders(storage, user_id)}
    for listed in exchange.orders:
        order = stored.pop(listed.id, None)
        if order is None or (order.status, order.executed_quantity, order.settled_quantity, order.held_amount) != (
            listed.status,
            listed.executed,
            listed.executed,
            0,
        ):
            wrong.append(f"order {listed} is {order}")
    wrong += [f"open for ever: {order}" for order in stored.values() if order.status.is_open or order.held_amount]
    trades = list(storage.trades.stream(user_id))
    wrong += [f"waits: {trade}" for trade in trades if trade.state is not TradeState.SETTLED]
    if sorted(trade.exchange_trade_id for trade in trades) != sorted(deal.id for deal in exchange.deals):
        wrong.append(f"{len(trades)} trades, {len(exchange.deals)} deals")
    wrong += [f"locked: {row}" for row in storage.balances.list(user_id) if row.locked]
    return wrong


def _orders(storage: Storage, user_id: Any) -> list[Any]:
    page = storage.orders.list(user_id, limit=1000)
    found = list(page.items)
    while page.next is not None:
        page = storage.orders.list(user_id, after=page.next, limit=1000)
        found += page.items
    return found
