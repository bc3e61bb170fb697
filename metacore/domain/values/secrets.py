"""Secrets: text that shows itself only to who asks for it."""

from __future__ import annotations

import hmac
from typing import Any, NoReturn

from pydantic import GetCoreSchemaHandler, SecretStr
from pydantic_core import core_schema

MASK = "**********"
MAX_SECRET_LENGTH = 4096


class Secret(SecretStr):
    """A `pydantic.SecretStr`, but stricter: nothing but `get_secret_value()` gives the text away.

    In repr, str, f-strings and JSON every secret looks the same. It has no length, cannot change, compares in constant
    time and refuses to be pickled.
    """

    __slots__ = ("__text",)

    __text: str

    def __init__(self, secret_value: str) -> None:
        if not isinstance(secret_value, str):
            raise TypeError("a secret is text")
        object.__setattr__(self, "_Secret__text", secret_value)

    def get_secret_value(self) -> str:
        """The text itself. Call it where the text is used, and keep no name on what it returns."""
        return self.__text

    def _encoded(self) -> bytes:
        return self.__text.encode("utf-8", "surrogatepass")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._encoded(), other._encoded())

    def __hash__(self) -> int:
        return hash((Secret, self.__text))

    def _display(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __len__(self) -> NoReturn:
        raise TypeError("the length of a secret is not told")

    def __bool__(self) -> bool:
        return True

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a secret cannot change; make a new one")

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a pickle would hold the secret in the clear; pass the user's id and read the secret there")

    __reduce__ = __getstate__ = __reduce_ex__  # type: ignore[assignment]

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[Any], handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        # Hidden before it is looked at: an error repeats the input of the validator that fails.
        return core_schema.no_info_before_validator_function(
            hide,
            core_schema.no_info_plain_validator_function(parse_secret),
            serialization=core_schema.plain_serializer_function_ser_schema(_mask, when_used="json"),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> dict[str, Any]:
        return {"type": "string", "format": "password", "writeOnly": True}


class Hidden:
    """Stands in an error for what is not shown."""

    def __repr__(self) -> str:
        return "<hidden>"


def hide(value: object) -> object:
    """`value` as a frame of a traceback may hold it, whose variables a logger may print: text becomes a secret."""
    if value is None or isinstance(value, SecretStr):
        return value
    return Secret(value) if isinstance(value, str) else Hidden()


def parse_secret(value: object) -> Secret:
    """The secret that `value`, text or another secret, is.

    A ValueError, which does not repeat it, if it is empty, longer than 4,096 characters, holds NUL or a lone surrogate,
    or is the mask itself: JSON written from a secret does not hold the secret.
    """
    value = hide(value)
    if not isinstance(value, SecretStr):
        raise ValueError("a secret is text")
    if flaw := _flaw(value.get_secret_value()):
        raise ValueError(flaw)
    return value if type(value) is Secret else Secret(value.get_secret_value())


def _flaw(text: str) -> str | None:
    """What is wrong with `text`. Told, not raised: an error from here would have the text in its frame or context."""
    if not 1 <= len(text) <= MAX_SECRET_LENGTH:
        return f"a secret has 1 to {MAX_SECRET_LENGTH} characters"
    if text == MASK:
        return "this is the mask that is shown instead of a secret, not the secret"
    if "\0" in text:
        return "text must not contain NUL"
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        return "text must not contain lone surrogates"
    return None


def _mask(_: Secret) -> str:
    return MASK
