"""Reconciliation: what an exchange tells of an account, and what bringing the books to it did."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from metacore.domain.trading.orders import Order
from metacore.domain.trading.reports import ExecutionReport, ReportResult
from metacore.domain.trading.settlement import SettlementResult
from metacore.domain.trading.snapshots import AccountSnapshot, SnapshotResult
from metacore.domain.trading.trades import NewTrade
from metacore.domain.trading.transfers import Transfer, TransferResult
from metacore.domain.values.amounts import ZERO
from metacore.domain.values.items import BadItem
from metacore.errors import InvalidDataError, MetacoreError


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeState:
    """What an exchange tells of one user's account, of as much as was asked for; in the sequence to be applied.

    `bad` is what of it could not be read.
    """

    user_id: UUID
    reports: tuple[ExecutionReport, ...] = ()
    trades: tuple[NewTrade, ...] = ()
    deposits: tuple[Transfer, ...] = ()
    withdrawals: tuple[Transfer, ...] = ()
    snapshot: AccountSnapshot | None = None
    bad: tuple[BadItem, ...] = ()


def require_state(state: object) -> ExchangeState:
    """`state`; InvalidDataError if it is no ExchangeState."""
    if not isinstance(state, ExchangeState):
        raise InvalidDataError(f"it is ExchangeState, not {type(state).__name__}; make it of payloads", field="state")
    return state


@dataclass(frozen=True, slots=True)
class TransferOutcome:
    """What became of a transfer: its `result`, or the `error` why nothing was moved."""

    transfer: Transfer
    result: TransferResult | None = None
    error: MetacoreError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """What a reconciliation did, result by result, in the sequence in which it was done.

    - `pending` are the trades that waited before, or still wait after it: settled, or with what they are short of.
    - `snapshot` is None if none was given; STALE ones changed nothing: take another.
    - `unseen` are the orders that are open here and that nothing told of. Ask the exchange for each.
    - `bad` is what could not be read; park it.
    """

    reports: tuple[ReportResult, ...]
    trades: tuple[SettlementResult, ...]
    transfers: tuple[TransferOutcome, ...]
    pending: tuple[SettlementResult, ...]
    snapshot: SnapshotResult | None
    unseen: tuple[Order, ...]
    bad: tuple[BadItem, ...]

    @property
    def errors(self) -> tuple[MetacoreError, ...]:
        """Why something that was read is not in the books: nobody but you can decide these."""
        found = [result.error for result in self.reports]
        found += [result.error for result in self.trades]
        found += [outcome.error for outcome in self.transfers]
        return tuple(error for error in found if error is not None)


def in_sequence(reports: Iterable[ExecutionReport]) -> tuple[ExecutionReport, ...]:
    """`reports`, order by order, older orders first; of one order from the least to the most that was executed.

    Messages are doubled, lost and overtaken, and their clocks differ. So none of them is stale by coming too late.
    """
    by_order: dict[str, list[ExecutionReport]] = {}
    for report in reports:
        by_order.setdefault(report.order_ids.exchange_first(), []).append(report)
    oldest_first = sorted(by_order.values(), key=lambda of_one: min(report.occurred_at for report in of_one))
    return tuple(report for of_one in oldest_first for report in sorted(of_one, key=_progress))


def _progress(report: ExecutionReport) -> tuple[object, ...]:
    return not report.status.is_open, report.executed_quantity or ZERO, report.occurred_at
