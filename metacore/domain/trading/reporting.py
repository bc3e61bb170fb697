"""Reporting: what execution reports make of orders and their holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from metacore.domain.trading.balances import BalanceKey
from metacore.domain.trading.decisions import NOTHING_UNSETTLED, OrderReference, Unsettled, Wanted
from metacore.domain.trading.holds import asset_to_pay, computed_hold, reserve
from metacore.domain.trading.journal import hold
from metacore.domain.trading.orders import NewOrder, Order
from metacore.domain.trading.reports import ExecutionReport, Outcome, ReportResult
from metacore.domain.trading.states import decide_report
from metacore.domain.trading.unit_of_work import Book
from metacore.domain.trading.user_state import Account
from metacore.domain.values.amounts import ZERO, canonical, exact
from metacore.errors import ConflictError, InvalidDataError, MetacoreError, NotFoundError


def wanted(reports: Sequence[ExecutionReport], exclusive_users: bool = False) -> Wanted:
    """What applying `reports` rests on."""
    references = dict.fromkeys(reference for report in reports for reference in _references(report))
    return Wanted(
        users=frozenset(report.user_id for report in reports),
        exclusive_users=exclusive_users,
        orders=tuple(OrderReference(*reference) for reference in references),
        unsettled=True,
    )


def balances_of(reports: Iterable[ExecutionReport], orders: Iterable[Order]) -> set[BalanceKey]:
    """The balances that applying `reports` to the loaded `orders` may move.

    Only closing an order, or finding one on the exchange, moves any.
    """
    closes = any(not report.status.is_open for report in reports)
    keys = {(report.user_id, asset_to_pay(report.order)) for report in reports if report.order is not None}
    for order in orders:
        if order.held_amount and order.held_asset is not None and (closes or not order.is_open):
            keys.add((order.user_id, order.held_asset))
    return keys


def apply_report(book: Book, report: ExecutionReport) -> ReportResult:
    """Write to `book` what `report` brings about.

    An order found on the exchange holds what it needs as far as free reaches; closed already, what of it is not
    settled.
    """
    try:
        account = book.account(report.user_id)
        order = _find(account, report)
    except ConflictError as error:
        return _result(Outcome.CONFLICT, error=error)
    except (InvalidDataError, NotFoundError) as error:
        return _result(Outcome.INVALID, error=error)
    decision = decide_report(order, report, account.now, _unsettled(account, order or report.order, report))
    after = decision.order
    if after is not None and after is not order:
        if decision.outcome is Outcome.APPLIED:
            after = _held(account, after) if order is None else account.release_excess(after, report.occurred_at)
        account.put_order(after)
    if decision.update is not None:
        account.append(decision.update)
    return _result(decision.outcome, after, decision.error)


def _held(account: Account, order: Order) -> Order:
    asset, computed = asset_to_pay(order), computed_hold(order) or ZERO
    wanted = computed if order.is_open else min(computed, reserve(order))
    with exact():
        amount = canonical(min(wanted, account.funds[asset].free))
    if amount:
        account.post((hold(order.user_id, asset, amount, str(order.id), account.now),))
    return order.changed(held_asset=asset, held_amount=amount)


def _unsettled(account: Account, order: NewOrder | None, report: ExecutionReport) -> Unsettled:
    if order is None:
        return NOTHING_UNSETTLED
    return account.unsettled_of(
        order.id,
        order.exchange_order_id or report.exchange_order_id,
        order.client_order_id or report.client_order_id,
    )


def _find(account: Account, report: ExecutionReport) -> Order | None:
    new, exchange_order_id = report.order, _exchange_order_id(report)
    order = account.find_order(report.order_id, exchange_order_id, report.client_order_id)
    if new is None:
        return order
    if report.exchange_order_id is not None and new.exchange_order_id not in (None, report.exchange_order_id):
        raise ConflictError("the report and its order tell two exchange_order_ids", conflicts=(str(new.id),))
    for found in (
        account.find_order(new.id, None, None),
        account.find_order(None, exchange_order_id, new.client_order_id),
    ):
        if found is not None and order is not None and found.id != order.id:
            raise ConflictError("the ids name two orders", conflicts=(str(order.id), str(found.id)))
        order = order or found
    if order is None and report.order_id not in (None, new.id):
        raise ConflictError("order_id and the id of the order to be created differ", conflicts=(str(report.order_id),))
    return order


def _references(report: ExecutionReport) -> Iterator[tuple[UUID, UUID | None, str | None, str | None]]:
    yield report.user_id, report.order_id, _exchange_order_id(report), report.client_order_id
    if report.order is not None:
        yield report.user_id, report.order.id, None, report.order.client_order_id


def _exchange_order_id(report: ExecutionReport) -> str | None:
    return report.exchange_order_id or (report.order.exchange_order_id if report.order is not None else None)


def _result(outcome: Outcome, order: Order | None = None, error: MetacoreError | None = None) -> ReportResult:
    return ReportResult.trusted({"outcome": outcome, "order": order, "error": error})
