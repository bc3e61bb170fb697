"""Pieces of SQL: columns, parameters with their types, and sets of rows, which go as one array for each column."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from sqlalchemy import Table

from metacore.postgres.client.codecs import JSON_SEPARATOR
from metacore.postgres.tables.columns import sql_type


def rows(table: Table, columns: Iterable[str], alias: str = "new", **others: str) -> str:
    """A FROM item `alias` of the arrays named as `columns` of `table`, and of `others` with their types.

    They are opened side by side in a SELECT list: as functions in FROM, each column would be stored, and read again, by
    itself.
    """
    types = {name: sql_type(table.c[name]) for name in columns} | others
    return f"(SELECT {', '.join(f'unnest({array(name, kind)}) AS {name}' for name, kind in types.items())}) AS {alias}"


OF_USER = "user_id = %(user_id)s::uuid"
"""The condition, after the name of a table and a point, that a row is the user's: plain, so that one shard is asked."""


def created(
    table: Table, columns: Iterable[str], turn: str | None = None, fixed: Mapping[str, str] | None = None
) -> str:
    """The statement that inserts one row of a user, who must exist: nothing otherwise; after a FROM item, if given. The
    `fixed` columns have no parameters of their own.
    """
    others = without(columns, "user_id")
    users = f"{'' if turn is None else f'{turn}, '}{{schema}}.users"
    values = {name: parameter(table, name) for name in others} | dict(fixed or {})
    return (
        f"INSERT INTO {{schema}}.{table.name} (user_id, {names(values)})"
        f" SELECT users.id, {', '.join(values.values())} FROM {users} WHERE users.id = %(user_id)s::uuid"
    )


def constant(table: Table, column: str, value: Decimal | int | None) -> str:
    """A `value` that `column` of `table` has whatever the parameters are."""
    return f"{'NULL' if value is None else value}::{sql_type(table.c[column])}"


def inserted(table: Table, columns: Iterable[str], source: str | None = None) -> str:
    """The statement that inserts a set of rows `new` of one user, who must exist: nothing otherwise."""
    columns = tuple(columns)
    values = ", ".join("users.id" if name == "user_id" else f"new.{name}" for name in columns)
    return (
        f"INSERT INTO {{schema}}.{table.name} ({names(columns)}) SELECT {values}"
        f" FROM {{schema}}.users CROSS JOIN {source or rows(table, without(columns, 'user_id'))}"
        f" WHERE users.id = %(user_id)s::uuid"
    )


def replaced(table: Table, columns: Iterable[str], key: Sequence[str], changes: Iterable[str]) -> str:
    """The statement that sets the columns `changes` of stored rows of one user, by `key`, to those of a set of rows.

    Each finds its own by the key. An UPDATE would join the set with the user's rows, and the planner, who does not know
    how many these are, might read them all.
    """
    return f"{inserted(table, columns)} ON CONFLICT ({names(key)}) DO UPDATE SET {assignments(changes, 'excluded')}"


def replaced_one(table: Table, key: Sequence[str], changes: Iterable[str]) -> str:
    """The statement that sets the columns `changes` of one stored row, by `key`."""
    return (
        f"UPDATE {{schema}}.{table.name} SET {', '.join(f'{name} = {parameter(table, name)}' for name in changes)}"
        f" WHERE {equal(table, *key)}"
    )


def looked_up(
    columns: Iterable[str],
    table: str,
    on: str,
    alias: str = "found",
    lock: bool = False,
    skip_locked: bool = False,
    newest: str | None = None,
) -> str:
    """A FROM item `alias` of the rows of `table` that are `on` the row of the item before it: locked one after the
    other in the order of those, if so; if so, without those that another transaction has locked; only the one of the
    greatest `newest`, if that is given.

    It cannot be turned around: joined, a table that is small at the moment would be read whole, and each of its rows
    looked for in the set. FOR UPDATE forbids that, or OFFSET.
    """
    ending = f"FOR UPDATE{' SKIP LOCKED' if skip_locked else ''}" if lock else "OFFSET 0"
    chosen = on if newest is None else f"{on} ORDER BY {table}.{newest} DESC LIMIT 1"
    return f"CROSS JOIN LATERAL (SELECT {names(columns)} FROM {{schema}}.{table} WHERE {chosen} {ending}) AS {alias}"


def matched(table: Table, alias: str, key: Sequence[str], source: str = "new") -> str:
    """The condition that a changed row of `table`, called `alias`, has the `key` of a row of the set `source`.

    Its first column is compared with an array of one value: were it plainly equal, the planner might read the table in
    the order of its key, to look for each row in the set.
    """
    first, *others = key
    conditions = [f"{alias}.{first} = ANY (ARRAY[{source}.{first}]::{sql_type(table.c[first])}[])"]
    return " AND ".join([*conditions, *(f"{alias}.{name} = {source}.{name}" for name in others)])


def ordered(table: Table, columns: Iterable[str], alias: str = "named") -> str:
    """A FROM item `alias` of the arrays named as `columns` of `table`, in the order of these."""
    columns = tuple(columns)
    return f"(SELECT {names(columns)} FROM {rows(table, columns)} ORDER BY {by_code_point(table, columns)}) AS {alias}"


def by_code_point(table: Table, columns: Iterable[str]) -> str:
    """The ORDER BY list of `columns` of a set, in the order that they have in `table`."""
    return ", ".join(f'{name} COLLATE "C"' if sql_type(table.c[name]) == "text" else name for name in columns)


def array(name: str, kind: str) -> str:
    """The parameter `name`, an array of `kind`.

    In a subquery the planner cannot see how long it is. If it saw that, it would plan anew, for every short one,
    a statement that has but one good plan.
    """
    if kind == "json":
        return f"(SELECT string_to_array(%({name})s, chr({ord(JSON_SEPARATOR)}), '')::json[])"
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


def parameter(table: Table, column: str) -> str:
    """The parameter for `column` of `table`, as its type."""
    return f"%({column})s::{sql_type(table.c[column])}"


def parameters(table: Table, columns: Iterable[str]) -> str:
    """The parameters for `columns` of `table`, separated by commas."""
    return ", ".join(parameter(table, column) for column in columns)


def equal(table: Table, *columns: str) -> str:
    """The condition that each of `columns` of `table` has the value of its parameter."""
    return " AND ".join(f"{table.name}.{column} = {parameter(table, column)}" for column in columns)


def matching(table: Table, filters: Iterable[str], moment: str) -> str:
    """The condition that a row of `table` matches all of `filters`: `since` and `until` bound its `moment`."""
    bounds = {"since": ">=", "until": "<"}
    kind = sql_type(table.c[moment])
    return " AND ".join(
        f"{table.name}.{moment} {bounds[name]} %({name})s::{kind}" if name in bounds else equal(table, name)
        for name in filters
    )


def behind(table: Table, *position: str) -> str:
    """The condition that a row of `table` comes after a position in the list that is ordered, descending, by it."""
    columns = names(position, f"{table.name}.")
    return f"({columns}) < ({parameters(table, position)})"
