"""The base of every model: frozen, strict about what it does not know, silent about its input in errors."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from metacore.errors import InvalidDataError

M = TypeVar("M", bound="Model")

# The slots of a model, written directly: half the cost of `object.__setattr__` by name.
_set_values, _set_given, _set_extra, _set_private = (
    BaseModel.__dict__[slot].__set__
    for slot in ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")
)


class Model(BaseModel):
    """A value: frozen, compared by its fields. Construction raises pydantic's ValidationError on bad input."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=False)

    @classmethod
    def trusted(cls, values: dict[str, Any]) -> Self:
        """An instance of exactly these, complete and already valid, `values`: what a storage reads back.

        An order of magnitude cheaper than validation; `values` belongs to the instance from then on.
        """
        self = object.__new__(cls)
        _set_values(self, values)
        _set_given(self, _field_names(cls))
        _set_extra(self, None)
        _set_private(self, None)
        return self

    @property
    def model_fields_set(self) -> set[str]:
        """The fields that were given, as a new set: pydantic's own is shared by what a storage reads."""
        return set(self.__pydantic_fields_set__)

    def changed(self, **values: Any) -> Self:
        """A copy with these, already valid, `values`."""
        return type(self).trusted({**self.__dict__, **values})

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:  # noqa: ARG002
        """A copy with the values of `update`, checked as at construction; pydantic's own takes whatever it is given."""
        if not update:
            return self
        copy = self.model_validate({**self.__dict__, **update})
        _set_given(copy, {*self.__pydantic_fields_set__, *update})
        return copy

    def fields(self) -> dict[str, Any]:
        """Its fields as a new dict, one level deep."""
        return dict(self.__dict__)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), frozenset(self.__dict__.items())))


@cache
def _field_names(model: type[Model]) -> set[str]:
    return set(model.model_fields)


def invalid_data(error: ValidationError, *, within: str = "", raw: bytes | None = None) -> InvalidDataError:
    """The typed error that says the same as pydantic's, without the input; raise it `from None`."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    path = ".".join(str(part) for part in first["loc"])
    field = ".".join(part for part in (within, path) if part)
    return InvalidDataError(first["msg"].removeprefix("Value error, "), field=field, raw=raw)


def build(model: type[M], values: Mapping[str, Any], *, within: str = "") -> M:
    """`model(**values)`, with an InvalidDataError instead of pydantic's error: for parsers."""
    try:
        return model(**values)
    except ValidationError as error:
        raise invalid_data(error, within=within) from None
