"""Credentials: what a user's requests to the exchange are signed with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn, Self

from pydantic import SecretStr, ValidationError, model_validator
from pydantic_core import InitErrorDetails, from_json

from metacore.domain.values.model import Model
from metacore.domain.values.secrets import Hidden, Secret, hide


class Credentials(Model):
    """A user's keys at the exchange, from text or `pydantic.SecretStr`; `passphrase` where the exchange has one.

    The texts are in no repr, no error, no dump and no JSON: only `get_secret_value()` of a field gives one away. So
    JSON made of credentials cannot be read back, and they refuse to be pickled.
    """

    api_key: Secret
    api_secret: Secret
    passphrase: Secret | None = None

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            api_key: str | SecretStr,
            api_secret: str | SecretStr,
            passphrase: str | SecretStr | None = None,
        ) -> None: ...

    else:

        def __init__(self, /, **values: Any) -> None:
            values = hide_all(values)
            super().__init__(**values)

    @model_validator(mode="before")
    @classmethod
    def _hide(cls, data: Any) -> Any:
        """The input as an error may hold it: `ValidationError.errors()` repeats what its message leaves out."""
        return hide_all(data)

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        """Credentials from a mapping."""
        obj = hide_all(obj)
        return super().model_validate(obj, **options)

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """Credentials from JSON; the ValidationError of a malformed text does not hold it."""
        data, flaw = _read(json_data)
        del json_data
        if flaw is not None:
            raise _error(cls, {"type": "json_invalid", "input": Hidden(), "ctx": {"error": flaw}})
        return super().model_validate(data, **options)

    @classmethod
    def model_construct(cls, _fields_set: set[str] | None = None, **values: Any) -> Self:  # type: ignore[override]
        """The same as construction: a text that has not become a secret would show."""
        return cls(**values)

    def changed(self, **values: Any) -> Self:
        """A copy with these `values`, checked."""
        values = hide_all({**self.__dict__, **values})
        return type(self)(**values)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:  # noqa: ARG002
        """The same as `changed`."""
        values: Any = hide_all(update or {})
        del update
        return self.changed(**values)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        value = Hidden()
        raise _error(type(self), {"type": "frozen_instance", "loc": (name,), "input": value})


def hide_all(data: Any) -> Any:
    """`data` as a frame of a traceback may hold it, whose variables a logger may print: its texts become secrets."""
    if data is None or isinstance(data, Credentials):
        return data
    return {name: hide(value) for name, value in data.items()} if isinstance(data, Mapping) else Hidden()


def _read(json_data: str | bytes | bytearray) -> tuple[Any, str | None]:
    """The hidden value that the JSON says, or what is wrong with it."""
    try:
        return hide_all(from_json(json_data)), None
    except ValueError as error:
        return None, str(error)


def _error(model: type[Credentials], details: InitErrorDetails) -> ValidationError:
    return ValidationError.from_exception_data(model.__name__, [details], hide_input=True)
