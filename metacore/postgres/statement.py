"""Statements: built once, compiled once for each schema to the text that psycopg sends."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Dialect
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.sql import Executable

from metacore.postgres.identifiers import quote

_DIALECT: Dialect = PGDialect_psycopg(paramstyle="pyformat")  # type: ignore[no-untyped-call]


class Statement:
    """One SQL statement of the operation `name`, such as "orders.get".

    Either SQLAlchemy Core over `metacore.postgres.tables`, or SQL text in which `{schema}` stands for the quoted
    schema. Parameters are named as in psycopg, `%(user_id)s`, and go as text that the statement casts: so each
    statement is prepared once, whatever is None.
    """

    __slots__ = ("_source", "_texts", "name", "writes")

    def __init__(self, name: str, source: Executable | str, *, writes: bool = False) -> None:
        self.name = name
        self.writes = writes
        self._source = source
        self._texts: dict[str, bytes] = {}

    def text(self, schema: str) -> bytes:
        """The statement for the tables of `schema`."""
        text = self._texts.get(schema)
        if text is None:
            text = self._texts[schema] = self._compile(schema).encode()
        return text

    def _compile(self, schema: str) -> str:
        if isinstance(self._source, str):
            return self._source.replace("{schema}", quote(schema).replace("%", "%%"))
        options: dict[str, Any] = {"schema_translate_map": {None: schema}, "render_schema_translate": True}
        return str(self._source.compile(dialect=_DIALECT, **options))  # type: ignore[attr-defined]


def sql_type(column: Column[Any]) -> str:
    """The SQL type of `column`, for a cast."""
    return column.type.compile(dialect=_DIALECT).partition(" COLLATE")[0]
