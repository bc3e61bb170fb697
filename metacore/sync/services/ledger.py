# Made from metacore/services/ledger.py by `python tools/generate_sync.py`. Do not edit.
"""The ledger: amounts that are locked for something else than orders, and taken, released, or handed on, once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from metacore._compat.blocking import require_own_world
from metacore.domain.trading.commands import by_user
from metacore.domain.trading.reservations import NewReservation, Reservation
from metacore.domain.trading.reserving import ExpireReservations, Posting, PostReservations, Reserve, VoidReservations
from metacore.domain.trading.sides import TOLERANCE, require_tolerance
from metacore.domain.trading.transferring import HandOver, UserTransferResult
from metacore.domain.trading.user_transfers import UserTransfer
from metacore.domain.values.model import build, require_id, require_model, require_models
from metacore.domain.values.text import require_key, require_seq
from metacore.errors import LockTimeoutError
from metacore.sync.services.commands import execute
from metacore.sync.storage.storage import Storages

_AT_ONCE = 1_000
"""How many due reservations are read at a time."""


class LedgerService:
    """Reservations of money or goods, each resolved once, and transfers between users, whoever calls how often.

    Built on a storage, each call is one transaction, run again when the database gives it up, but not to wait for a
    lock once more: LockTimeoutError. Built on a transaction, it is part of that. Users are locked by id, one after the
    other, then reservations, then balances. While this service and `TradingService` are the only writers of `locked`,
    that is always the sum of what orders and pending reservations hold.

    An argument of a wrong type is an InvalidDataError that names it. `snapshot_tolerance` and `feed` are those of
    `TradingService`: give both services the same. What is told by it is `ReservationChanged` of a reservation, with the
    key its id, and `BalanceChanged` of a balance.
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

    def reserve(self, reservation: NewReservation) -> Reservation:
        """Lock an amount of what is free, once for each user, asset and reference.

        The same content again, under the same reference or id, gives the stored one as it is now, whatever became of
        it; the id and `expires_at` are no content. ConflictError if the content is another, InsufficientFundsError if
        too little is free, InvalidDataError if the user has the asset by another name, in another case, NotFoundError
        if the user does not exist; nothing is stored then.
        """
        new = require_model(NewReservation, reservation, "reservation")
        (reserved,) = execute(self._storage, Reserve((new,)), self._feed)
        return reserved

    def reserve_all(self, reservations: Iterable[NewReservation]) -> Sequence[Reservation]:
        """`reserve` all of `reservations` or none, of however many users, judged in list order.

        The error of the first that cannot be reserved ends it, and nothing is stored.
        """
        new = tuple(require_models(NewReservation, reservations, "reservations"))
        return execute(self._storage, Reserve(new), self._feed)

    def post(
        self, user_id: UUID, reservation_id: UUID, amount: Decimal | None = None, to: UUID | None = None
    ) -> Reservation:
        """Take what is reserved: `amount` of it, or all, leaves the user's balance; the rest is free again.

        With `to`, it goes to what that user has free, under the same reference. An expired one that nobody has expired
        yet can still be posted, whatever the flags of either user. Where an account snapshot has cut its hold, or
        somebody else has written less `locked`, what is missing is taken from free; InsufficientFundsError if that is
        too little. Posted the same way again, the stored one is returned; ConflictError if it is resolved another way.
        InvalidDataError if the amount is more than is reserved, or `to` its own user, or without room for it;
        NotFoundError if there is no such reservation or user.
        """
        (posted,) = self._post(user_id, (reservation_id,), amount, to)
        return posted

    def post_all(self, user_id: UUID, reservation_ids: Iterable[UUID], to: UUID | None = None) -> Sequence[Reservation]:
        """`post` all of these reservations of a user, each as a whole, or none, in list order.

        The error of the first that cannot be posted ends it, and nothing is stored.
        """
        return self._post(user_id, tuple(reservation_ids), None, to)

    def void(self, user_id: UUID, reservation_id: UUID) -> Reservation:
        """Release what is reserved: all of it is free again, but no more than is locked, should somebody else have
        written that.

        An expired one that nobody has expired yet can still be voided. Voided again, the stored one is returned;
        ConflictError if it is resolved another way, NotFoundError if there is no such reservation.
        """
        (voided,) = self.void_all(user_id, (reservation_id,))
        return voided

    def void_all(self, user_id: UUID, reservation_ids: Iterable[UUID]) -> Sequence[Reservation]:
        """`void` all of these reservations of a user, or none, in list order.

        The error of the first that cannot be voided ends it, and nothing is stored.
        """
        ids = tuple(require_id(each, "reservation_id") for each in reservation_ids)
        return execute(self._storage, VoidReservations(require_id(user_id, "user_id"), ids), self._feed)

    def transfer(
        self,
        from_user_id: UUID,
        to_user_id: UUID,
        asset: str,
        amount: Decimal,
        reference: str,
        occurred_at: datetime | None = None,
    ) -> UserTransferResult:
        """Move `amount` of what is free from one user to another, once for each user who gives and `reference`; it
        occurred now by default. TRANSFER entries on both sides tell of it.

        APPLIED moved both balances; COVERED moved at most one of them, for an account snapshot knew of it; DUPLICATE
        has the reference of an earlier one of the same user, asset and amount. ConflictError if that was another,
        NotAllowedError if the user who gives may not `can_withdraw`, unless it is a DUPLICATE; InsufficientFundsError
        if too little is free; InvalidDataError if the amount is not above zero, or more than the other balance has room
        for, both users are one, or the time is more than 5 minutes after the storage's clock; NotFoundError if one of
        them does not exist.
        """
        ids = {"user_id": require_id(from_user_id, "from_user_id"), "to_user_id": require_id(to_user_id, "to_user_id")}
        values = {"asset": asset, "amount": amount, "reference": reference}
        transfer = build(UserTransfer, {**ids, **values, "occurred_at": occurred_at or self._storage.now()})
        return execute(self._storage, HandOver(transfer, self._tolerance), self._feed)

    def expire_due(self, limit: int = 100) -> int:
        """Expire up to `limit` of the reservations whose `expires_at` has come, the first ones first, and tell how many
        were: what they hold is free again.

        A transaction for each user; any number of sweepers may call it at once, and each reservation expires once. What
        somebody else is about to resolve, and what belongs to a user whom somebody has locked for longer than
        `lock_timeout`, is left alone.
        """
        require_seq(limit=limit)
        before, after, expired = self._storage.now(), None, 0
        while True:
            page = self._storage.reservations.list_due(before, after, min(limit - expired, _AT_ONCE))
            for user_id, ids in by_user(row.key for row in page.items).items():
                expired += self._expire(user_id, ids)
            after = page.next
            if after is None or expired >= limit:
                return expired

    def _post(
        self, user_id: UUID, reservation_ids: Sequence[UUID], amount: Decimal | None, to: UUID | None
    ) -> Sequence[Reservation]:
        ids = {"user_id": require_id(user_id, "user_id"), "to": to if to is None else require_id(to, "to")}
        postings = tuple(
            build(Posting, {**ids, "reservation_id": require_id(each, "reservation_id"), "amount": amount})
            for each in reservation_ids
        )
        return execute(self._storage, PostReservations(postings, self._tolerance), self._feed)

    def _expire(self, user_id: UUID, reservation_ids: Sequence[UUID]) -> int:
        try:
            expired = execute(self._storage, ExpireReservations(user_id, reservation_ids), self._feed)
        except LockTimeoutError:
            return 0
        return len(expired)
