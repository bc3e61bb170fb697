"""Passing requests on to the services, and their answers back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import Self

import httpx
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from common.access_tokens import AccessTokens
from common.logs import request_id
from common.tracing import outgoing
from marketplace.gateway.places import place_of
from marketplace.names import variable_of
from marketplace.products.pictures import LARGEST
from metacore import OutcomeUnknownError, StorageUnavailableError

LARGEST_BODY = LARGEST
_LARGEST_ELSEWHERE = 2**20
_IMAGES = "/images/"

_OWN = frozenset({b"x-request-id", b"connection", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade"})
_NOT_PASSED_ON = _OWN | {b"host", b"content-length", b"expect", b"proxy-authorization"}
_NOT_PASSED_BACK = _OWN | {b"content-length", b"date", b"server", b"proxy-authenticate"}
_REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})

_TIMEOUT = {"connect": 1.0, "read": 15.0, "write": 10.0, "pool": 2.0}
_LIMITS = httpx.Limits(max_connections=256, max_keepalive_connections=64)

Headers = Iterable[tuple[bytes, bytes]]


class Forwarding:
    """Passes requests on. A token that is worth nothing is refused here; what a caller may do, each service decides."""

    def __init__(self, urls: Mapping[str, str], tokens: AccessTokens) -> None:
        self._urls, self._tokens = urls, tokens
        # No client: that would keep the cookies of one caller, and send them for the next.
        self._transport = httpx.AsyncHTTPTransport(limits=_LIMITS)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._transport.aclose()

    async def forward(self, request: Request) -> Response:
        """What the service answers that has the route; 404 if none has."""
        place = place_of(request.scope["path"])
        if place is None:
            raise HTTPException(404)
        service, prefix = place
        request.scope["route"] = SimpleNamespace(path_format=f"{prefix}/...")
        if "authorization" in request.headers:
            self._tokens.of(request)
        body = await request.body()
        if len(body) > _LARGEST_ELSEWHERE and _IMAGES not in request.scope["path"]:
            raise HTTPException(413)
        return await self.ask(service, request, body)

    async def ask(self, service: str, request: Request, body: bytes = b"", path: bytes | None = None) -> Response:
        """What the service answers, at another `path` if one is given."""
        target = path or _target(request)
        url = httpx.URL(self._urls[variable_of(service)]).copy_with(raw_path=target)
        asked = httpx.Request(
            request.method, url, headers=_passed_on(request), content=body, extensions={"timeout": _TIMEOUT}
        )
        try:
            answer = await self._transport.handle_async_request(asked)
            content = await answer.aread()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise StorageUnavailableError(f"the service of {service} is not there: {type(error).__name__}") from None
        except httpx.TransportError as error:
            if request.method in _REPEATABLE:
                raise StorageUnavailableError(f"the service of {service} did not answer") from None
            raise OutcomeUnknownError(f"the service of {service} did not answer: {type(error).__name__}") from None
        response = Response(content, answer.status_code)
        response.raw_headers = [
            *((name, value) for name, value in _lower(answer.headers.raw) if name not in _NOT_PASSED_BACK),
            *(pair for pair in response.raw_headers if pair[0] == b"content-length"),
        ]
        return response


def _target(request: Request) -> bytes:
    path: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    query: bytes = request.scope["query_string"]
    return path + b"?" + query if query else path


def _passed_on(request: Request) -> list[tuple[bytes, bytes]]:
    ours = {name.encode(): value.encode() for name, value in outgoing().items()}
    ours[b"x-request-id"] = request_id.get().encode()
    if request.client is not None:
        ours[b"x-forwarded-for"] = request.client.host.encode()
    kept = [(name, value) for name, value in request.headers.raw if name not in _NOT_PASSED_ON and name not in ours]
    return [*kept, *ours.items()]


def _lower(headers: Headers) -> Headers:
    return ((name.lower(), value) for name, value in headers)
