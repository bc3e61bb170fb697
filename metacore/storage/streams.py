"""Streams: methods of a protocol that give all items of a list of it, which comes in pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

Method = TypeVar("Method", bound=Callable[..., Any])


def stream_of(pages: Callable[..., Any]) -> Callable[[Method], Method]:
    """Mark a method as the stream of the list `pages`, with the parameters of that but for the cursor and the limit.

    No backend writes it: what every backend is made of reads one page after the other.
    """

    def mark(method: Method) -> Method:
        vars(method)["pages"] = pages.__name__
        return method

    return mark


def by_backend(*arguments: object) -> AsyncIterator[Any]:
    """The body of such a method, in place of which every backend has what is made of its list."""
    raise NotImplementedError(
        f"the stream of {arguments} is made of the list by `storage_classes` of metacore.backends"
    )


def pages_of(method: Callable[..., Any]) -> str | None:
    """The name of the list whose stream `method` is; None if it is none."""
    name: str | None = getattr(method, "pages", None)
    return name
