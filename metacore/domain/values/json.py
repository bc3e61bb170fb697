"""Open JSON objects as models: typed where the fields are known, and nothing of the JSON is lost."""

# Annotations are evaluated here: pydantic 2.11 looks up the one of __pydantic_extra__ in the modules of subclasses.

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    ConfigDict,
    ModelWrapValidatorHandler,
    PlainSerializer,
    PlainValidator,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError

from metacore.domain.values.amounts import parse_amount
from metacore.domain.values.frozen import FrozenDict, freeze_json, thaw_json
from metacore.domain.values.json_text import dump_json, load_json_object
from metacore.domain.values.model import Model
from metacore.domain.values.text import parse_text

_NO_EXTRA = FrozenDict()
_set = object.__setattr__


def _parse_number(value: object) -> int | Decimal:
    if type(value) is int and -(2**63) <= value < 2**63:
        return value
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("must be a number: an int or a Decimal, never text, true, false or a float")
    parse_amount(value)
    number: int | Decimal = freeze_json(value)
    return number


Number = Annotated[int | Decimal, PlainValidator(_parse_number), PlainSerializer(thaw_json, when_used="json")]
"""A number of its JSON type: an int of 64 bits, or a Decimal of at most 38 digits before the point and 36 after it."""

JsonValue = Annotated[Any, PlainValidator(freeze_json), PlainSerializer(thaw_json, when_used="json")]
"""Any JSON, frozen all the way down."""


class JsonObject(Model):
    """A model that is a JSON object and nothing else.

    Unknown keys are kept (`model_extra`), and so is the order of the keys. A key that the JSON lacks reads as None
    and stays absent: `present` tells it from null. `model_validate_json` and `model_dump_json` are exact; pydantic's
    `model_dump(mode="json")` gives numbers with a point as floats, or as text where no float is equal.
    """

    model_config = ConfigDict(extra="allow")

    __pydantic_extra__: dict[str, JsonValue]  # pyright: ignore[reportIncompatibleVariableOverride]

    @model_validator(mode="wrap")
    @classmethod
    def _keep_all(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        self = handler(value)
        if self is value:
            return self
        extra = self.__pydantic_extra__
        if not extra and tuple(value) == tuple(self.__dict__):
            # All its fields, as declared, as is usual.
            _set(self, "__pydantic_extra__", _NO_EXTRA)
            return self
        for name in extra:
            parse_text(name)
        return self._assemble(dict(self.__dict__), self.__pydantic_fields_set__, extra, tuple(value))

    def _assemble(
        self, values: dict[str, Any], fields_set: set[str], extra: Mapping[str, Any], key_order: Sequence[str] | None
    ) -> Self:
        if key_order is not None:
            values = {name: values[name] for name in key_order if name in values} | values
        _set(self, "__dict__", values)
        _set(self, "__pydantic_fields_set__", fields_set)
        _set(self, "__pydantic_extra__", FrozenDict(extra) if extra else _NO_EXTRA)
        _set(self, "__pydantic_private__", None)
        # The two dicts have the order, unless fields and unknown keys alternate.
        if extra and key_order is not None and self.present != tuple(key_order):
            _set(self, "__pydantic_private__", {"present": tuple(key_order)})
        return self

    @property
    def present(self) -> tuple[str, ...]:
        """The keys of the JSON, in their order."""
        if self.__pydantic_private__ is not None:
            present: tuple[str, ...] = self.__pydantic_private__["present"]
            return present
        fields_set = self.__pydantic_fields_set__
        return (*(name for name in self.__dict__ if name in fields_set), *(self.__pydantic_extra__ or ()))

    @property
    def key_order(self) -> tuple[str, ...] | None:
        """Its keys in their order; None where the fields come as declared, and the unknown keys after them."""
        if self.__pydantic_private__ is None and tuple(self.__dict__) == _field_order(type(self)):
            return None
        fields_set, present = self.__pydantic_fields_set__, self.present
        usual = (*(name for name in type(self).model_fields if name in fields_set), *(self.__pydantic_extra__ or ()))
        return None if present == usual else present

    def content(self) -> dict[str, Any]:
        """Its keys and values in their order, one level deep."""
        values, extra = self.__dict__, self.__pydantic_extra__
        if not extra:
            fields_set = self.__pydantic_fields_set__
            if len(fields_set) == len(values):
                return dict(values)
            return {name: value for name, value in values.items() if name in fields_set}
        return {name: values[name] if name in values else extra[name] for name in self.present}

    def to_json(self) -> dict[str, Any]:
        """Its content as new dicts and lists, numbers with a point as Decimals."""
        return {name: _thawed(value) for name, value in self.content().items()}

    def model_dump_json(self, **options: Any) -> str:
        """The exact JSON text; with any of pydantic's `options`, what pydantic makes of it."""
        if options:
            return super().model_dump_json(**options)
        try:
            return _ENCODER.encode(self)
        except _HasDecimalError:
            return dump_json(self.to_json())

    def canonical_json(self) -> str:
        """The exact JSON text with sorted keys: equal for equal content, whatever the order of the keys."""
        try:
            return _SORTING_ENCODER.encode(self)
        except _HasDecimalError:
            return dump_json(_sorted(self.to_json()))

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """The object that the JSON text says, exactly; ValidationError if it says none."""
        try:
            value = load_json_object(json_data)
        except ValueError as error:
            problem = PydanticCustomError("json_invalid", "{reason}", {"reason": str(error)})
        else:
            return cls.model_validate(value, **options)
        raise ValidationError.from_exception_data(
            cls.__name__, [{"type": problem, "loc": (), "input": None}], input_type="json", hide_input=True
        )

    def changed(self, **values: Any) -> Self:
        """A copy with these `values`, checked, and with all that it had besides."""
        return type(self).model_validate({**self.content(), **values}) if values else self

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:  # noqa: ARG002
        """The same as `changed`."""
        return self.changed(**(update or {}))

    @model_serializer(mode="wrap")
    def _leave_out_absent(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        dumped = handler(self)
        return {name: dumped[name] for name in self.present if name in dumped}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, JsonObject) and type(other) is type(self) and self.content() == other.content()

    def __hash__(self) -> int:
        return hash(frozenset(self.content().items()))


J = TypeVar("J", bound=JsonObject)


def unchecked_object(
    model: type[J],
    values: dict[str, Any],
    fields_set: set[str] | None,
    extra: Mapping[str, Any],
    key_order: Sequence[str] | None,
) -> J:
    """The object of these `values` of all fields, as declared, and `extra` keys, all valid and frozen already.

    `fields_set` are the keys that it has, None for all fields; the others' values are None. `values` belongs to the
    object from then on. See `JsonObject.key_order`.
    """
    return model.__new__(model)._assemble(
        values, _field_names(model) if fields_set is None else fields_set, extra, key_order
    )


def _thawed(value: Any) -> Any:
    if isinstance(value, JsonObject):
        return value.to_json()
    if isinstance(value, tuple):
        return [_thawed(item) for item in value]
    return {key: _thawed(item) for key, item in value.items()} if isinstance(value, Mapping) else value


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


class _HasDecimalError(Exception):
    """The encoder of the standard library, which is fast, writes no Decimals."""


def _content(value: Any) -> dict[str, Any]:
    if isinstance(value, JsonObject):
        return value.content()
    raise _HasDecimalError


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_content)
_SORTING_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=_content)


@cache
def _field_order(model: type[JsonObject]) -> tuple[str, ...]:
    return tuple(model.model_fields)


@cache
def _field_names(model: type[JsonObject]) -> set[str]:
    return set(model.model_fields)
