"""The base of every model: frozen, strict about what it does not know, silent about its input in errors."""

from __future__ import annotations

import ast
import inspect
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial
from itertools import pairwise, repeat
from textwrap import dedent
from typing import Any, Self, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, ValidationError
from pydantic_core import PydanticCustomError

from metacore.domain.meanings import meaning
from metacore.domain.values.frozen import exact_numbers, unmark_numbers
from metacore.domain.values.json_text import load_exactly
from metacore.errors import InvalidDataError

M = TypeVar("M", bound="Model")

_new: Callable[[Any], Any] = object.__new__
exhaust: Callable[[Iterable[object]], None] = deque[object](maxlen=0).extend
"""Takes all items, and keeps none: loops over many that call nothing of Python's own."""

# The slots of a model, written directly: half the cost of `object.__setattr__` by name.
_set_values, _set_fields_set, _set_extra, _set_private = (
    BaseModel.__dict__[slot].__set__
    for slot in ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")
)


class Model(BaseModel):
    """A value: frozen, compared by its fields. Construction raises pydantic's ValidationError on bad input."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=False)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The schema of the fields with what they mean, of a model too that leaves some of them out where it is
        serialized.
        """
        found = handler(_without_serializer(schema))
        for name, described in handler.resolve_ref_schema(found).get("properties", {}).items():
            if "description" not in described and (described_as := _meaning(cls, name)) is not None:
                described["description"] = described_as
        return found

    @property
    def model_fields_set(self) -> set[str]:
        """The fields that were given, as a new set: pydantic's own is shared by what a storage reads."""
        return set(self.__pydantic_fields_set__)

    def changed(self, **values: Any) -> Self:
        """A copy with these `values`, checked as at construction."""
        if not values:
            return self
        copy = self.model_validate({**self.__dict__, **values})
        _set_fields_set(copy, {*self.__pydantic_fields_set__, *values})
        return copy

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:  # noqa: ARG002
        """The same as `changed`; pydantic's own takes whatever it is given."""
        return self.changed(**(update or {}))

    def model_dump_json(self, **options: Any) -> str:
        """The JSON text, to the digit: numbers in `raw` are written as they are, not as floats."""
        with exact_numbers():
            text = super().model_dump_json(**options)
        return unmark_numbers(text)

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """The model that the JSON text says, numbers in `raw` to the digit; ValidationError if it says none."""
        if options.get("strict"):
            return super().model_validate_json(json_data, **options)
        try:
            value = load_exactly(json_data)
        except (ValueError, RecursionError):
            # Pydantic says best what is wrong with it.
            return super().model_validate_json(json_data, **options)
        return cls.model_validate(value, **options)

    def fields(self) -> dict[str, Any]:
        """Its fields as a new dict, one level deep."""
        return dict(self.__dict__)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), frozenset(self.__dict__.items())))


def _meaning(model: type[Model], field: str) -> str | None:
    """What `field` means: by the docstring below it, or by its name; None if nobody said."""
    for kind in model.__mro__:
        if (docstring := _docstrings(kind).get(field)) is not None:
            return docstring
    return meaning(tuple(kind.__name__ for kind in model.__mro__), field)


@cache
def _docstrings(model: type) -> dict[str, str]:
    """The docstrings below the fields of a class; read when a schema is asked for, since that takes long."""
    if not issubclass(model, Model):
        return {}
    try:
        (tree,) = ast.parse(dedent(inspect.getsource(model))).body
    except (OSError, TypeError, SyntaxError):
        return {}
    body = tree.body if isinstance(tree, ast.ClassDef) else []
    return {
        field.target.id: " ".join(docstring.value.value.split())
        for field, docstring in pairwise(body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(docstring, ast.Expr)
        and isinstance(docstring.value, ast.Constant)
        and isinstance(docstring.value.value, str)
    }


def _without_serializer(schema: Any) -> Any:
    if schema["type"] == "model":
        return {key: value for key, value in schema.items() if key != "serialization"}
    return schema | {"schema": _without_serializer(schema["schema"])} if "schema" in schema else schema


def unchecked(model: type[M], values: dict[str, Any]) -> M:
    """A `model` of exactly these, complete and already valid, `values`: what a storage reads back, a rule decides.

    An order of magnitude cheaper than validation; `values` belongs to the instance from then on. Only the names are
    looked at, and only where `__debug__` is: TypeError if one is missing or unknown.
    """
    if __debug__ and values.keys() != _FIELDS[model]:
        raise _wrong_names(model, values)
    return _assembled(model, values)


def revised(instance: M, **values: Any) -> M:
    """A copy of `instance` with these, already valid, `values`: as `unchecked` makes it."""
    model, revision = type(instance), instance.__dict__ | values
    # It has a value of each field, so that only a name more can be wrong.
    if __debug__ and len(revision) != len(_FIELDS[model]):
        raise _wrong_names(model, revision)
    return _assembled(model, revision)


def completed(instance: M, **values: Any) -> M:
    """`instance` itself with these, already valid, `values`: for who has made it, and shown it to nobody yet."""
    vars(instance).update(values)
    return instance


def unchecked_maker(model: type[M], names: Iterable[str]) -> Callable[[dict[str, Any]], M]:
    """What makes a `model` as `unchecked` does, of values that all have these `names`, which are looked at once."""
    if (fixed := set(names)) != _FIELDS[model]:
        raise _wrong_names(model, fixed)
    return partial(_assembled, model)


def unchecked_makers(model: type[M], names: Iterable[str]) -> Callable[[Sequence[dict[str, Any]]], list[M]]:
    """The same for many at once."""
    unchecked_maker(model, names)
    return partial(_all_assembled, model)


def _all_assembled(model: type[M], values: Sequence[dict[str, Any]]) -> list[M]:
    made: list[M] = list(map(_new, repeat(model, len(values))))
    exhaust(map(_set_values, made, values))
    exhaust(map(_set_fields_set, made, repeat(_FIELDS[model])))
    exhaust(map(_set_extra, made, repeat(None)))
    exhaust(map(_set_private, made, repeat(None)))
    return made


def _assembled(model: type[M], values: dict[str, Any]) -> M:
    self: M = _new(model)
    _set_values(self, values)
    _set_fields_set(self, _FIELDS[model])
    _set_extra(self, None)
    _set_private(self, None)
    return self


def _wrong_names(model: type[Model], keys: Iterable[str]) -> TypeError:
    names, found = _FIELDS[model], set(keys)
    missing, unknown = sorted(names - found), sorted(found - names)
    return TypeError(f"{model.__name__} needs a value of each field and no others: {missing=}, {unknown=}")


class _Fields(dict[type[Model], set[str]]):
    """The names of the fields of each model, looked up without a call."""

    def __missing__(self, model: type[Model]) -> set[str]:
        self[model] = names = set(model.model_fields)
        return names


_FIELDS = _Fields()


def across(reason: str, *fields: str) -> PydanticCustomError:
    """The error of `fields` together, for a model's validator to raise: it names them, as `fields` of its context."""
    return PydanticCustomError("fields", "{reason}", {"reason": reason, "fields": list(fields)})


def invalid_data(error: ValidationError, *, within: str = "", raw: bytes | None = None) -> InvalidDataError:
    """The typed error that says the same as pydantic's, without the input; raise it `from None`."""
    first = error.errors(include_url=False, include_input=False)[0]
    together = ", ".join(first.get("ctx", {})["fields"]) if first["type"] == "fields" else ""
    field = ".".join(part for part in (within, *map(str, first["loc"]), together) if part)
    return InvalidDataError(first["msg"].removeprefix("Value error, "), field=field, raw=raw)


def build(model: type[M], values: Mapping[str, Any], *, within: str = "") -> M:
    """`model(**values)`, with an InvalidDataError instead of pydantic's error: for parsers."""
    try:
        return model(**values)
    except ValidationError as error:
        raise invalid_data(error, within=within) from None


def require_id(value: object, field: str) -> UUID:
    """`value`; InvalidDataError, naming `field`, if it is no UUID."""
    if not isinstance(value, UUID):
        raise InvalidDataError(f"it is a UUID, not {type(value).__name__}; pass it as that type", field=field)
    return value


def require_model(model: type[M], value: object, field: str) -> M:
    """`value`; InvalidDataError, naming `field`, if it is no `model`."""
    if not isinstance(value, model):
        raise InvalidDataError(f"it is {model.__name__}, not {type(value).__name__}; pass it as that type", field=field)
    return value


def require_models(model: type[M], values: object, field: str) -> tuple[M, ...]:
    """`values` as a tuple; InvalidDataError, naming `field`, if they are no iterable, or one of them is no `model`."""
    if isinstance(values, str | bytes | Model) or not isinstance(values, Iterable):
        raise InvalidDataError(f"it is an iterable of items, not {type(values).__name__}", field=field)
    return tuple(require_model(model, value, field) for value in values)
