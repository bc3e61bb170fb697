"""The other services, where an answer is needed at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Self
from uuid import UUID

import httpx

from common.access_tokens import AccessTokens, Claims
from marketplace.callers import Role
from marketplace.names import variable_of
from metacore import StorageUnavailableError

_TIMEOUT = 3.0
_RENEW = timedelta(minutes=1)
_NOBODY = UUID(int=0)


class Peers:
    """Asks other services in the name of this one."""

    def __init__(self, urls: Mapping[str, str], tokens: AccessTokens, now: Callable[[], datetime]) -> None:
        self._urls, self._tokens, self._now = urls, tokens, now
        self._http = httpx.AsyncClient(timeout=_TIMEOUT, limits=httpx.Limits(max_connections=200))
        self._token, self._renew_at = "", now()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._http.aclose()

    async def ask(
        self, service: str, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """What it answers, an error of the caller's too; StorageUnavailableError if it does not, or by a 5xx."""
        sent = {"authorization": f"Bearer {self._own_token()}", **(headers or {})}
        try:
            answer = await self._http.request(method, self._urls[variable_of(service)] + path, json=body, headers=sent)
        except httpx.HTTPError as error:
            raise StorageUnavailableError(f"{service} does not answer: {type(error).__name__}") from None
        if answer.is_server_error:
            raise StorageUnavailableError(f"{service} answers {answer.status_code}")
        return answer

    def _own_token(self) -> str:
        now = self._now()
        if now >= self._renew_at:
            self._token = self._tokens.issue(Claims(_NOBODY, _NOBODY, frozenset({Role.SERVICE})), now)
            self._renew_at = now + _RENEW
        return self._token
