"""Reservations in PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any, final
from uuid import UUID

from metacore.backends.listing import Listing, parse_limit
from metacore.domain.trading.reservations import Reservation, ReservationState
from metacore.domain.values.pages import Page
from metacore.domain.values.text import require_text
from metacore.domain.values.times import require_time
from metacore.errors import NotFoundError
from metacore.postgres.client.codecs import RESERVATION, to_text
from metacore.postgres.client.session import Session
from metacore.postgres.statements import reservations as statements
from metacore.storage.reservations import ReservationStorage


@final
class PostgresReservationStorage(ReservationStorage):
    """`metacore.storage.reservations.ReservationStorage` over PostgreSQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def get(self, user_id: UUID, reservation_id: UUID) -> Reservation:
        rows = await self._session.fetch(statements.GET, {"user_id": str(user_id), "id": str(reservation_id)})
        if not rows:
            raise NotFoundError("reservation", (user_id, reservation_id))
        return RESERVATION.decode(rows[0])

    async def get_by_reference(self, user_id: UUID, asset: str, reference: str) -> Reservation:
        require_text(asset=asset, reference=reference)
        named = {"user_id": str(user_id), "asset": asset, "reference": reference}
        rows = await self._session.fetch(statements.GET_BY_REFERENCE, named)
        if not rows:
            raise NotFoundError("reservation", (user_id, asset, reference))
        return RESERVATION.decode(rows[0])

    async def list(
        self, user_id: UUID, state: ReservationState | None = None, after: str | None = None, limit: int = 100
    ) -> Page[Reservation]:
        listing = Listing("reservations.list", (user_id, state))
        values: dict[str, Any] = {"user_id": str(user_id), "state": state, "limit": parse_limit(limit) + 1}
        if (start := listing.position(after)) is not None:
            values |= {"created_at": to_text(start[0]), "id": to_text(start[1])}
        rows = await self._session.fetch(statements.page(state is not None, start is not None), values)
        return listing.page(RESERVATION.decode_all(rows), limit, Reservation.place)

    async def list_due(self, before: datetime, after: str | None = None, limit: int = 100) -> Page[Reservation]:
        before = require_time("before", before)
        listing = Listing("reservations.list_due", (before,), (datetime, UUID, UUID))
        values: dict[str, Any] = {"before": to_text(before), "limit": parse_limit(limit) + 1}
        if (start := listing.position(after)) is not None:
            values |= {name: to_text(part) for name, part in zip(("expires_at", "user_id", "id"), start, strict=True)}
        rows = await self._session.fetch(statements.due(start is not None), values)
        return listing.page(RESERVATION.decode_all(rows), limit, Reservation.turn)
