# Made from metacore/services/trading.py by `python tools/generate_sync.py`. Do not edit.
"""Trading: orders, their holds, their trades and the balances, moved together by the rules of the domain."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from uuid import UUID

from metacore._compat.blocking import require_own_world
from metacore.domain.trading.balances import EntryReason
from metacore.domain.trading.commands import Sole
from metacore.domain.trading.orders import NewOrder, Order
from metacore.domain.trading.placing import CancelOrder, Placement, PlaceOrders, RejectUnknown, ReleaseHold, Remark
from metacore.domain.trading.reporting import ApplyReports
from metacore.domain.trading.reports import ExecutionReport, ReportResult
from metacore.domain.trading.settlement import SettlementResult
from metacore.domain.trading.settling import SettlePending, SettleTrades
from metacore.domain.trading.sides import TOLERANCE, require_tolerance
from metacore.domain.trading.snapshots import AccountSnapshot, SnapshotResult, SyncAccount
from metacore.domain.trading.trades import NewTrade
from metacore.domain.trading.transfers import NewDeposit, Transfer, TransferFunds, TransferResult
from metacore.domain.values.model import build, require_id, require_model, require_models
from metacore.domain.values.text import require_key
from metacore.errors import InvalidDataError
from metacore.sync.services.commands import execute, execute_by_user
from metacore.sync.storage.storage import Storages

_logger = logging.getLogger(__name__)


class TradingService:
    """What an exchange does to a user's orders and money, stored once and exactly.

    Built on a storage, each call is one transaction for each user, run again when the database gives it up, but not to
    wait for a lock once more: LockTimeoutError. Built on a transaction, it is part of that. Each loads and locks what
    it is about (the user, then orders, then balances, each in one order), decides by the rules of `metacore.domain`,
    and saves the decision: a small number of statements, the same for one item and for a thousand. While this service
    and `LedgerService` are the only writers of `locked`, that is always the sum of what orders and reservations hold.

    Items of a batch take effect in list order as if sent singly, and results come in that order. Commands (orders to
    be placed) are done all or none for each user. Facts (reports, trades) are never refused for the sake of each other:
    one that is wrong in itself is a CONFLICT or INVALID result with its `error` and writes nothing, the others are
    saved; sent singly, it raises that error. No flag of the user refuses a fact: what happened has happened.

    An argument of a wrong type is an InvalidDataError that names it.

    Two times closer than `snapshot_tolerance` tell no order: clocks differ, and some messages tell whole seconds.

    With a `feed`, what each call changes is appended to the outbox, in the same transaction, as events of that topic:
    `OrderUpdated` for an order, `TradeSettled` and `TradePending` for a trade, both with the order's id for their key,
    `BalanceChanged` for a balance, with the key `user:asset`. What changes nothing tells nothing.
    """

    def __init__(
        self, storage: Storages, *, snapshot_tolerance: timedelta = TOLERANCE, feed: str | None = None
    ) -> None:
        require_own_world(storage, self)
        if feed is not None:
            require_key(feed=feed)
        self._storage = storage
        self._tolerance = require_tolerance(snapshot_tolerance)
        self._feed = feed

    def place_order(self, order: NewOrder, hold: Decimal | None = None) -> Order:
        """Store `order` as PENDING_NEW, before it goes out to the exchange, with a hold on the funds it needs.

        A BUY with a price holds price x quantity of the quote asset, rounded up to 18 places; a SELL quantity of the
        base asset; a MARKET BUY its quote_quantity. `hold` raises that, to have room for a commission, and is
        required where none can be computed (InvalidDataError). Without a client_order_id, it is given its own id as
        such, in 32 hex digits: send it that way, and a message that overtakes the answer names it. Placed again with
        the same id or client_order_id and the same content, the stored order is returned as it is now, whatever the
        flags. NotAllowedError if a new one is refused because the user is not `is_active` or may not `can_trade`,
        ConflictError if the content is another, InsufficientFundsError if too little is free, InvalidDataError if the
        user has one of its assets by another name, in another case, NotFoundError if the user does not exist; nothing
        is stored then.
        """
        placements = (build(Placement, {"order": require_model(NewOrder, order, "order"), "hold": hold}),)
        (placed,) = execute(self._storage, PlaceOrders(placements), self._feed)
        return placed

    def place_orders(self, orders: Iterable[NewOrder]) -> Sequence[Order]:
        """Place all of each user's `orders` or none of them, in list order, the users one after the other by id.

        The error of the first that cannot be placed ends it: none of its user's are placed, nor of the users after
        that. Called again with the same orders, it goes on from there.
        """
        placed = require_models(NewOrder, orders, "orders")
        placements = tuple(build(Placement, {"order": order}) for order in placed)
        return execute_by_user(self._storage, PlaceOrders, placements, self._feed)

    def cancel_order(self, user_id: UUID, order_id: UUID, reason: str | None = None) -> Order:
        """Store that the order shall be cancelled, before the request goes out: PENDING_CANCEL.

        It keeps its hold, for only a report closes it. Repeated, it changes nothing. NotFoundError if the user has no
        such order, InvalidTransitionError if it is closed.
        """
        remark = build(Remark, {"reason": reason})
        return execute(self._storage, CancelOrder(user_id, require_id(order_id, "order_id"), remark), self._feed)

    def reject_unknown(self, user_id: UUID, order_id: UUID) -> Order:
        """Store that the exchange never got the order: it was asked for, and is not there. REJECTED, its hold is free.

        It recovers an order whose placement got no answer. Reports and trades that come later still count.
        Repeated, it changes nothing. NotFoundError if the user has no such order, InvalidTransitionError if the
        exchange has reported it, or a trade of it.
        """
        return execute(self._storage, RejectUnknown(user_id, require_id(order_id, "order_id")), self._feed)

    def release_hold(self, user_id: UUID, order_id: UUID, reason: str) -> Order:
        """End the hold of an order whose trades will never come: all that it holds becomes free.

        The reason goes into its history. An order that holds nothing is returned as it is; an open one may be
        released too, what is executed later is then taken from free. NotFoundError if the user has no such order.
        """
        remark = build(Remark, {"reason": reason})
        if remark.reason is None:
            raise InvalidDataError("say why its trades will not come", field="reason")
        return execute(self._storage, ReleaseHold(user_id, require_id(order_id, "order_id"), remark), self._feed)

    def apply_report(self, report: ExecutionReport) -> ReportResult:
        """Apply what the exchange says of one order.

        APPLIED moved it; DUPLICATE changed nothing but fields that were None; so did STALE, which is older than what
        is stored, and noted in the history once; UNKNOWN_ORDER is not stored, unless the report carries the order.
        Closing an order releases what it holds, but for what its outstanding trades need: all of it while nobody has
        told what a MARKET BUY cost. InvalidTransitionError for what fits
        nowhere, ConflictError for ids of two orders.
        """
        return execute(
            self._storage, Sole(ApplyReports((require_model(ExecutionReport, report, "report"),))), self._feed
        )

    def apply_reports(self, reports: Iterable[ExecutionReport]) -> Sequence[ReportResult]:
        """`apply_report` each of `reports`, in one transaction for each user; errors come as results."""
        return execute_by_user(
            self._storage, ApplyReports, require_models(ExecutionReport, reports, "reports"), self._feed
        )

    def settle_trade(self, trade: NewTrade) -> SettlementResult:
        """Store a trade, move its order, and its money between the balances: once, however often it is sent.

        SETTLED moved the money; COVERED is one that an account snapshot has told already; PENDING waits for the funds
        that `missing` names; UNKNOWN_ORDER is stored PENDING until its order is known; MISMATCH, of another symbol or
        side than its order, is stored PENDING until the order says the same, and does not count for it; DUPLICATE is
        settled already. One that is stored and not settled is settled now. ConflictError if it is stored with other
        content, or its ids name two orders; NotFoundError if the user does not exist.
        """
        new = require_model(NewTrade, trade, "trade")
        return execute(self._storage, Sole(SettleTrades((new,), self._tolerance)), self._feed)

    def settle_trades(self, trades: Iterable[NewTrade]) -> Sequence[SettlementResult]:
        """`settle_trade` each of `trades`, in one transaction for each user; errors come as results."""
        command = partial(SettleTrades, tolerance=self._tolerance)
        return execute_by_user(self._storage, command, require_models(NewTrade, trades, "trades"), self._feed)

    def settle_pending(self, user_id: UUID) -> Sequence[SettlementResult]:
        """`settle_trade` each PENDING trade of the user by (traded_at, id), in one transaction; none holds up another.

        A trade whose order was unknown settles if it is known by now. NotFoundError if the user does not exist.
        """
        pending = self._storage.trades.list_pending(user_id)
        return execute(self._storage, SettlePending(user_id, pending, self._tolerance), self._feed)

    def deposit(
        self, user_id: UUID, asset: str, amount: Decimal, reference: str, occurred_at: datetime | None = None
    ) -> TransferResult:
        """Add `amount` to what is free, once for each `reference`; it occurred now by default.

        APPLIED moved the balance; COVERED is entered, and moves no total: the account snapshot knew of it; DUPLICATE
        has the reference of an earlier one of the same asset and amount. ConflictError if that was another,
        InvalidDataError if the amount is not above zero, or more than the balance has room for, or the time is more
        than 5 minutes after the storage's clock; NotFoundError if the user does not exist.
        """
        return self._transfer(EntryReason.DEPOSIT, user_id, asset, amount, reference, occurred_at)

    def deposit_all(self, deposits: Iterable[NewDeposit]) -> Sequence[TransferResult]:
        """`deposit` all of `deposits` or none, of however many users, in list order and in one transaction.

        The error of the first that cannot be made ends it, and nothing is stored. Each result has its balance as it is
        after all of them.
        """
        now = self._storage.now()
        new = require_models(NewDeposit, deposits, "deposits")
        transfers = tuple(Transfer.deposited(new, now) for new in new)
        return execute(self._storage, TransferFunds(transfers, self._tolerance), self._feed)

    def withdraw(
        self, user_id: UUID, asset: str, amount: Decimal, reference: str, occurred_at: datetime | None = None
    ) -> TransferResult:
        """Like `deposit`, taking `amount` from what is free; InsufficientFundsError if that is too little.

        NotAllowedError if the user may not `can_withdraw`, unless it is a DUPLICATE.
        """
        return self._transfer(EntryReason.WITHDRAWAL, user_id, asset, amount, reference, occurred_at)

    def sync_account(self, user_id: UUID, snapshot: AccountSnapshot) -> SnapshotResult:
        """Take over the totals of an account snapshot, and the flags that it tells.

        Each total becomes the told one and what the facts dated after `taken_at` moved; what that changes is
        `Balance.unexplained` until facts explain it (the first snapshot is the opening, of which nothing is). What it
        does not list is told to be zero; a partial one tells nothing of it. Locked is the sum of the holds, free the
        rest; holds above a total are cut, newest order first. Trades and transfers that are told later and dated before
        it are COVERED; where times are closer than `snapshot_tolerance`, the books choose which of them it knew of.
        STALE, and nothing written, if it is not newer than the one before, or is the first and differs with facts close
        to it. Differences and STALE are logged. InvalidDataError if `taken_at` is more than 5 minutes after the
        storage's clock, or a total, or what is unexplained of it, would be more than a balance holds; NotFoundError if
        the user does not exist.
        """
        checked = require_model(AccountSnapshot, snapshot, "snapshot")
        result = execute(self._storage, SyncAccount(user_id, checked, self._tolerance), self._feed)
        taken_at = snapshot.taken_at.isoformat()
        if result.reason is not None:
            _logger.info("The account snapshot of user %s, taken at %s, is stale: %s", user_id, taken_at, result.reason)
        for asset, amount in result.differences.items():
            _logger.info(
                "The account snapshot of user %s, taken at %s, tells %s more %r than our facts",
                *(user_id, taken_at, f"{amount:f}", asset),
            )
        return result

    def _transfer(
        self,
        reason: EntryReason,
        user_id: UUID,
        asset: str,
        amount: Decimal,
        reference: str,
        occurred_at: datetime | None,
    ) -> TransferResult:
        fields = {"user_id": require_id(user_id, "user_id"), "asset": asset, "amount": amount, "reference": reference}
        transfer = build(Transfer, {**fields, "reason": reason, "occurred_at": occurred_at or self._storage.now()})
        (result,) = execute(self._storage, TransferFunds((transfer,), self._tolerance), self._feed)
        return result
