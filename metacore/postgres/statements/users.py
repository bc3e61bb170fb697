"""Statements of the storage of users."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Uuid, bindparam, insert, literal_column, select, tuple_, update
from sqlalchemy.sql import ColumnElement

from metacore.postgres.client.codecs import USER
from metacore.postgres.client.statement import Statement
from metacore.postgres.tables import users

COLUMNS = [users.c[name] for name in USER.columns]


def _parameter(name: str) -> Any:
    return bindparam(name, type_=users.c[name].type)


def _get_by(*columns: str) -> Statement:
    where = [users.c[column] == _parameter(column) for column in columns]
    return Statement(f"users.get_by_{columns[-1]}", select(*COLUMNS).where(*where))


CREATE = Statement(
    "users.create",
    insert(users).values({name: _parameter(name) for name in USER.columns}).returning(users.c.id),
    writes=True,
)

GET = Statement("users.get", select(*COLUMNS).where(users.c.id == _parameter("id")))
GET_BY_UID = _get_by("exchange", "uid")
GET_BY_USERNAME = _get_by("username")
GET_BY_EMAIL = _get_by("email")
GET_BY_TELEGRAM_ID = _get_by("telegram_id")

LOCK = Statement("users.update", select(*COLUMNS).where(users.c.id == _parameter("id")).with_for_update())

DELETE = Statement(
    "users.delete", users.delete().where(users.c.id == _parameter("id")).returning(users.c.id), writes=True
)


@cache
def page(active: bool, after: bool) -> Statement:
    """A page, newest first; only of users with the given `is_active`, only behind a position, if so."""
    where: list[ColumnElement[bool]] = []
    if active:
        where.append(users.c.is_active == _parameter("is_active"))
    if after:
        position = tuple_(_parameter("created_at"), _parameter("id"))
        where.append(tuple_(users.c.created_at, users.c.id) < position)
    rows = select(*COLUMNS).where(*where).order_by(users.c.created_at.desc(), users.c.id.desc())
    return Statement("users.list", rows.limit(bindparam("limit")))


@cache
def change(columns: tuple[str, ...]) -> Statement:
    """Sets `columns` of the user that is at the expected version, if one is given."""
    expected = bindparam("expected_version", type_=users.c.version.type)
    changed = (
        update(users)
        .where(users.c.id == bindparam("key", type_=Uuid()), (expected.is_(None)) | (users.c.version == expected))
        .values({name: _parameter(name) for name in columns} | {"version": users.c.version + literal_column("1")})
        .returning(*COLUMNS)
    )
    return Statement("users.update", changed, writes=True)
