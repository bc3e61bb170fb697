"""A call: a statement and its parameters, the rows that it gives, and what an error of it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from psycopg import DataError, Error

from metacore.postgres.client.codecs import to_parameters
from metacore.postgres.client.statement import Statement

Row = tuple[Any, ...]
Values = Mapping[str, Any] | Callable[[], Mapping[str, Any]]
"""Parameters by name, or what makes them: called, inside a transaction only, while the server works on earlier ones."""

Encoded = list[bytes | None]
"""Parameters in their order, as they are sent."""

Call = tuple[Statement, Values]
"""A statement and its parameters."""

_TAKEN = "taken"


def encoded(values: Mapping[str, Any], names: Sequence[str]) -> Encoded:
    """The values of `names`, as they are sent. DataError for text with NUL, which no text of PostgreSQL may have."""
    parameters = to_parameters(values, names)
    if b"\0" in b"".join(filter(None, parameters)):
        # libpq would send what is before it.
        raise DataError("text must not contain NUL")
    return parameters


def note_taken(error: Error, statement: Statement) -> None:
    """Have `taken` tell of `error`, by which the server answered `statement`, one of several."""
    error.__dict__[_TAKEN] = statement.taken


def taken(error: Error) -> tuple[str, str] | None:
    """What the statement that the server answered with `error`, one of several, says to be `taken`."""
    noted: tuple[str, str] | None = error.__dict__.get(_TAKEN)
    return noted
