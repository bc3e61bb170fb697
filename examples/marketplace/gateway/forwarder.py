"""Passing requests on to the services, and their answers back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import Any, Self
from urllib.parse import quote

import aiohttp
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from yarl import URL

from common.access_tokens import AccessTokens
from common.http_client import session
from common.logs import request_id
from common.tracing import outgoing
from marketplace.gateway.routing import route_of
from marketplace.names import variable_of
from marketplace.products.pictures import LARGEST
from metacore import OutcomeUnknownError, StorageUnavailableError

LARGEST_BODY = LARGEST
_LARGEST_ELSEWHERE = 2**20
_IMAGES = "/images/"

_OWN = frozenset({"x-request-id", "connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"})
_NOT_PASSED_ON = _OWN | {"host", "content-length", "expect", "proxy-authorization"}
_NOT_PASSED_BACK = frozenset(
    name.encode() for name in _OWN | {"content-length", "date", "server", "proxy-authenticate"}
)
_REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})

_CONNECTS_WITHIN, _ANSWERS_WITHIN = 1.0, 15.0


class Forwarder:
    """Passes requests on. A token that is worth nothing is refused here; what a caller may do, each service decides."""

    def __init__(self, urls: Mapping[str, str], tokens: AccessTokens) -> None:
        self._urls, self._tokens = urls, tokens
        self._http: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        self._http = session(_CONNECTS_WITHIN, _ANSWERS_WITHIN)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._http.close()

    async def forward(self, request: Request) -> Response:
        """What the service answers that has the route; 404 if none has."""
        route = route_of(request.scope["path"])
        if route is None:
            raise HTTPException(404)
        service, prefix = route
        request.scope["route"] = SimpleNamespace(path_format=f"{prefix}/...")
        if "authorization" in request.headers:
            self._tokens.of(request)
        body = await request.body()
        if len(body) > _LARGEST_ELSEWHERE and _IMAGES not in request.scope["path"]:
            raise HTTPException(413)
        return await self.ask(service, request, body)

    async def ask(self, service: str, request: Request, body: bytes = b"", path: str | None = None) -> Response:
        """What the service answers, at another `path` if there is one."""
        url = self._url(service, path or _target(request))
        try:
            async with self._http.request(
                request.method, url, headers=_passed_on(request), data=body or None, allow_redirects=False
            ) as answer:
                content = await answer.read()
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise StorageUnavailableError(f"the service of {service} is not there: {type(error).__name__}") from None
        except (aiohttp.ClientError, TimeoutError) as error:
            if request.method in _REPEATABLE:
                raise StorageUnavailableError(f"the service of {service} did not answer") from None
            raise OutcomeUnknownError(f"the service of {service} did not answer: {type(error).__name__}") from None
        response = Response(content, answer.status)
        response.raw_headers += _passed_back(answer.raw_headers)
        return response

    async def read(self, service: str, path: str) -> tuple[int, Any]:
        """The status and the JSON that the service answers to the gateway itself."""
        try:
            async with self._http.get(self._url(service, path)) as answer:
                return answer.status, await answer.json()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise StorageUnavailableError(f"the service of {service} does not answer: {type(error).__name__}") from None

    def _url(self, service: str, target: str) -> URL:
        return URL(self._urls[variable_of(service)] + target, encoded=True)


def _target(request: Request) -> str:
    path: bytes = request.scope.get("raw_path") or quote(request.scope["path"]).encode()
    query: bytes = request.scope["query_string"]
    return (path + b"?" + query if query else path).decode("latin-1")


def _passed_on(request: Request) -> list[tuple[str, str]]:
    ours = {"x-request-id": request_id.get(), **outgoing()}
    if request.client is not None:
        ours["x-forwarded-for"] = request.client.host
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.scope["headers"]]
    return [*(pair for pair in headers if pair[0] not in _NOT_PASSED_ON and pair[0] not in ours), *ours.items()]


def _passed_back(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    lower = ((name.lower(), value) for name, value in headers)
    return [(name, value) for name, value in lower if name not in _NOT_PASSED_BACK]
