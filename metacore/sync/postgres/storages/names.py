# Made from metacore/postgres/storages/names.py by `python tools/generate_sync.py`. Do not edit.
"""Names in PostgreSQL: taken and given up in the transaction that changes the user."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from metacore.domain.people.names import Name, exchanged
from metacore.postgres.client.call import Call
from metacore.postgres.statements import names as statements


def take(user_id: UUID, names: Iterable[Name]) -> list[Call]:
    """The calls by which the user takes `names`: AlreadyExistsError names the field of the first that is taken."""
    return [(statements.TAKE[name[0]], values_of(user_id, name)) for name in names]


def give_up(user_id: UUID, names: Iterable[Name]) -> list[Call]:
    """The calls by which the user gives up `names`."""
    return [(statements.GIVE_UP, values_of(user_id, name)) for name in names]


def exchange(user_id: UUID, before: Iterable[Name], after: Iterable[Name]) -> list[Call]:
    """The calls by which the user, who has the names `before`, comes to have those `after`."""
    old, new = exchanged(before, after)
    return [*give_up(user_id, old), *take(user_id, new)]


def values_of(user_id: UUID, name: Name) -> dict[str, str]:
    """The parameters that tell one name of the user."""
    kind, value = name
    return {"kind": kind.value, "value": value, "user_id": str(user_id)}
