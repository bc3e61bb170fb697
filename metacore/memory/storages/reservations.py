"""Reservations in memory."""

from __future__ import annotations

from datetime import datetime
from typing import final
from uuid import UUID

from metacore.backends.listing import Listing
from metacore.domain.trading.reservations import Reservation, ReservationKey, ReservationState
from metacore.domain.values.pages import Page
from metacore.domain.values.text import require_text
from metacore.domain.values.times import require_time
from metacore.errors import AlreadyExistsError, NotFoundError
from metacore.memory.paging import PageRequest
from metacore.memory.schema import Views
from metacore.memory.storages.session import Session
from metacore.storage.reservations import ReservationStorage


@final
class MemoryReservationStorage(ReservationStorage):
    """`metacore.storage.reservations.ReservationStorage` over dictionaries."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def get(self, user_id: UUID, reservation_id: UUID) -> Reservation:
        with self._session.read() as tables:
            reservation = tables.reservations.get((user_id, reservation_id))
        if reservation is None:
            raise NotFoundError("reservation", (user_id, reservation_id))
        return reservation

    async def get_by_reference(self, user_id: UUID, asset: str, reference: str) -> Reservation:
        require_text(asset=asset, reference=reference)
        with self._session.read() as tables:
            reservation = tables.reservations.find("reference", (user_id, asset, reference))
        if reservation is None:
            raise NotFoundError("reservation", (user_id, asset, reference))
        return reservation

    async def list(
        self, user_id: UUID, state: ReservationState | None = None, after: str | None = None, limit: int = 100
    ) -> Page[Reservation]:
        page = PageRequest(Listing("reservations.list", (user_id, state)), after, limit)
        with self._session.read() as tables:
            rows = tables.reservations.group(user_id)
            return page.of((row for row in rows if state is None or row.state is state), Reservation.place)

    async def list_due(self, before: datetime, after: str | None = None, limit: int = 100) -> Page[Reservation]:
        before = require_time("before", before)
        page = PageRequest(Listing("reservations.list_due", (before,), (datetime, UUID, UUID)), after, limit)
        with self._session.read() as tables:
            rows = [row for row in tables.reservations.all() if row.is_due(before)]
            return page.of(rows, Reservation.turn, newest_first=False)


def insert_reservation(tables: Views, reservation: Reservation) -> None:
    """Insert `reservation`, whose id and reference must be free; its user exists."""
    if (taken := tables.reservations.add(reservation)) is not None:
        raise AlreadyExistsError("reservation", taken, getattr(reservation, taken))


def find_reservations(
    tables: Views, keys: set[ReservationKey], references: set[tuple[UUID, str, str]], holding: frozenset[UUID]
) -> tuple[Reservation, ...]:
    """Those with these keys, with these references, and all that hold funds of users `holding`, by key."""
    found = [tables.reservations.get(key) for key in keys]
    found += [tables.reservations.find("reference", reference) for reference in references]
    found += [row for user_id in holding for row in tables.reservations.select("holding", user_id)]
    rows = {row.key: row for row in found if row is not None}
    return tuple(rows[key] for key in sorted(rows))
