"""Reporting: what execution reports make of orders and their holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from metacore.domain.trading.archiving import require_unarchived
from metacore.domain.trading.balances import BalanceKey
from metacore.domain.trading.commands import Command
from metacore.domain.trading.decisions import NOTHING_UNSETTLED, Selection, Unsettled
from metacore.domain.trading.holds import asset_to_pay, computed_hold, is_settled_out, reserve
from metacore.domain.trading.journal import hold
from metacore.domain.trading.order_ids import OrderIds
from metacore.domain.trading.orders import Order
from metacore.domain.trading.reports import ExecutionReport, Outcome, ReportResult
from metacore.domain.trading.states import decide_report
from metacore.domain.trading.unit_of_work import UnitOfWork
from metacore.domain.trading.user_state import UserState
from metacore.domain.values.amounts import ZERO, canonical, exact
from metacore.domain.values.model import revised, unchecked
from metacore.domain.values.times import require_possible
from metacore.errors import ConflictError, InvalidDataError, MetacoreError, NotFoundError


@dataclass(frozen=True, slots=True)
class ApplyReports(Command[Sequence[ReportResult]]):
    """Apply reports, each by itself."""

    reports: Sequence[ExecutionReport]

    def selection(self, exclusive: bool) -> Selection:
        return Selection(
            users=frozenset(report.user_id for report in self.reports),
            exclusive_users=exclusive,
            orders=tuple(dict.fromkeys((report.user_id, ids) for report in self.reports for ids in _ids(report))),
            stale_updates=True,
            unsettled=True,
        )

    def balances(self, work: UnitOfWork) -> set[BalanceKey]:
        """Those that are moved by closing an order, or finding one on the exchange."""
        closes = any(not report.status.is_open for report in self.reports)
        found = [report.order for report in self.reports if report.order is not None]
        keys = {(order.user_id, asset_to_pay(order)) for order in found}
        for order in work.loaded.orders:
            if order.held_amount and order.held_asset is not None and (closes or not order.is_open):
                keys.add((order.user_id, order.held_asset))
        return keys

    def decide(self, work: UnitOfWork) -> Sequence[ReportResult]:
        return tuple(apply_report(work, report) for report in self.reports)


def apply_report(work: UnitOfWork, report: ExecutionReport) -> ReportResult:
    """Write to `work` what `report` brings about.

    An order found on the exchange holds what it needs as far as free reaches; closed already, what of it is not
    settled.
    """
    try:
        require_possible(report.occurred_at, work.now, "occurred_at")
        return _applied(work.state_of(report.user_id), report)
    except ConflictError as error:
        return _result(Outcome.CONFLICT, error=error)
    except (InvalidDataError, NotFoundError) as error:
        return _result(Outcome.INVALID, error=error)


def _applied(state: UserState, report: ExecutionReport) -> ReportResult:
    order = _find(state, report)
    known = order or report.order
    unsettled = NOTHING_UNSETTLED if known is None else state.unsettled.of(known, report.order_ids)
    if order is None and known is not None and not report.status.is_open:
        require_unarchived(state.user, report.occurred_at, "occurred_at")
    decision = decide_report(order, report, state.now, unsettled)
    after = decision.order
    if after is not None and after is not order:
        cost_is_known = _tells_cost(report, after, unsettled)
        if order is None:
            after = _held(state, after, cost_is_known)
        elif decision.outcome is not Outcome.STALE:
            after = state.release_excess(after, report.occurred_at, cost_is_known)
        state.put_order(after)
    if decision.update is not None:
        state.append(decision.update)
    return _result(decision.outcome, after, decision.error)


def _tells_cost(report: ExecutionReport, order: Order, unsettled: Unsettled) -> bool:
    """Whether `report`, or trades, tell the cost of all that `order`, as it stands after it, has executed."""
    if report.executed_quote_quantity:
        return report.executed_quote_quantity == order.executed_quote_quantity and (
            report.executed_quantity in (None, order.executed_quantity)
        )
    return is_settled_out(order, unsettled.quantity)


def _held(state: UserState, order: Order, cost_is_known: bool) -> Order:
    asset, computed = asset_to_pay(order), computed_hold(order) or ZERO
    needed = computed if order.is_open else min(computed, reserve(order, cost_is_known))
    with exact():
        amount = canonical(min(needed, state.funds[asset].free))
    if amount:
        state.post((hold(order.user_id, asset, amount, str(order.id), state.now),))
    return revised(order, held_asset=asset, held_amount=amount)


def _find(state: UserState, report: ExecutionReport) -> Order | None:
    new, (ids, *aliases) = report.order, _ids(report)
    if new is not None and report.exchange_order_id and new.exchange_order_id not in (None, report.exchange_order_id):
        raise ConflictError("the report and its order tell two exchange_order_ids", conflicts=(str(new.id),))
    order = state.find_order(ids, *aliases)
    if new is not None and order is None and report.order_id not in (None, new.id):
        raise ConflictError("order_id and the id of the order to be created differ", conflicts=(str(report.order_id),))
    return order


def _ids(report: ExecutionReport) -> Sequence[OrderIds]:
    """The ids of the order that `report` tells itself, and then those of the order that it carries."""
    new = report.order
    if new is None:
        return (report.order_ids,)
    exchange_order_id = report.exchange_order_id or new.exchange_order_id
    ids = report.order_ids._replace(exchange_order_id=exchange_order_id)
    return ids, OrderIds(new.id), OrderIds(None, exchange_order_id, new.client_order_id)


def _result(outcome: Outcome, order: Order | None = None, error: MetacoreError | None = None) -> ReportResult:
    return unchecked(ReportResult, {"outcome": outcome, "order": order, "error": error})
