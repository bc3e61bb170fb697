"""Reservation commands: locking amounts, and ending that exactly once, by posting, voiding or expiring them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from metacore.domain.trading.balances import BalanceKey, EntryReason
from metacore.domain.trading.commands import Command
from metacore.domain.trading.covering import alone_with_facts, note_command
from metacore.domain.trading.decisions import Selection
from metacore.domain.trading.facts import moved
from metacore.domain.trading.journal import hold, line, release
from metacore.domain.trading.reservations import NewReservation, Reservation, ReservationState
from metacore.domain.trading.sides import TOLERANCE
from metacore.domain.trading.unit_of_work import UnitOfWork
from metacore.domain.trading.user_state import UserState
from metacore.domain.values.amounts import ZERO, PositiveAmount, canonical, difference
from metacore.domain.values.model import Model
from metacore.errors import ConflictError, InsufficientFundsError, InvalidDataError


class Posting(Model):
    """How much of a reservation is taken, all of it by default, and to whose balance, if to another user's."""

    user_id: UUID
    reservation_id: UUID
    amount: PositiveAmount | None = None
    to: UUID | None = None

    @property
    def users(self) -> frozenset[UUID]:
        """Whose balances it moves."""
        return frozenset({self.user_id, self.to or self.user_id})


@dataclass(frozen=True, slots=True)
class Reserve(Command[Sequence[Reservation]]):
    """Lock amounts, all or none, in list order; the error of the first that cannot be."""

    reservations: Sequence[NewReservation]

    def selection(self, exclusive: bool) -> Selection:
        return Selection(
            users=frozenset(new.user_id for new in self.reservations),
            exclusive_users=exclusive,
            reservations=tuple(new.key for new in self.reservations),
            reservation_references=tuple(new.named for new in self.reservations),
            locked_balances=tuple({new.balance_key for new in self.reservations}),
        )

    def decide(self, work: UnitOfWork) -> Sequence[Reservation]:
        return tuple(reserve(work.state_of(new.user_id), new) for new in self.reservations)


@dataclass(frozen=True, slots=True)
class PostReservations(Command[Sequence[Reservation]]):
    """Take what reservations hold, all or none, in list order; the error of the first that cannot be posted."""

    postings: Sequence[Posting]
    tolerance: timedelta = TOLERANCE

    def selection(self, exclusive: bool) -> Selection:
        return Selection(
            users=frozenset(user_id for posting in self.postings for user_id in posting.users),
            exclusive_users=exclusive,
            reservations=tuple((posting.user_id, posting.reservation_id) for posting in self.postings),
            **(alone_with_facts(self.tolerance) if exclusive else {}),
        )

    def balances(self, work: UnitOfWork) -> set[BalanceKey]:
        keys = set()
        for posting in self.postings:
            reservation = _named(work, posting)
            if reservation.is_pending:
                keys |= {(user_id, reservation.asset) for user_id in posting.users} | work.balances_of_facts()
        return keys

    def decide(self, work: UnitOfWork) -> Sequence[Reservation]:
        return tuple(self._post(work, posting) for posting in self.postings)

    def _post(self, work: UnitOfWork, posting: Posting) -> Reservation:
        reservation = _named(work, posting)
        amount = reservation.amount if posting.amount is None else posting.amount
        if amount > reservation.amount:
            raise InvalidDataError("no more can be posted than was reserved", field="amount")
        if posting.to == posting.user_id:
            raise InvalidDataError("it is the user's own: void it, or name another user", field="to")
        if reservation.is_resolved_as(ReservationState.POSTED, amount, posting.to):
            return reservation
        to = None if posting.to is None else work.state_of(posting.to)
        return post(work.state_of(posting.user_id), reservation, amount, to, self.tolerance)


@dataclass(frozen=True, slots=True)
class VoidReservations(Command[Sequence[Reservation]]):
    """Release what reservations of a user hold, all or none, in list order; the error of the first that cannot be."""

    user_id: UUID
    reservation_ids: Sequence[UUID]

    def selection(self, exclusive: bool) -> Selection:
        keys = tuple((self.user_id, each) for each in self.reservation_ids)
        return Selection(users=frozenset({self.user_id}), exclusive_users=exclusive, reservations=keys)

    def balances(self, work: UnitOfWork) -> set[BalanceKey]:
        named = (work.state_of(self.user_id).reservation(each) for each in self.reservation_ids)
        return {reservation.balance_key for reservation in named if reservation.is_pending}

    def decide(self, work: UnitOfWork) -> Sequence[Reservation]:
        state = work.state_of(self.user_id)
        return tuple(self._void(state, each) for each in self.reservation_ids)

    def _void(self, state: UserState, reservation_id: UUID) -> Reservation:
        reservation = state.reservation(reservation_id)
        if reservation.is_resolved_as(ReservationState.VOIDED):
            return reservation
        return set_free(state, reservation, ReservationState.VOIDED)


@dataclass(frozen=True, slots=True)
class ExpireReservations(Command[Sequence[Reservation]]):
    """Release what those of a user's reservations hold that are due, but for those that somebody else has locked."""

    user_id: UUID
    reservation_ids: Sequence[UUID]

    def selection(self, exclusive: bool) -> Selection:
        return Selection(
            users=frozenset({self.user_id}),
            exclusive_users=exclusive,
            reservations=tuple((self.user_id, each) for each in self.reservation_ids),
            skip_locked=True,
        )

    def balances(self, work: UnitOfWork) -> set[BalanceKey]:
        return {reservation.balance_key for reservation in _due(work)}

    def decide(self, work: UnitOfWork) -> Sequence[Reservation]:
        return tuple(set_free(work.state_of(row.user_id), row, ReservationState.EXPIRED) for row in _due(work))


def _named(work: UnitOfWork, posting: Posting) -> Reservation:
    return work.state_of(posting.user_id).reservation(posting.reservation_id)


def _due(work: UnitOfWork) -> list[Reservation]:
    return [reservation for reservation in work.loaded.reservations if reservation.is_due(work.now)]


def reserve(state: UserState, new: NewReservation) -> Reservation:
    """Write the reservation and its hold to `state`, and give the stored one; the one stored already if it is the same.

    Funds are judged as those before it left them. InsufficientFundsError if too little is free; ConflictError if its id
    or reference is that of one with other content.
    """
    if (stored := state.find_reservation(new)) is not None:
        if stored.content() != new.content():
            raise ConflictError(
                f"reservation {stored.id} has the same id or reference and other content; choose another",
                conflicts=(str(stored.id),),
            )
        return stored
    free = state.funds[new.asset].free
    if free < new.amount:
        raise InsufficientFundsError(new.asset, needed=new.amount, available=free, user_id=new.user_id)
    state.post((hold(new.user_id, new.asset, new.amount, new.reference, state.now),))
    reservation = Reservation.created(new, state.now)
    state.put_reservation(reservation)
    return reservation


def post(
    state: UserState,
    reservation: Reservation,
    posted: Decimal,
    to: UserState | None = None,
    tolerance: timedelta = TOLERANCE,
) -> Reservation:
    """Write to `state` that so much of the pending reservation is `posted`: taken out of locked, and to the free of
    `to`, if given. The rest is released.

    It takes what is left of the hold, then free: InsufficientFundsError if that is too little. InvalidDataError if `to`
    has no room for it.
    """
    user_id, asset, reference = reservation.named
    funds, held = state.funds[asset], min(reservation.held_amount, state.funds[asset].locked)
    missing = canonical(max(difference(posted, held), ZERO))
    if funds.free < missing:
        raise InsufficientFundsError(asset, needed=missing, available=funds.free, user_id=user_id)
    if to is not None:
        to.require_room(asset, posted, ZERO, "amount")
    entries = []
    if missing:
        entries.append(hold(user_id, asset, missing, reference, state.now))
    entries.append(line(user_id, asset, EntryReason.TRANSFER, reference, state.now, locked=posted.copy_negate()))
    if (rest := canonical(difference(held, posted))) > 0:
        entries.append(release(user_id, asset, rest, reference, state.now))
    state.post(entries)
    recipient = None if to is None else to.user.id
    after = reservation.resolved(ReservationState.POSTED, state.now, posted_amount=posted, posted_to=recipient)
    state.put_reservation(after)
    note_command(state, moved(reference, asset, posted.copy_negate(), state.now), tolerance)
    if to is not None:
        to.post((line(to.user.id, asset, EntryReason.TRANSFER, reference, state.now, free=posted),))
        note_command(to, moved(reference, asset, posted, state.now), tolerance)
    return after


def set_free(state: UserState, reservation: Reservation, resolution: ReservationState) -> Reservation:
    """Write to `state` that what the pending reservation holds is free again, and give it as it is then.

    Should less than that be locked, because somebody else wrote `locked`, no more than that goes to free.
    """
    user_id, asset, reference = reservation.named
    if amount := min(reservation.held_amount, state.funds[asset].locked):
        state.post((release(user_id, asset, amount, reference, state.now),))
    after = reservation.resolved(resolution, state.now)
    state.put_reservation(after)
    return after
