"""The contract of arguments: a wrong type is told by the field, and changes nothing."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, Union, cast, get_args, get_origin
from uuid import UUID

import pytest

from metacore.domain.commerce.order_records import OrderRecord
from metacore.domain.market.bars import BarPart
from metacore.domain.messages.dead_letters import DeadLetter
from metacore.domain.messages.events import NewEvent
from metacore.domain.people.sessions import NewSession
from metacore.domain.people.users import NewUser, UserPatch
from metacore.domain.trading.balances import BalanceDelta, EntryFilter
from metacore.domain.trading.decisions import Changes, Selection
from metacore.domain.trading.order_ids import OrderIds
from metacore.domain.trading.order_updates import NewOrderUpdate
from metacore.domain.trading.orders import NewOrder, OrderFilter
from metacore.domain.trading.trades import NewTrade, TradeFilter
from metacore.errors import InvalidDataError
from metacore.sync.storage.storage import Storage
from metacore.sync.storage.storages import STORAGES
from metacore.testing.cases import each_case
from metacore.testing.contract.base import Contract
from metacore.testing.contract.samples import NOBODY

WRONG: dict[Any, tuple[Any, ...]] = {
    UUID: (str(NOBODY), NOBODY.hex, NOBODY.bytes, 1, None, (NOBODY,)),
    str: (1, b"text", NOBODY, None, ["text"]),
    int: ("1", 1.5, True, None, b"1"),
    bool: (0, 1, "yes", None),
    datetime: ("2026-01-01T00:00:00Z", 0, None),
}
"""What is not of a type, though it may look so."""

RIGHT: dict[Any, Any] = {
    UUID: NOBODY,
    str: "text",
    int: 1,
    bool: False,
    datetime: datetime(2026, 1, 1, tzinfo=UTC),
    timedelta: timedelta(seconds=1),
    bytes: bytes(32),
    Iterable[str]: ["text"],
    Mapping[tuple[str, str], int]: {("text", "text"): 1},
}

MODELS = (
    *(NewUser, UserPatch, NewOrder, OrderFilter, NewTrade, TradeFilter),
    *(NewOrderUpdate, BalanceDelta, EntryFilter, OrderRecord, DeadLetter, NewEvent, NewSession, BarPart),
)
PARTS = ("user_id", "asset", "id", "topic", "key", "seq")
"""What keys are made of; an error may name the part."""
OWN_RULES = frozenset({"credentials", "api_key", "free", "locked", "quantity", "delta", "symbol", "balances"})
"""What operations read from more than one form, by a rule of their own."""


def parameters() -> Iterator[tuple[str, tuple[str, str, str, dict[str, Any]]]]:
    """Each parameter of each operation that is an id, a text, a number, a flag or a model, or several of them."""
    for storage, protocol in STORAGES.items():
        for method, function in inspect.getmembers(protocol, inspect.isfunction):
            types = inspect.get_annotations(function, eval_str=True)
            names = [name for name in inspect.signature(function).parameters if name != "self"]
            for name in names:
                if not method.startswith("_") and name not in OWN_RULES:
                    yield f"{storage}.{method}.{name}", (storage, method, name, types)


def kinds_of(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (UnionType, Union) else (annotation,)


def wrong_values(annotation: Any) -> list[Any]:
    kinds = kinds_of(annotation)
    if get_origin(annotation) is Iterable:
        (item,) = get_args(annotation)
        if get_origin(item) is tuple:
            kinds, right = get_args(item), tuple(map(_right, get_args(item)))
            keys = [
                (*right[:place], wrong, *right[place + 1 :])
                for place, kind in enumerate(kinds)
                for wrong in WRONG[kind]
            ]
            return [*([key] for key in keys), [NOBODY], [(NOBODY,)], "text", 1, None]
        if item in WRONG:
            return [*([wrong] for wrong in WRONG[item]), "text", 1, None]
        return [[None], ["text"], [{}], "text", 1, None]
    if get_origin(annotation) is Mapping:
        return [{("text", "text"): "1"}, {"text": 1}, [("text", "text")], "text", 1, None]
    types = [kind for kind in kinds if kind is not NoneType]
    wrongs = [wrong for kind in types for wrong in WRONG.get(kind, ("text", 1, {}, None))]
    if len(types) > 1:
        wrongs = [wrong for wrong in wrongs if type(wrong) not in types]
    return [wrong for wrong in wrongs if not (wrong is None and NoneType in kinds)]


def _right(annotation: Any) -> Any:
    return RIGHT.get(annotation, RIGHT.get(kinds_of(annotation)[0]))


class ArgumentContract(Contract):
    """Of the arguments of every operation."""

    @each_case(("name", "method", "parameter", "types"), dict(parameters()))
    def test_the_error_names_the_argument_of_a_wrong_type(
        self, storage: Storage, name: str, method: str, parameter: str, types: dict[str, Any]
    ) -> None:
        operation = getattr(getattr(storage, name), method)
        right = {
            other: _right(types[other])
            for other in types
            if other not in (parameter, "return") and (types[other] in RIGHT or kinds_of(types[other])[0] in RIGHT)
        }
        for wrong in wrong_values(types[parameter]):
            with pytest.raises(InvalidDataError) as error:
                result = operation(**{**right, parameter: wrong, **_others(types, parameter, right)})
                if isinstance(result, Iterator):
                    next(result)
            assert error.value.field in (parameter, *PARTS), (wrong, error.value.field)

    def test_what_a_decision_rests_on_is_named_by_ids(self, storage: Storage) -> None:
        values: tuple[Any, ...] = (str(NOBODY), 1, None)
        for wrong in values:
            for selection in (
                Selection(users=frozenset({wrong})),
                Selection(orders=((wrong, OrderIds(NOBODY)),)),
                *([] if wrong is None else [Selection(orders=((NOBODY, OrderIds(wrong)),))]),
            ):
                with pytest.raises(InvalidDataError) as error, storage.transaction() as tx:
                    tx.load(selection)
                assert error.value.field in ("user_id", "order_id")
            with pytest.raises(InvalidDataError), storage.transaction() as tx:
                tx.save(cast("Changes", wrong))
        with storage.transaction() as tx:
            tx.save(Changes())


def _others(types: dict[str, Any], parameter: str, right: dict[str, Any]) -> dict[str, Any]:
    """An instance, made without its fields, of each model that is wanted beside the parameter."""
    others = {}
    for other, annotation in types.items():
        kind = kinds_of(annotation)[0]
        if other in (parameter, "return", *right):
            continue
        if kind in MODELS:
            others[other] = kind.model_construct()
        elif isinstance(kind, type) and issubclass(kind, StrEnum):
            others[other] = next(iter(kind))
        elif NoneType in kinds_of(annotation):
            others[other] = None
    return others
