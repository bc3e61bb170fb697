"""One-time tickets: what a page opens a socket with, since a browser's WebSocket sends no header of ours."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from common.access_tokens import Claims
from common.problems import UnauthorizedError

LIFETIME = timedelta(seconds=30)
MOST = 100_000


class Tickets:
    """Tickets that are worth something once, and for half a minute. This process knows its own alone."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._claims: dict[str, tuple[Claims, datetime]] = {}

    def issue(self, claims: Claims) -> str:
        """A ticket of whoever asks."""
        now = self._now()
        # They lie in the order in which they were issued.
        for ticket, (_, until) in tuple(self._claims.items()):
            if until > now and len(self._claims) < MOST:
                break
            del self._claims[ticket]
        ticket = secrets.token_urlsafe(32)
        self._claims[ticket] = claims, now + LIFETIME
        return ticket

    def take(self, ticket: str) -> Claims:
        """Whose ticket it is; UnauthorizedError if it is none, was taken before, or its time is over."""
        claims, until = self._claims.pop(ticket, (None, self._now()))
        if claims is None or until <= self._now():
            raise UnauthorizedError("the ticket is worth nothing; ask for another")
        return claims
