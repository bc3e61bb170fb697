"""Signing in and out: an access token for the services, and a refresh token for the next one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Cookie, Request, Response
from pydantic import BaseModel, Field, SecretStr

from common.access_tokens import AccessTokens, Claims
from common.problems import documented
from marketplace.callers import Role
from marketplace.users.member import Member
from metacore import SessionService, SignedIn, TokenError

COOKIE = "refresh"
_PATH = "/v1"
_UNKNOWN = "UNKNOWN"

RefreshCookie = Annotated[str, Cookie(alias=COOKIE, include_in_schema=False)]


class Credentials(BaseModel):
    """What somebody signs in by."""

    username: Annotated[str, Field(max_length=100)]
    password: SecretStr


class Refresh(BaseModel):
    """The refresh token; without it, that of the cookie counts."""

    refresh: SecretStr | None = None


class Tokens(BaseModel):
    """`access` goes with every request, for minutes; `refresh` gets the next ones."""

    access: str
    refresh: str


class Admitted(BaseModel):
    """Who has signed in."""

    user: Member
    tokens: Tokens


def router(sessions: SessionService, access_tokens: AccessTokens, now: Callable[[], datetime]) -> APIRouter:
    """The routes over these sessions."""
    routes = APIRouter(prefix=_PATH, tags=["users"])

    def admit(signed_in: SignedIn, response: Response) -> Admitted:
        user, session = signed_in.user, signed_in.session
        claims = Claims(user.id, session.id, frozenset(user.permissions))
        refresh = signed_in.token.get_secret_value()
        response.set_cookie(COOKIE, refresh, path=_PATH, expires=session.idle_until, httponly=True, samesite="strict")
        return Admitted(user=Member.of(user), tokens=Tokens(access=access_tokens.issue(claims, now()), refresh=refresh))

    @routes.post("/register", status_code=201, responses=documented(400, 409, 413, 503))
    async def register(new: Credentials) -> Member:
        """Be a customer."""
        return Member.of(await sessions.register(new.username, new.password, [Role.CUSTOMER]))

    @routes.post("/login", responses=documented(400, 401, 403, 413, 503))
    async def log_in(credentials: Credentials, request: Request, response: Response) -> Admitted:
        """Begin a session."""
        label = request.headers.get("user-agent")
        return admit(await sessions.log_in(credentials.username, credentials.password, label), response)

    @routes.post("/refresh", responses=documented(400, 401, 413, 503))
    async def refresh(response: Response, body: Refresh = Refresh(), cookie: RefreshCookie = "") -> Admitted:
        """The next tokens, with the roles of now. Asked again within ten seconds, it gives the same refresh token."""
        return admit(await sessions.refresh(_token(body, cookie)), response)

    @routes.post("/logout", status_code=204, responses=documented(400, 401, 413, 503))
    async def log_out(response: Response, body: Refresh = Refresh(), cookie: RefreshCookie = "") -> None:
        """End the session. Its access token is good for the minutes that it has left."""
        await sessions.log_out(_token(body, cookie))
        response.delete_cookie(COOKIE, path=_PATH, httponly=True, samesite="strict")

    return routes


def _token(body: Refresh, cookie: str) -> str | SecretStr:
    if token := body.refresh or cookie:
        return token
    raise TokenError(_UNKNOWN)
