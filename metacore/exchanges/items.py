"""Parsers of what has items: all or nothing when called, item by item when asked for what is readable."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Concatenate, Generic, ParamSpec, TypeVar

from metacore.domain.values.items import BadItem, Readable
from metacore.errors import InvalidDataError
from metacore.exchanges.fields import Fields
from metacore.exchanges.payloads import Items, Payload, read_items

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")


class ItemParser(Generic[P, R]):
    """A parser that can be called two ways.

    `parser(payload, ...)` gives what all items say, or raises the error of the first bad one. With the same arguments,
    `parser.readable(payload, ...)` gives what the good items say and tells of each bad one; it raises only for what is
    wrong with the payload as a whole, or with the other arguments.
    """

    def __init__(self, read: Callable[Concatenate[Payload, P], Readable[R]]) -> None:
        self._read = read
        functools.update_wrapper(self, read)

    def __call__(self, payload: Payload, *args: P.args, **kwargs: P.kwargs) -> R:
        """What all items say."""
        return self._read(payload, *args, **kwargs).whole()

    def readable(self, payload: Payload, *args: P.args, **kwargs: P.kwargs) -> Readable[R]:
        """What the good items say, and which are bad."""
        return self._read(payload, *args, **kwargs)


def listed(read: Callable[Concatenate[Fields, P], T]) -> ItemParser[P, tuple[T, ...]]:
    """The parser of lists whose items `read` reads."""
    return finished(tuple)(read)


def finished(
    finish: Callable[[Sequence[T]], tuple[R, ...]],
) -> Callable[[Callable[Concatenate[Fields, P], T]], ItemParser[P, tuple[R, ...]]]:
    """Like `listed`, with the result that `finish` makes of what the items say."""

    def parser(read: Callable[Concatenate[Fields, P], T]) -> ItemParser[P, tuple[R, ...]]:
        def read_all(payload: Payload, /, *args: P.args, **kwargs: P.kwargs) -> Readable[tuple[R, ...]]:
            good, bad = read_each(read_items(payload), lambda item: read(item, *args, **kwargs))
            return Readable(finish(good), bad)

        functools.update_wrapper(read_all, read)
        return ItemParser(read_all)

    return parser


def read_each(items: Items, read: Callable[[Fields], T]) -> tuple[list[T], tuple[BadItem, ...]]:
    """What `read` makes of the good ones of `items`, and the bad ones."""
    good, bad = list[T](), list[BadItem]()
    for index in range(len(items)):
        try:
            good.append(read(items.fields(index)))
        except InvalidDataError as error:
            bad.append(bad_item(index, items.path(index), items.raw(index), error))
    return good, tuple(bad)


def bad_item(index: int | None, path: str, raw: bytes, error: InvalidDataError) -> BadItem:
    """The item at `path` that `error` is about; raises `error` if it is about something else."""
    if path and error.field != path and not error.field.startswith(path + "."):
        raise error
    return BadItem(index, error.field.removeprefix(path).removeprefix("."), raw, error)
