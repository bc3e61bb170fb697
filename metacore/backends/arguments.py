"""Arguments of operations: a wrong type is an InvalidDataError that names it, in every backend alike."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from functools import partial
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin
from uuid import UUID

from metacore.backends.normal_names import NormalNames
from metacore.domain.people.users import NewUser, UserPatch
from metacore.domain.trading.balances import AccountBalance
from metacore.domain.trading.decisions import Changes, Selection
from metacore.domain.values.model import Model, require_id
from metacore.errors import InvalidDataError

Check = Callable[[Any], Any]
"""Gives an argument back, or what checks its items when they are taken; InvalidDataError if it has a wrong type."""

_WORDS = {UUID: "a UUID", str: "text", int: "a whole number", bool: "true or false", datetime: "an aware datetime"}
_OWN = (AccountBalance,)
"""What a storage reads by its own rule, from more than one form."""


class Arguments:
    """The parameters of an operation, as its protocol declares them."""

    def __init__(self, function: Callable[..., Any]) -> None:
        types = inspect.get_annotations(function, eval_str=True)
        names = [name for name in inspect.signature(function).parameters if name != "self"]
        self._checks = [_check(name, types.get(name)) for name in names]
        self.passing: set[tuple[type, ...]] = set()
        """The types of positional arguments that have passed, and pass as they are, whatever their values."""
        self.returned = types.get("return")
        self._by_name = {name: check for name, check in zip(names, self._checks, strict=True) if check is not None}
        self._naming = {name: place for place, name in enumerate(names) if _is_naming(name, types.get(name))}

    def normal(self, args: tuple[Any, ...], named: dict[str, Any], names: NormalNames) -> tuple[Any, ...]:
        """The positional `args`, names of users in their normal form; those that are `named` are changed in place."""
        positional = list(args)
        for name, place in self._naming.items():
            if name in named:
                named[name] = _normal(name, named[name], names)
            elif place < len(positional):
                positional[place] = _normal(name, positional[place], names)
        return tuple(positional)

    def checked(self, args: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
        """The positional `args`, checked; those that are `named` are checked in place."""
        for name in named:
            if (check := self._by_name.get(name)) is not None:
                named[name] = check(named[name])
        checks = self._checks[: len(args)]
        positional = [value if check is None else check(value) for check, value in zip(checks, args, strict=False)]
        if all(map(_looks_at_types, checks)):
            self.passing.add(tuple(map(type, args)))
        return (*positional, *args[len(checks) :])


def require_ids(selection: Selection) -> None:
    """InvalidDataError if it is no selection, or a user or an order is selected by what is no id."""
    _require("selection", (Selection,), selection)
    for user_id in selection.users:
        require_id(user_id, "user_id")
    for user_id, ids in selection.orders:
        require_id(user_id, "user_id")
        _require("order_id", (UUID, NoneType), ids.order_id)


def require_changes(changes: Changes) -> None:
    """InvalidDataError if what is to be saved is no set of changes."""
    _require("changes", (Changes,), changes)


def _looks_at_types(check: Check | None) -> bool:
    """Whether the check looks at nothing but the type, and changes nothing."""
    return check is None or (isinstance(check, partial) and check.func is _require)


def _check(name: str, annotation: Any) -> Check | None:
    """The check of the parameter `name`; None where the operation reads it by its own rule."""
    kinds = get_args(annotation) if get_origin(annotation) in (UnionType, Union) else (annotation,)
    enums = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, StrEnum)]
    if enums and set(kinds) <= {enums[0], NoneType}:
        return partial(_name, name, enums[0], NoneType in kinds)
    if all(kind in _WORDS or kind is NoneType or _is_model(kind) for kind in kinds):
        return partial(_require, name, kinds)
    if get_origin(annotation) is Iterable:
        (item,) = get_args(annotation)
        if get_origin(item) is tuple and UUID in get_args(item):
            return partial(_keys, name, get_args(item))
        if _is_model(item):
            return partial(_items, name, item)
    return None


def _is_naming(name: str, annotation: Any) -> bool:
    """Whether the parameter `name` names a user, or gives one a name."""
    return annotation in (NewUser, UserPatch) or (annotation is str and name in ("username", "email"))


def _normal(name: str, value: Any, names: NormalNames) -> Any:
    if isinstance(value, NewUser):
        return names.of(value)
    if isinstance(value, UserPatch):
        return names.of(value)
    return names.username(value) if name == "username" else names.email(value)


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Model) and kind not in _OWN


def _require(name: str, kinds: tuple[Any, ...], value: Any) -> Any:
    actual = type(value)
    if actual in kinds or (actual is not bool and isinstance(value, kinds)):
        return value
    expected = " or ".join(
        _WORDS[kind] if kind in _WORDS else str(kind.__name__) for kind in kinds if kind is not NoneType
    )
    raise InvalidDataError(f"it is {expected}, not {actual.__name__}; pass it as that type", field=name)


def _name(name: str, kind: type[StrEnum], may_be_none: bool, value: Any) -> StrEnum | None:
    if value is None and may_be_none:
        return None
    try:
        return kind(value)
    except ValueError:
        raise InvalidDataError(f"it is one of {', '.join(kind)}", field=name) from None


def _keys(name: str, kinds: tuple[Any, ...], keys: Any) -> list[Any]:
    fields = ("user_id", "asset" if kinds[-1] is str else "id")
    listed = list(_iterable(name, keys))
    for key in listed:
        if not isinstance(key, tuple | list) or len(key) != len(kinds):
            raise InvalidDataError(f"a key is a pair ({', '.join(fields)})", field=name)
        for field, kind, part in zip(fields, kinds, key, strict=True):
            _require(field, (kind,), part)
    return [tuple(key) for key in listed]


def _items(name: str, kind: type, items: Any) -> Iterator[Any]:
    return map(partial(_require, name, (kind,)), _iterable(name, items))


def _iterable(name: str, value: Any) -> Iterable[Any]:
    if isinstance(value, str | bytes | Model) or not isinstance(value, Iterable):
        raise InvalidDataError(f"it is an iterable of items, not {type(value).__name__}", field=name)
    return value
