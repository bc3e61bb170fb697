"""Pieces of SQL for sets of rows, which go as one array for each column."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Table

from metacore.postgres.client.statement import sql_type


def rows(table: Table, columns: Iterable[str], alias: str = "new", **others: str) -> str:
    """A FROM item `alias` of the arrays named as `columns` of `table`, and of `others` with their types."""
    types = {name: sql_type(table.c[name]) for name in columns} | others
    arrays = ", ".join(array(name, kind) for name, kind in types.items())
    return f"unnest({arrays}) AS {alias} ({', '.join(types)})"


def array(name: str, kind: str) -> str:
    """The parameter `name`, an array of `kind`.

    In a subquery the planner cannot see how long it is. If it saw that, it would plan anew, for every short one,
    a statement that has but one good plan.
    """
    return f"(SELECT %({name})s::{kind}[])"


def names(columns: Iterable[str], prefix: str = "") -> str:
    """`columns`, separated by commas, each with `prefix`."""
    return ", ".join(prefix + name for name in columns)


def assignments(columns: Iterable[str], source: str = "new") -> str:
    """The SET list that takes `columns` from `source`."""
    return ", ".join(f"{name} = {source}.{name}" for name in columns)


def without(columns: Iterable[str], *excluded: str) -> tuple[str, ...]:
    """`columns` but the `excluded` ones."""
    return tuple(name for name in columns if name not in excluded)
