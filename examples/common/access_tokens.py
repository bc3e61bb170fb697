"""Access tokens: short-lived and signed, so that whoever has the key knows whose they are without asking anybody."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Annotated
from uuid import UUID

import jwt
from cachetools import LRUCache
from fastapi import Depends
from jwt.algorithms import HMACAlgorithm
from pydantic import SecretStr
from starlette.requests import HTTPConnection

from common.problems import UnauthorizedError
from metacore import ConfigurationError

LEAST_KEY = 32
"""Bytes, of HMAC-SHA256."""
LARGEST = 4096
_ALGORITHM = "HS256"
_REQUIRED = ["exp", "iat", "iss", "sub", "sid"]
_SCHEME = "bearer"
_KEPT = 4096
_OVER = "the time of the access token is over; refresh it"
_WORTHLESS = "the access token is worth nothing"


@dataclass(frozen=True, slots=True)
class Claims:
    """What an access token says."""

    user_id: UUID
    session_id: UUID
    roles: frozenset[str] = frozenset()


class _Hmac(HMACAlgorithm):
    """HMAC-SHA256 that looks at a key once, not for each token: whether it is one of another kind takes a third of the
    time of a signature.
    """

    def __init__(self) -> None:
        super().__init__(HMACAlgorithm.SHA256)
        self._prepared = lru_cache(1)(super().prepare_key)

    def prepare_key(self, key: str | bytes) -> bytes:
        """The key, as it is taken."""
        return self._prepared(key)


class AccessTokens:
    """Issues and verifies the access tokens of one `system`. A token of another system, or by another key, is none."""

    def __init__(self, system: str, key: SecretStr, lifetime: timedelta = timedelta(minutes=5)) -> None:
        if len(key.get_secret_value().encode()) < LEAST_KEY:
            raise ConfigurationError(f"it has at least {LEAST_KEY} bytes", setting="access_key")
        self._system, self._key, self._lifetime = system, key, lifetime
        self._signer = jwt.PyJWS()
        self._signer.unregister_algorithm(_ALGORITHM)
        self._signer.register_algorithm(_ALGORITHM, _Hmac())
        # Who asks asks often: measured, to prove it anew each time is a quarter of what a gateway does for a request.
        self._proven: LRUCache[str, tuple[Claims, int]] = LRUCache(_KEPT)

    def issue(self, claims: Claims, now: datetime) -> str:
        """A token that says so until its lifetime from `now` is over."""
        payload = {
            "iss": self._system,
            "sub": claims.user_id.hex,
            "sid": claims.session_id.hex,
            "roles": sorted(claims.roles),
            "iat": int(now.timestamp()),
            "exp": int((now + self._lifetime).timestamp()),
        }
        return self._signer.encode(json.dumps(payload).encode(), self._key.get_secret_value(), _ALGORITHM)

    def verify(self, token: str) -> Claims:
        """What the token says; UnauthorizedError if it is none of ours, was altered, or its time is over."""
        proven = self._proven.get(token)
        if proven is None:
            proven = self._proven[token] = self._prove(token)
        claims, ends_at = proven
        if ends_at <= time.time():
            raise UnauthorizedError(_OVER)
        return claims

    def _prove(self, token: str) -> tuple[Claims, int]:
        if len(token) > LARGEST:
            raise UnauthorizedError(_WORTHLESS)
        try:
            payload = jwt.decode(
                token,
                self._key.get_secret_value(),
                algorithms=[_ALGORITHM],
                issuer=self._system,
                options={"require": _REQUIRED},
            )
            return Claims(UUID(payload["sub"]), UUID(payload["sid"]), frozenset(payload.get("roles", ()))), int(
                payload["exp"]
            )
        except jwt.ExpiredSignatureError:
            raise UnauthorizedError(_OVER) from None
        except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError):
            raise UnauthorizedError(_WORTHLESS) from None

    def of(self, request: HTTPConnection) -> Claims:
        """What the token of a request's header says; UnauthorizedError if there is none, or it is worth nothing."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != _SCHEME or not token:
            raise UnauthorizedError("this needs an access token: `Authorization: Bearer ...`")
        return self.verify(token.strip())


async def _claims(request: HTTPConnection) -> Claims:
    # Were it not `async`, it would be called in another thread, at a price above that of all else that it does.
    tokens: AccessTokens = request.app.state.access_tokens
    return tokens.of(request)


SignedIn = Annotated[Claims, Depends(_claims)]
"""The argument of a route that only who is signed in may ask; its application has `state.access_tokens`."""
