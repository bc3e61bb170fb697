"""Batches of orders, reports and trades: loaded, decided and saved within a transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from metacore._compat.aio import Eventual
from metacore.domain.trading import placing as order_commands
from metacore.domain.trading import reporting, settlement
from metacore.domain.trading.balances import BalanceKey
from metacore.domain.trading.decisions import Selection
from metacore.domain.trading.orders import Order
from metacore.domain.trading.placing import Placement
from metacore.domain.trading.reports import ExecutionReport, ReportResult
from metacore.domain.trading.settlement import SettlementResult
from metacore.domain.trading.trades import NewTrade
from metacore.domain.trading.unit_of_work import UnitOfWork
from metacore.errors import AlreadyExistsError, InsufficientFundsError, StaleVersionError
from metacore.storage.storage import Storages, Transaction

T = TypeVar("T")
R = TypeVar("R", ReportResult, SettlementResult)

Decision = Callable[[Transaction, bool], Eventual[T]]
"""Loads, decides and saves in a transaction; the flag says whether to lock the users exclusively."""


async def decide(storage: Storages, decision: Decision[T]) -> T:
    """What `decision` gives, in a transaction; once more, alone with its users, if somebody may have stored the same.

    Users are locked shared at first, so that their calls go on side by side. Of two that store the same thing, the
    loser collides on its unique key, or finds the funds taken; alone, it finds the thing stored.
    """
    try:
        return await storage.run(lambda tx: decision(tx, False))
    except (AlreadyExistsError, InsufficientFundsError, StaleVersionError, _UnguardedError):
        return await storage.run(lambda tx: decision(tx, True))


async def open_work(tx: Transaction, selection: Selection) -> UnitOfWork:
    """A unit of work on what `selection` names, loaded and locked."""
    return UnitOfWork(await tx.load(selection), tx.now())


async def open_balances(tx: Transaction, work: UnitOfWork, keys: set[BalanceKey]) -> None:
    """Lock the balances with these `keys`, the missing ones as zero, and read them into `work`."""
    if keys:
        work.open_balances(await tx.balances.get_many(keys, for_update=True))


async def place(tx: Transaction, placements: Sequence[Placement], exclusive: bool) -> Sequence[Order]:
    """Place orders, all or none; the error of the first that cannot be placed."""
    orders = [placement.order for placement in placements]
    work = await open_work(tx, order_commands.selection(orders, exclusive))
    await open_balances(tx, work, order_commands.balances_of(orders))
    placed = tuple(order_commands.place(work, placement) for placement in placements)
    await tx.save(work.changes())
    return placed


async def apply(tx: Transaction, reports: Sequence[ExecutionReport], exclusive: bool) -> Sequence[ReportResult]:
    """Apply reports, each by itself."""
    work = await open_work(tx, reporting.selection(reports, exclusive))
    await open_balances(tx, work, reporting.balances_of(reports, work.loaded_orders))
    results = tuple(reporting.apply_report(work, report) for report in reports)
    await tx.save(work.changes())
    return results


async def settle(tx: Transaction, trades: Sequence[NewTrade], exclusive: bool) -> Sequence[SettlementResult]:
    """Settle trades, each by itself."""
    work = await open_work(tx, settlement.selection(trades, exclusive))
    if exclusive:
        # Only now it matters that another trade may have the id of one of these.
        work.reserve_ids(await tx.trades.get_many((trade.user_id, trade.id) for trade in trades))
    await open_balances(tx, work, settlement.balances_of(trades, work.loaded_orders))
    results = tuple(settlement.settle_trade(work, trade) for trade in trades)
    changes = work.changes()
    if not exclusive and settlement.stores_unknown(results, changes):
        raise _UnguardedError
    await tx.save(changes)
    return results


def sole(results: Sequence[R]) -> R:
    """The result of a batch of one; its error is raised."""
    (result,) = results
    if result.error is not None:
        raise result.error
    return result


class _UnguardedError(Exception):
    """Something is to be stored that has no unique key to collide on."""
