"""Tokens: the id of a user, the id of a session, and the secret that proves it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from typing import Any, NoReturn
from uuid import UUID

from pydantic import SecretStr

from metacore.domain.values.secrets import MASK, Secret, hide
from metacore.errors import TokenError

SECRET_LENGTH = 32

_TOKEN = re.compile(r"([0-9a-f]{32})\.([0-9a-f]{32})\.([A-Za-z0-9_-]{43})", re.ASCII)


class TokenSecret:
    """The secret of a token: 32 bytes that nothing but a token of it shows."""

    __slots__ = ("__secret",)

    __secret: bytes

    def __init__(self, secret: bytes) -> None:
        object.__setattr__(self, "_TokenSecret__secret", secret)

    def hashed(self) -> bytes:
        """What is stored in its place: its SHA-256. It is random, so that no slow hash is needed."""
        return hashlib.sha256(self.__secret).digest()

    def successor(self, nonce: bytes) -> TokenSecret:
        """The secret that takes its place, and the only one that this nonce makes of it."""
        return TokenSecret(hmac.digest(self.__secret, nonce, "sha256"))

    def token(self, user_id: UUID, session_id: UUID) -> Secret:
        """The token of a session whose secret it is."""
        text = base64.urlsafe_b64encode(self.__secret).decode("ascii").rstrip("=")
        return Secret(f"{user_id.hex}.{session_id.hex}.{text}")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({MASK!r})"

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a secret cannot change; make a new one")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a pickle would hold the secret in the clear")

    __reduce__ = __getstate__ = __reduce_ex__  # type: ignore[assignment]


class Token:
    """What a token tells: whose it is, of which session, and the secret."""

    __slots__ = ("secret", "session_id", "user_id")

    def __init__(self, user_id: UUID, session_id: UUID, secret: TokenSecret) -> None:
        self.user_id, self.session_id, self.secret = user_id, session_id, secret


def parse_token(token: Any) -> Token:
    """What `token`, text or a secret, tells; TokenError, which does not repeat it, if it is none.

    One token has one form: ids of 32 digits, and Base64 without padding or bits to spare.
    """
    token = hide(token)
    found = _TOKEN.fullmatch(token.get_secret_value()) if isinstance(token, SecretStr) else None
    parsed = None if found is None else _parse(*map(hide, found.groups()))
    del found
    if parsed is None:
        raise TokenError("UNKNOWN")
    return parsed


def _parse(user_id: Any, session_id: Any, secret: Any) -> Token | None:
    try:
        decoded = TokenSecret(base64.urlsafe_b64decode(f"{secret.get_secret_value()}="))
    except (ValueError, binascii.Error):
        return None
    ids = UUID(user_id.get_secret_value()), UUID(session_id.get_secret_value())
    parsed = Token(*ids, decoded)
    is_canonical = decoded.token(*ids).get_secret_value().endswith(f".{secret.get_secret_value()}")
    return parsed if is_canonical else None
