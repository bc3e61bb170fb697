"""The other services, where an answer is needed at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Self, TypeVar
from uuid import UUID

import aiohttp
from pydantic import BaseModel, ValidationError
from yarl import URL

from common.access_tokens import AccessTokens, Claims
from common.http_client import session
from common.logs import request_id
from common.tracing import outgoing
from marketplace.callers import Role
from marketplace.names import variable_of
from metacore import StorageUnavailableError

M = TypeVar("M", bound=BaseModel)

_CONNECTS_WITHIN, _ANSWERS_WITHIN = 1.0, 3.0
_RENEW = timedelta(minutes=1)
_NOBODY = UUID(int=0)


class Peers:
    """Asks other services in the name of this one."""

    def __init__(self, urls: Mapping[str, str], tokens: AccessTokens, now: Callable[[], datetime]) -> None:
        self._urls, self._tokens, self._now = urls, tokens, now
        self._http: aiohttp.ClientSession
        self._token, self._renew_at = "", now()

    async def __aenter__(self) -> Self:
        self._http = session(_CONNECTS_WITHIN, _ANSWERS_WITHIN)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._http.close()

    async def ask(self, service: str, path: str, request: BaseModel, kind: type[M]) -> M:
        """What it answers to the request; StorageUnavailableError if it does not, or by an error."""
        headers = {
            "authorization": f"Bearer {self._own_token()}",
            "content-type": "application/json",
            "x-request-id": request_id.get(),
            **outgoing(),
        }
        url = URL(self._urls[variable_of(service)] + path, encoded=True)
        body = request.model_dump_json().encode()
        try:
            async with self._http.post(url, data=body, headers=headers) as response:
                content = await response.read()
            if response.ok:
                return kind.model_validate_json(content)
        except (aiohttp.ClientError, TimeoutError, ValidationError) as error:
            raise StorageUnavailableError(f"{service} does not answer: {type(error).__name__}") from None
        raise StorageUnavailableError(f"{service} answers {response.status}")

    def _own_token(self) -> str:
        now = self._now()
        if now >= self._renew_at:
            self._token = self._tokens.issue(Claims(_NOBODY, _NOBODY, frozenset({Role.SERVICE})), now)
            self._renew_at = now + _RENEW
        return self._token
