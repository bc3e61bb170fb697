"""Kinds of columns and of constraints."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    Dialect,
    ForeignKeyConstraint,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.types import TypeEngine

from metacore.domain.values.text import MAX_KEY_LENGTH
from metacore.postgres.tables.domains import AMOUNT, KEY, DomainType, names_of

_DIALECT: Dialect = PGDialect()  # type: ignore[no-untyped-call]

METADATA = MetaData()
"""All tables, without a schema: it is named where a statement is compiled."""


def id_column(name: str, nullable: bool = False) -> Column[Any]:
    return Column(name, Uuid(), nullable=nullable)


def text_column(name: str, nullable: bool = False) -> Column[Any]:
    """Text of any length, ordered by code point whatever the database's locale is."""
    return Column(name, Text(collation="C"), nullable=nullable)


def key_column(name: str, nullable: bool = False) -> Column[Any]:
    return Column(name, DomainType(KEY), nullable=nullable)


def uid_column(name: str) -> Column[Any]:
    """A key that rows of several tables lie by and are found by: Citus plans nothing by a column of a domain."""
    return text_column(name)


def name_column(name: str, names: type[StrEnum], nullable: bool = False) -> Column[Any]:
    return Column(name, DomainType(names_of(names)), nullable=nullable)


def texts_column(name: str) -> Column[Any]:
    return Column(name, ARRAY(Text(collation="C")), nullable=False)


def amount_column(name: str, nullable: bool = False) -> Column[Any]:
    return Column(name, DomainType(AMOUNT), nullable=nullable)


def integer_column(name: str, nullable: bool = False) -> Column[Any]:
    return Column(name, BigInteger(), nullable=nullable)


def flag_column(name: str, nullable: bool = False) -> Column[Any]:
    return Column(name, Boolean(), nullable=nullable)


def time_column(name: str, nullable: bool = False) -> Column[Any]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


def bytes_column(name: str, nullable: bool = False) -> Column[Any]:
    return Column(name, LargeBinary(), nullable=nullable)


def json_column(name: str, nullable: bool = False) -> Column[Any]:
    """`json`, because `jsonb` loses the order of keys and trailing zeros of numbers."""
    return Column(name, JSON(), nullable=nullable)


def computed_column(name: str, kind: TypeEngine[Any], rule: str, nullable: bool = True) -> Column[Any]:
    """What the database itself makes of the other columns by `rule`, for indexes: no field of a model."""
    return Column(name, kind, Computed(rule, persisted=True), nullable=nullable)


def uncomputed(table: Table) -> list[str]:
    """The columns of `table` that the database does not compute itself."""
    return [column.name for column in table.columns if column.computed is None]


def not_negative(table: str, column: str) -> CheckConstraint:
    return CheckConstraint(f"{column} >= 0", name=f"{table}_{column}_not_negative")


def ever(column: str) -> str:
    """A condition that every row meets: of an index on the time `column`, which only those statements use that say it.

    An index whose condition a statement does not meet cannot be taken for another one, which the planner does where a
    table was small when it planned.
    """
    return f"{column} > '-infinity'"


def filtered(column: str) -> str:
    """The same, of an index that filtered lists alone use."""
    return f"{column} < 'infinity'"


def short(table: str, column: str) -> CheckConstraint:
    """What the domain of keys asks, for a key that is of no domain; a row that belongs to it has the same."""
    return CheckConstraint(f"char_length({column}) <= {MAX_KEY_LENGTH}", name=f"{table}_{column}_short")


def belongs_to(table: str, owner: str, columns: Iterable[str], owner_columns: Iterable[str]) -> ForeignKeyConstraint:
    """The row goes when the row that it belongs to goes."""
    return ForeignKeyConstraint(
        list(columns),
        [f"{owner}.{column}" for column in owner_columns],
        name=f"{table}_{owner}_fkey",
        ondelete="CASCADE",
    )


def sql_type(column: Column[Any]) -> str:
    """The SQL type of `column`, for a cast."""
    kind = column.type
    spec = kind.domain.base if isinstance(kind, DomainType) else kind.compile(dialect=_DIALECT).lower()
    return spec.partition(" collate")[0].partition(" COLLATE")[0]
