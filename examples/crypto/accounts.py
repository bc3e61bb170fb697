"""The routes of accounts: who registers, signs in, goes on, and leaves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Request, Response
from pydantic import BaseModel, Field, SecretStr, ValidationError
from starlette.types import ASGIApp, Receive, Scope, Send

from common import problems
from common.access_tokens import Claims
from common.problems import UnauthorizedError
from crypto.signing_in import SigningIn, WhoAsks
from metacore import InvalidDataError, Session, SignedIn, User

COOKIE = "refresh_token"
JSON = "application/json"
_REFRESH = SimpleNamespace(path="/v1/refresh", path_format="/v1/refresh")
_SMALL = 4
"""Digits of how many bytes a body has."""

UserAgent = Annotated[str | None, Header()]


class Credentials(BaseModel):
    """A name and a password."""

    username: str = Field(description="The name; no two users have the same.")
    password: SecretStr = Field(description="At least eight characters, at most 1,024 bytes.")


class RefreshToken(BaseModel):
    """The token that a session goes on by; without it, that of the cookie counts."""

    refresh: SecretStr | None = None


class Account(BaseModel):
    """A user, as others may see it."""

    id: UUID
    name: str | None

    @classmethod
    def of(cls, user: User) -> Account:
        """Of a user."""
        return cls(id=user.id, name=user.username)


class Tokens(BaseModel):
    """What a session is proven by for some minutes, and what it goes on by."""

    access: str
    refresh: str


class Entered(BaseModel):
    """Who has signed in, and by which tokens."""

    user: Account
    tokens: Tokens


class LivingSession(BaseModel):
    """Where a user is signed in."""

    id: UUID
    label: str | None
    created_at: datetime
    idle_until: datetime
    current: bool = Field(description="Whether it is the session of whoever asks.")

    @classmethod
    def of(cls, session: Session, claims: Claims) -> LivingSession:
        """Of a session."""
        values = {name: getattr(session, name) for name in ("id", "label", "created_at", "idle_until")}
        return cls(**values, current=session.id == claims.session_id)


class Ended(BaseModel):
    """How many sessions were ended."""

    sessions: int


def _presented(body: bytes, request: Request) -> SecretStr:
    """The token of a request; UnauthorizedError if it has none, InvalidDataError if its body is none."""
    try:
        token = RefreshToken.model_validate_json(body).refresh if body else None
    except ValidationError as error:
        raise InvalidDataError(error.errors(include_input=False)[0]["msg"], field="body") from None
    if token is None and COOKIE in request.cookies:
        token = SecretStr(request.cookies[COOKIE])
    if token is None:
        raise UnauthorizedError("this needs a refresh token")
    return token


class Refreshing:
    """Lets a refresh token give way to its successor: by the route, or, since nothing is asked for as often, before any
    routing and what lies around it, which cost as much again as all the rest.
    """

    def __init__(self, app: ASGIApp, signing_in: SigningIn, secure_cookie: bool) -> None:
        self._app, self._signing_in, self._secure_cookie = app, signing_in, secure_cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        if scope.get("method") != "POST" or scope["path"] != _REFRESH.path or not _is_small(scope):
            await self._app(scope, receive, send)
            return
        scope["route"] = _REFRESH
        answer = await refreshed(self._signing_in, Request(scope, receive), self._secure_cookie)
        await answer(scope, receive, send)


async def refreshed(signing_in: SigningIn, request: Request, secure_cookie: bool) -> Response:
    """The answer to who presents a refresh token."""
    signed_in = await signing_in.sessions.refresh(_presented(await request.body(), request))
    return entered(signing_in, signed_in, secure_cookie)


def _is_small(scope: Scope) -> bool:
    length = next((value for name, value in scope["headers"] if name == b"content-length"), b"x")
    return length.isdigit() and len(length) <= _SMALL


def entered(signing_in: SigningIn, signed_in: SignedIn, secure_cookie: bool) -> Response:
    """The answer to who has signed in."""
    token = signed_in.token.get_secret_value()
    tokens = Tokens(access=signing_in.access_token(signed_in), refresh=token)
    body = Entered(user=Account.of(signed_in.user), tokens=tokens).model_dump_json()
    left = int((signed_in.session.expires_at - signing_in.now()).total_seconds())
    response = Response(body, media_type=JSON, headers={"cache-control": "no-store"})
    response.set_cookie(COOKIE, token, left, path="/v1", secure=secure_cookie, httponly=True, samesite="strict")
    return response


def router(signing_in: SigningIn, secure_cookie: bool) -> APIRouter:
    """The routes, over the one who knows who is signed in."""
    routes = APIRouter()

    def leave(response: Response) -> None:
        response.delete_cookie(COOKIE, "/v1", secure=secure_cookie, httponly=True, samesite="strict")

    @routes.post("/v1/register", status_code=201, responses=problems.documented(400, 409, 413, 503))
    async def register(credentials: Credentials) -> Account:
        """Store a user; then it can log in."""
        return Account.of(await signing_in.sessions.register(credentials.username, credentials.password))

    @routes.post("/v1/login", response_model=Entered, responses=problems.documented(400, 401, 413, 503))
    async def log_in(credentials: Credentials, user_agent: UserAgent = None) -> Response:
        """Begin a session. The refresh token is also a cookie that no script sees."""
        signed_in = await signing_in.sessions.log_in(credentials.username, credentials.password, user_agent or None)
        return entered(signing_in, signed_in, secure_cookie)

    @routes.post(
        _REFRESH.path,
        response_model=Entered,
        responses=problems.documented(400, 401, 413, 503),
        openapi_extra={"requestBody": {"content": {JSON: {"schema": RefreshToken.model_json_schema()}}}},
    )
    async def refresh(request: Request) -> Response:
        """Let the token give way to its successor: the same one for all who ask at once, or again within 10 s.

        An error leaves the cookie as it is: whoever was too late with an old token has the new one by now.
        """
        return await refreshed(signing_in, request, secure_cookie)

    @routes.post("/v1/auth/logout", status_code=204, responses=problems.documented(401, 503))
    async def log_out(claims: WhoAsks, response: Response) -> None:
        """End the session of whoever asks."""
        await signing_in.end(claims, [claims.session_id])
        leave(response)

    @routes.post("/v1/auth/logout-all", responses=problems.documented(401, 503))
    async def log_out_everywhere(claims: WhoAsks, response: Response) -> Ended:
        """End all sessions of whoever asks."""
        ended = await signing_in.end_all(claims)
        leave(response)
        return Ended(sessions=ended)

    @routes.get("/v1/auth/sessions", responses=problems.documented(401, 503))
    async def list_sessions(claims: WhoAsks) -> Sequence[LivingSession]:
        """Where whoever asks is signed in, newest first."""
        return [LivingSession.of(session, claims) for session in await signing_in.sessions.sessions(claims.user_id)]

    @routes.delete("/v2/user/profile", status_code=204, responses=problems.documented(401, 503))
    async def delete_profile(claims: WhoAsks, response: Response) -> None:
        """Delete the user who asks, and all that it has."""
        await signing_in.delete(claims)
        leave(response)

    return routes
