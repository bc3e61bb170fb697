"""What an error is over HTTP: `application/problem+json` (RFC 9457), by one table."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import psycopg
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.logs import request_id
from metacore import errors

MEDIA_TYPE = "application/problem+json"

_logger = logging.getLogger(__name__)


class Problem(BaseModel):
    """The body of an answer that is an error."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str


@dataclass(frozen=True, slots=True)
class Answer:
    """How an error is answered. Without a `detail` its own message is told, which names what the caller sent."""

    status: int
    title: str
    detail: str | None = None


class UnauthorizedError(Exception):
    """Nobody is signed in who may ask this. The message says why, and nothing of what was given."""


_AGAIN = "Nothing was stored. Ask again in a moment."

ANSWERS: dict[type[Exception], Answer] = {
    ClientDisconnect: Answer(400, "Incomplete request", "The request ended before its body did."),
    errors.InvalidDataError: Answer(400, "Invalid data"),
    UnauthorizedError: Answer(401, "Unauthorized"),
    errors.SignInError: Answer(401, "Sign-in failed"),
    errors.TokenError: Answer(401, "Session over"),
    errors.NotAllowedError: Answer(403, "Not allowed"),
    errors.NotFoundError: Answer(404, "Not found"),
    errors.AlreadyExistsError: Answer(409, "Already exists"),
    errors.ConflictError: Answer(409, "Conflict"),
    errors.InvalidTransitionError: Answer(409, "Invalid transition"),
    errors.StaleVersionError: Answer(409, "Stale version"),
    errors.InsufficientFundsError: Answer(409, "Insufficient funds"),
    errors.RetryableError: Answer(503, "Busy", _AGAIN),
    errors.StatementTimeoutError: Answer(503, "Busy", _AGAIN),
    errors.StorageUnavailableError: Answer(503, "Unavailable", _AGAIN),
    errors.PoolTimeoutError: Answer(503, "Busy", _AGAIN),
    # By statements of one's own, in a transaction of the storage: it is undone.
    psycopg.OperationalError: Answer(503, "Busy", _AGAIN),
    errors.OutcomeUnknownError: Answer(503, "Outcome unknown", "It may be stored or not. Repeat with the same key."),
}
"""The most special class decides; what is not here is a fault of ours, and says no more than that."""

_FAULT = Answer(500, "Internal error", "This is a fault of the service; its log has more by the request id.")
_HEADERS = {401: {"www-authenticate": "Bearer"}, 503: {"retry-after": "1"}}


def install(app: Starlette) -> None:
    """Let every error of `app` be answered by the table."""
    app.add_exception_handler(errors.MetacoreError, _by_table)
    app.add_exception_handler(psycopg.OperationalError, _by_table)
    app.add_exception_handler(UnauthorizedError, _by_table)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _by_table)
    app.add_middleware(Answered)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that may answer with these errors."""
    return {status: {"model": Problem, "description": HTTPStatus(status).phrase} for status in statuses}


def problem(answer: Answer, detail: str, headers: dict[str, str] | None = None) -> Response:
    """The answer as a response."""
    body = {
        "type": f"urn:problem:{answer.title.lower().replace(' ', '-')}",
        "title": answer.title,
        "status": answer.status,
        "detail": detail,
        "request_id": request_id.get(),
    }
    always = _HEADERS.get(answer.status, {})
    return Response(json.dumps(body), answer.status, headers={**always, **(headers or {})}, media_type=MEDIA_TYPE)


def answer_to(error: Exception) -> Response:
    """The response that the table has for `error`; for an HTTPException, what its status says."""
    if isinstance(error, HTTPException):
        of_status = Answer(error.status_code, HTTPStatus(error.status_code).phrase)
        return problem(of_status, str(error.detail), dict(error.headers or {}))
    answer = next((ANSWERS[kind] for kind in type(error).__mro__ if kind in ANSWERS), _FAULT)
    if answer is _FAULT:
        _logger.error("fault", exc_info=error)
    return problem(answer, answer.detail or str(error))


async def _by_table(_: Request, error: Exception) -> Response:
    return answer_to(error)


async def _invalid_request(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return problem(ANSWERS[errors.InvalidDataError], f"{where}: {first['msg']}")


class Answered:
    """An application whose errors are answered by the table where they are made, faults too, and once: a handler of
    Starlette's for those would answer outside of all middleware, and again in each application that this one is mounted
    in.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = False

        async def watched(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            if began:
                raise
            await answer_to(error)(scope, receive, send)
