"""Who is signed in: sessions, access tokens of them, and what ends with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Depends
from starlette.requests import HTTPConnection

from common.access_tokens import AccessTokens, Claims
from common.problems import UnauthorizedError
from metacore import EndReason, NotFoundError, SessionService, SignedIn, Storage


class SigningIn:
    """Issues access tokens of sessions, and knows which sessions have ended while tokens of them are still around.

    It knows of those that this process has ended: one of another lives on until its access token is over, as any does
    that is verified by a key alone. Whoever listens by `on_end` is told of each.
    """

    def __init__(self, storage: Storage, tokens: AccessTokens, lifetime: timedelta) -> None:
        self.sessions = SessionService(storage)
        self._storage, self._tokens, self._lifetime = storage, tokens, lifetime
        self._ended: dict[UUID, datetime] = {}
        self.on_end: Callable[[UUID], None] = lambda _: None

    def now(self) -> datetime:
        """The time by the storage's clock."""
        return self._storage.now()

    def access_token(self, signed_in: SignedIn) -> str:
        """An access token of the session."""
        claims = Claims(signed_in.user.id, signed_in.session.id, frozenset(signed_in.user.permissions))
        return self._tokens.issue(claims, self.now())

    def who_asks(self, request: HTTPConnection) -> Claims:
        """Whose access token a request has; UnauthorizedError if it has none, or one whose session has ended."""
        return self.require_living(self._tokens.of(request))

    def require_living(self, claims: Claims) -> Claims:
        """The claims; UnauthorizedError if their session has ended."""
        if claims.session_id in self._ended:
            raise UnauthorizedError("the session has ended; sign in again")
        return claims

    async def end(self, claims: Claims, sessions: Iterable[UUID]) -> None:
        """End these sessions of the user."""
        for session in sessions:
            await self._storage.sessions.end(claims.user_id, session, EndReason.LOGGED_OUT)
            self._note([session])

    async def end_all(self, claims: Claims) -> int:
        """End all sessions of the user; how many."""
        living = await self.sessions.sessions(claims.user_id)
        ended = await self.sessions.log_out_everywhere(claims.user_id)
        self._note([claims.session_id, *(session.id for session in living)])
        return ended

    async def delete(self, claims: Claims) -> None:
        """Delete the user."""
        living = await self.sessions.sessions(claims.user_id)
        try:
            await self._storage.users.delete(claims.user_id)
        except NotFoundError:
            raise UnauthorizedError("there is no such user any more") from None
        finally:
            self._note([claims.session_id, *(session.id for session in living)])

    def _note(self, sessions: Iterable[UUID]) -> None:
        now = self.now()
        # They lie in the order in which they have ended.
        for session, until in tuple(self._ended.items()):
            if until > now:
                break
            del self._ended[session]
        for session in sessions:
            self._ended[session] = now + self._lifetime
            self.on_end(session)


async def _who_asks(request: HTTPConnection) -> Claims:
    # Were it not `async`, it would be called in another thread, at a price above that of all else that it does.
    signing_in: SigningIn = request.app.state.signing_in
    return signing_in.who_asks(request)


WhoAsks = Annotated[Claims, Depends(_who_asks)]
"""The argument of a route that only who is signed in may ask; its application has `state.signing_in`."""
