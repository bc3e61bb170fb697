"""Passwords: which texts are some, and when two are one."""

from __future__ import annotations

import unicodedata
from typing import Any

from pydantic import SecretStr

from metacore.domain.values.secrets import Secret, hide
from metacore.errors import InvalidDataError

LEAST_CHARACTERS = 8
MOST_BYTES = 1024
"""Of UTF-8, as it is given: a sentence fits, and nobody has the service hash megabytes."""


def parse_password(value: Any, field: str = "password") -> Secret:
    """The password that `value`, text or a secret, is; InvalidDataError, which does not repeat it, if it is none.

    It is normalised by NFKC, as NIST SP 800-63B has it, so that a keyboard that composes letters otherwise types the
    same one; nothing is trimmed, folded or cut. Then it has at least eight characters, of whatever kind.
    """
    password, flaw = _parse(hide(value))
    if password is None:
        raise InvalidDataError(flaw, field=field)
    return password


def _parse(value: Any) -> tuple[Secret | None, str]:
    """The password, or what is wrong. Told, not raised: an error from here would have the text in its frame."""
    if not isinstance(value, SecretStr):
        return None, "a password is text"
    text = value.get_secret_value()
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return None, "text must not contain lone surrogates"
    if size > MOST_BYTES:
        return None, f"a password has at most {MOST_BYTES} bytes of UTF-8"
    text = unicodedata.normalize("NFKC", text)
    if len(text) < LEAST_CHARACTERS:
        return None, f"a password has at least {LEAST_CHARACTERS} characters"
    return Secret(text), ""
