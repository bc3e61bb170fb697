# Made from metacore/services/reconciling.py by `python tools/generate_sync.py`. Do not edit.
"""Reconciling: after a restart, or whenever messages were lost, the books are brought to the exchange's state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import islice
from typing import TypeVar

from metacore._compat.blocking import require_own_world
from metacore.domain.trading.reconciliation import ExchangeState, Reconciliation, TransferOutcome, require_state
from metacore.domain.trading.sides import TOLERANCE
from metacore.domain.trading.transfers import Transfer, TransferFunds
from metacore.errors import ConflictError, InsufficientFundsError, InvalidDataError
from metacore.sync.services.commands import execute
from metacore.sync.services.trading import TradingService
from metacore.sync.storage.storage import Storage

T = TypeVar("T")

_AT_ONCE = 500
"""How many items one transaction takes: their users stay locked no longer than that needs."""


class Reconciler:
    """Brings a user's books to what an exchange tells of the account; it fetches nothing by itself.

    Build the state with the parsers of the exchange, such as `metacore.exchanges.mexc.exchange_state`, of whatever
    payloads there are, in any order. Reconciling twice, or with payloads that came before, changes nothing more.
    `snapshot_tolerance` and `feed` are those of your `TradingService`.
    """

    def __init__(self, storage: Storage, *, snapshot_tolerance: timedelta = TOLERANCE, feed: str | None = None) -> None:
        require_own_world(storage, self)
        self._storage = storage
        self._tolerance = snapshot_tolerance
        self._feed = feed
        self._trading = TradingService(storage, snapshot_tolerance=snapshot_tolerance, feed=feed)

    def reconcile(self, state: ExchangeState) -> Reconciliation:
        """Apply all that `state` tells, each step in transactions of its own, and say what each did.

        First what orders and trades may need, then what they moved, then what is left, and last what it must come to:
        deposits, orders, trades, the trades that wait, withdrawals, the account. Then once more the withdrawals that
        were short of funds and the trades that wait. What is wrong in itself is told with its error and stops nothing.
        NotFoundError if the user does not exist.
        """
        trading, state = self._trading, require_state(state)
        self._storage.users.get(state.user_id)
        transfers = [self._move(transfer) for transfer in state.deposits]
        reports = [result for part in _parts(state.reports) for result in trading.apply_reports(part)]
        trades = [result for part in _parts(state.trades) for result in trading.settle_trades(part)]
        pending = trading.settle_pending(state.user_id)
        withdrawals = [self._move(transfer) for transfer in state.withdrawals]
        snapshot = None if state.snapshot is None else trading.sync_account(state.user_id, state.snapshot)
        for index, moved in enumerate(withdrawals):
            if isinstance(moved.error, InsufficientFundsError):
                withdrawals[index] = self._move(moved.transfer)
        waiting = trading.settle_pending(state.user_id)
        settled = {result.trade.id for result in waiting if result.trade is not None}
        earlier = [result for result in pending if result.trade is not None and result.trade.id not in settled]
        seen = {result.order.id for result in reports if result.order is not None}
        unseen = [order for order in self._storage.orders.list_open(state.user_id) if order.id not in seen]
        return Reconciliation(
            reports=tuple(reports),
            trades=tuple(trades),
            transfers=(*transfers, *withdrawals),
            pending=(*earlier, *waiting),
            snapshot=snapshot,
            unseen=tuple(unseen),
            bad=state.bad,
        )

    def _move(self, transfer: Transfer) -> TransferOutcome:
        command = TransferFunds((transfer,), self._tolerance, is_fact=True)
        try:
            (result,) = execute(self._storage, command, self._feed)
            return TransferOutcome(transfer, result)
        except (ConflictError, InsufficientFundsError, InvalidDataError) as error:
            return TransferOutcome(transfer, error=error)


def _parts(items: Iterable[T]) -> Iterator[Sequence[T]]:
    remaining = iter(items)
    while part := tuple(islice(remaining, _AT_ONCE)):
        yield part
