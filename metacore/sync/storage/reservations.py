# Made from metacore/storage/reservations.py by `python tools/generate_sync.py`. Do not edit.
"""The contract of the storage of reservations."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol
from uuid import UUID

from metacore.domain.trading.reservations import Reservation, ReservationState
from metacore.domain.values.pages import Page
from metacore.sync.storage.streams import by_backend, stream_of


class ReservationStorage(Protocol):
    """Reads reservations, the holds that are no order's; they are stored and resolved by `LedgerService`."""

    def get(self, user_id: UUID, reservation_id: UUID) -> Reservation:
        """The reservation; NotFoundError if the user has no such reservation."""
        ...

    def get_by_reference(self, user_id: UUID, asset: str, reference: str) -> Reservation:
        """The user's reservation of this asset with this reference; NotFoundError if there is none."""
        ...

    def list(
        self, user_id: UUID, state: ReservationState | None = None, after: str | None = None, limit: int = 100
    ) -> Page[Reservation]:
        """A page of the user's reservations, newest first by (created_at, id); only those in `state`, if given.

        `limit` is 1 to 1,000, `after` None or the `next` of a page of the same list; others are an InvalidDataError.
        """
        ...

    @stream_of(list)
    def stream(self, user_id: UUID, state: ReservationState | None = None) -> Iterator[Reservation]:
        """All reservations of `list`, in its order and in constant memory: pages are read as the iteration goes on,
        without a transaction held open.
        """
        return by_backend(user_id, state)

    def list_due(self, before: datetime, after: str | None = None, limit: int = 100) -> Page[Reservation]:
        """A page of the PENDING reservations of all users that expire at `before` or earlier, by (expires_at, user_id,
        id): those that a sweeper has to expire first.

        `limit` and `after` are as in `list`. One that is resolved while pages are read leaves the list.
        """
        ...
