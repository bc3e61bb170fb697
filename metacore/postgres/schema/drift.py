"""Drift: where a deployed schema is not what the tables of this release say."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import psycopg
from sqlalchemy.engine import make_url
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement

from metacore.postgres.schema.catalogue import Catalogue, read_catalogue
from metacore.postgres.schema.state import VERSION_TABLE
from metacore.postgres.tables import METADATA
from metacore.postgres.tables.domains import domains_of

_DIALECT = make_url("postgresql+psycopg://").get_dialect()()


class DriftKind(StrEnum):
    MISSING = "MISSING"
    UNEXPECTED = "UNEXPECTED"
    DIFFERENT = "DIFFERENT"


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference.

    `object` is a table, domain, column, constraint, index, trigger or rule, and `name` is its name, after its table's;
    or a table's distribution.
    `expected` and `actual` are its definitions, None where there is no such object.
    """

    object: str
    name: str
    expected: str | None
    actual: str | None

    @property
    def kind(self) -> DriftKind:
        """Whether the object is missing, unexpected, or different."""
        if self.actual is None:
            return DriftKind.MISSING
        return DriftKind.UNEXPECTED if self.expected is None else DriftKind.DIFFERENT

    def __str__(self) -> str:
        return f"{self.kind} {self.object} {self.name}: expected {self.expected}, is {self.actual}"


def find_drift(connection: psycopg.Connection[Any], schema: str) -> list[Drift]:
    """Every difference, by object and name, between `schema` and the tables of this release.

    What they should be is asked of the server itself: the tables are made as temporary ones, so that both sides are
    told in the words of one PostgreSQL, whatever its version. It needs no right but TEMPORARY; the caller rolls the
    transaction back.
    """
    for statement in _temporary_objects():
        connection.execute(statement.encode())
    expected = read_catalogue(connection, _oid(connection, "SELECT pg_catalog.pg_my_temp_schema()"))
    actual = read_catalogue(
        connection, _oid(connection, "SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = %(schema)s", schema)
    )
    return list(_differences(expected, actual))


def without_indexes(drifts: Iterable[Drift], allowed: Collection[str]) -> list[Drift]:
    """`drifts`, but for the unexpected indexes that are `allowed`, by their names, and refuse no row."""
    return [drift for drift in drifts if not _is_allowed(drift, allowed)]


def _is_allowed(drift: Drift, allowed: Collection[str]) -> bool:
    is_index = drift.object == "index" and drift.kind == DriftKind.UNEXPECTED
    return is_index and drift.name.partition(".")[2] in allowed and not str(drift.actual).startswith("UNIQUE ")


def _temporary_objects() -> Iterator[str]:
    yield from (domain.create("pg_temp") for domain in domains_of(METADATA))
    for table in METADATA.sorted_tables:
        yield _text(CreateTable(table))
        yield from (_text(CreateIndex(index)) for index in table.indexes)


def _text(statement: ExecutableDDLElement) -> str:
    return str(
        statement.compile(dialect=_DIALECT, schema_translate_map={None: "pg_temp"}, render_schema_translate=True)
    )


def _oid(connection: psycopg.Connection[Any], query: Any, schema: str | None = None) -> int:
    row = connection.execute(query, {"schema": schema}).fetchone()
    assert row is not None
    return int(row[0])


def _differences(expected: Catalogue, actual: Catalogue) -> Iterator[Drift]:
    missing = {name for kind, name in expected.keys() - actual.keys() if kind == "table"}
    unexpected = {name for kind, name in actual.keys() - expected.keys() if kind == "table"}
    for kind, name in sorted(expected.keys() | actual.keys()):
        needed, found = expected.get((kind, name)), actual.get((kind, name))
        table, _, part = name.partition(".")
        is_part_of_another = part and table in missing | unexpected
        if needed != found and table != VERSION_TABLE and not is_part_of_another:
            yield Drift(kind, name, needed, found)
