"""Statements of the names that users are found by. A name is one row by itself, so that each asks one node."""

from __future__ import annotations

from metacore.domain.people.names import FIELDS, NameKind
from metacore.postgres.client.statement import Statement
from metacore.postgres.statements.sets import equal, names, parameters
from metacore.postgres.tables.names import user_names

COLUMNS = ("kind", "value", "user_id")


def _taken(kind: NameKind) -> tuple[str, str]:
    return ("user" if kind in FIELDS else "credentials"), kind.field


_TAKE = f"INSERT INTO {{schema}}.user_names ({names(COLUMNS)}) VALUES ({parameters(user_names, COLUMNS)})"

TAKE = {
    kind: Statement("users.take_name", f"{_TAKE} RETURNING value", writes=True, taken=_taken(kind)) for kind in NameKind
}
"""One for each kind, since only by its statement an error tells of which kind the taken name is."""

TAKE_FREE = Statement("users.take_name", f"{_TAKE} ON CONFLICT DO NOTHING RETURNING value", writes=True)
"""Takes the name, and gives it, unless it is taken."""

GIVE_UP = Statement(
    "users.give_up_name",
    f"DELETE FROM {{schema}}.user_names WHERE {equal(user_names, *COLUMNS)} RETURNING value",
    writes=True,
)

FOUND = "SELECT user_id FROM {schema}.user_names WHERE " + equal(user_names, "kind", "value")
"""The user with this name, as a subquery or by itself."""
FOUND_MANY = (
    "SELECT user_id FROM {schema}.user_names WHERE "
    + equal(user_names, "kind")
    + " AND user_names.value = ANY (%(values)s::text[])"
)

FIND = Statement("users.find", FOUND)
FIND_MANY = Statement("users.find", FOUND_MANY)
