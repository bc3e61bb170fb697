"""Symbols of what is held, and amounts by symbol."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from metacore.domain.values.amounts import parse_amount, parse_sum
from metacore.domain.values.frozen import FrozenDict
from metacore.domain.values.text import MAX_KEY_LENGTH, parse_text
from metacore.errors import InvalidDataError


def parse_symbol(value: object) -> str:
    """The symbol that `value` names, in lower case: "BTC", "Btc" and "btc" are one. ValueError if it names none."""
    if not isinstance(value, str):
        raise ValueError("a symbol is text")
    symbol = parse_text(value.lower())
    if not 1 <= len(symbol) <= MAX_KEY_LENGTH:
        raise ValueError(f"a symbol has 1 to {MAX_KEY_LENGTH} characters")
    return symbol


def parse_quantity(value: object) -> Decimal:
    """The amount that `value` says; ValueError if it says none, or a negative one."""
    quantity = parse_amount(value)
    if quantity < 0:
        raise ValueError("must not be negative")
    return quantity


def by_symbol(value: object, parse: Callable[[object], Any]) -> dict[str, Any]:
    """What `parse` makes of each value of a mapping by symbol; ValueError also if it names a symbol twice."""
    if not isinstance(value, Mapping):
        raise ValueError("must be a mapping of symbols")
    parsed = {parse_symbol(symbol): parse(item) for symbol, item in value.items()}
    if len(parsed) < len(value):
        raise ValueError("names a symbol twice: upper and lower case are the same")
    return parsed


def parsed(parse: Callable[[object], Any], value: object, field: str) -> Any:
    """`parse(value)`, with an InvalidDataError that names `field` instead of its ValueError."""
    try:
        return parse(value)
    except ValueError as error:
        raise InvalidDataError(str(error), field=field) from None


def plain_each(value: Mapping[str, Decimal]) -> dict[str, str]:
    """The decimals as strings, for JSON."""
    return {symbol: f"{amount:f}" for symbol, amount in value.items()}


def _parse_holdings(value: object) -> FrozenDict:
    holdings = by_symbol(value, parse_quantity)
    if not all(holdings.values()):
        raise ValueError("a quantity held is greater than zero; leave out what is not held")
    return FrozenDict(sorted(holdings.items()))


Symbol = Annotated[str, PlainValidator(parse_symbol)]
"""What is held, in lower case."""

Holdings = Annotated[FrozenDict, PlainValidator(_parse_holdings), PlainSerializer(plain_each, when_used="json")]
"""Quantities greater than zero, by symbol and in its order."""


def _frozen_sums(value: object) -> FrozenDict:
    if not isinstance(value, Mapping):
        raise ValueError("must be a mapping of amounts by asset")
    if not all(isinstance(asset, str) for asset in value):
        raise ValueError("an asset is text")
    return FrozenDict({parse_text(asset): parse_sum(amount) for asset, amount in value.items()})


SumsByAsset = Annotated[
    Mapping[str, Decimal],
    PlainValidator(_frozen_sums),
    PlainSerializer(plain_each, when_used="json"),
    WithJsonSchema({"type": "object", "additionalProperties": {"type": "string", "format": "decimal"}}),
]
"""A read-only mapping of what amounts add up to."""
