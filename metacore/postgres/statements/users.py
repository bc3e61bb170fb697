"""Statements of the storage of users."""

from __future__ import annotations

from functools import cache

from metacore.postgres.client.codecs import USER
from metacore.postgres.client.statement import Statement
from metacore.postgres.statements.names import FOUND
from metacore.postgres.statements.sets import behind, equal, names, parameter, parameters
from metacore.postgres.tables.users import INACTIVE_USERS, LISTED_USERS, users

_SELECT = f"SELECT {names(USER.columns)} FROM {{schema}}.users"

CREATE = Statement(
    "users.create",
    f"INSERT INTO {{schema}}.users ({names(USER.columns)}) VALUES ({parameters(users, USER.columns)}) RETURNING id",
    writes=True,
)

GET = Statement("users.get", f"{_SELECT} WHERE {equal(users, 'id')}")
GET_BY_NAME = Statement("users.get_by_name", f"{_SELECT} WHERE id = ({FOUND})")

LOCK = Statement("users.lock", f"{_SELECT} WHERE id = %(user_id)s::uuid FOR NO KEY UPDATE")
LOCK_ALONE = Statement("users.lock", f"{_SELECT} WHERE id = %(user_id)s::uuid FOR UPDATE")

DELETE = Statement("users.delete", f"DELETE FROM {{schema}}.users WHERE {equal(users, 'id')} RETURNING id", writes=True)


@cache
def page(active: bool | None, after: bool) -> Statement:
    """A page, newest first; only of users that are `active`, or that are not, only behind a position, if so."""
    where = [INACTIVE_USERS if active is False else LISTED_USERS]
    if active:
        where.append("is_active")
    if after:
        where.append(behind(users, "created_at", "id"))
    conditions = " AND ".join(where)
    return Statement(
        "users.list", f"{_SELECT} WHERE {conditions} ORDER BY created_at DESC, id DESC LIMIT %(limit)s::bigint"
    )


@cache
def change(columns: tuple[str, ...]) -> Statement:
    """Sets `columns` of the user that is at the expected version, if one is given."""
    changes = [f"{name} = {parameter(users, name)}" for name in columns]
    return Statement(
        "users.update",
        f"""
        UPDATE {{schema}}.users SET {", ".join([*changes, "version = version + 1"])}
        WHERE id = %(key)s::uuid AND (%(expected_version)s::bigint IS NULL OR version = %(expected_version)s::bigint)
        RETURNING {names(USER.columns)}
        """,
        writes=True,
    )
