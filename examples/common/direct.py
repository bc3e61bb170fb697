"""Routes that are asked so often that they are answered past all that a framework does for a request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from types import SimpleNamespace
from typing import NamedTuple, TypeAlias

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Answer: TypeAlias = Callable[[Request, bytes], Awaitable[Response | None]]
"""The response to a request with this body, its parameters in `path_params`; None if it is not as it should be."""


class DirectRoute(NamedTuple):
    """A route that is answered directly; `path` as in the application, whose route it stands in for."""

    method: str
    path: str
    answer: Answer


class Direct:
    """An application in front of another one, which has the same routes, and describes them.

    A request that a route gives no response to goes on to that application, which says what is wrong with it. Measured,
    FastAPI takes three times as long for a request with a small body as all that this one does.
    """

    def __init__(self, app: ASGIApp, routes: Sequence[DirectRoute]) -> None:
        self._app = app
        self._routes = [
            (route.method, compile_path(route.path)[0], SimpleNamespace(path_format=route.path), route.answer)
            for route in routes
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or pass it on."""
        if scope["type"] == "http":
            for method, pattern, route, answer in self._routes:
                if scope["method"] == method and (match := pattern.match(scope["path"])) is not None:
                    # What the metrics and the trace call it.
                    scope["route"], scope["path_params"] = route, match.groupdict()
                    await self._answer(answer, scope, receive, send)
                    return
        await self._app(scope, receive, send)

    async def _answer(self, answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
        messages = [await receive()]
        while messages[-1].get("more_body"):
            messages.append(await receive())
        body = b"".join(message.get("body", b"") for message in messages)
        is_whole = messages[-1]["type"] == "http.request"
        response = await answer(Request(scope), body) if is_whole else None
        if response is not None:
            await response(scope, receive, send)
            return
        messages.reverse()

        async def again() -> Message:
            return messages.pop() if messages else await receive()

        await self._app(scope, again, send)


def is_json(request: Request) -> bool:
    """Whether the body is plainly JSON."""
    return request.headers.get("content-type") == "application/json"
