"""Kinds of columns and the rules that every column of a kind keeps."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    LargeBinary,
    MetaData,
    Numeric,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON

from metacore.domain.amounts import DECIMAL_PLACES, WHOLE_DIGITS
from metacore.domain.text import MAX_KEY_LENGTH

METADATA = MetaData()
"""All tables, without a schema: it is named where a statement is compiled."""


def id_column(name: str, nullable: bool = False) -> Column[Any]:
    return Column(name, Uuid(), nullable=nullable)


def text_column(name: str, nullable: bool = False) -> Column[Any]:
    """Text, ordered by code point whatever the database's locale is."""
    return Column(name, Text(collation="C"), nullable=nullable)


def texts_column(name: str) -> Column[Any]:
    return Column(name, ARRAY(Text(collation="C")), nullable=False)


def amount_column(name: str, nullable: bool = False) -> Column[Any]:
    """Exact and unconstrained: `numeric(38,18)` would round silently and take NaN. `exact_amounts` is its limit."""
    return Column(name, Numeric(), nullable=nullable)


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


def exact_amounts(table: str, *columns: str) -> CheckConstraint:
    """What an amount is: at most 20 digits before the point, 18 after it, never NaN or Infinity.

    The scale of NaN and Infinity is NULL, which a CHECK lets pass; their size is what is refused.
    """
    limit = 10**WHOLE_DIGITS
    rules = (f"scale({column}) <= {DECIMAL_PLACES} AND abs({column}) < {limit}" for column in columns)
    return CheckConstraint(" AND ".join(rules), name=f"{table}_amounts_exact")


def short_keys(table: str, *columns: str) -> CheckConstraint:
    """What a key is: text short enough to be indexed."""
    rules = (f"char_length({column}) <= {MAX_KEY_LENGTH}" for column in columns)
    return CheckConstraint(" AND ".join(rules), name=f"{table}_keys_short")


def not_negative(table: str, column: str) -> CheckConstraint:
    return CheckConstraint(f"{column} >= 0", name=f"{table}_{column}_not_negative")


def known_names(table: str, column: str, names: type[StrEnum]) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({quoted(names)})", name=f"{table}_{column}_known")


def quoted(names: Iterable[str]) -> str:
    """`names` as a list of SQL literals."""
    return ", ".join(f"'{name}'" for name in names)


def unique(table: str, field: str, *columns: str) -> UniqueConstraint:
    return UniqueConstraint(*columns, name=f"{table}_{field}_key")


def belongs_to(table: str, owner: str, columns: Iterable[str], owner_columns: Iterable[str]) -> ForeignKeyConstraint:
    """The row goes when the row that it belongs to goes."""
    return ForeignKeyConstraint(
        list(columns),
        [f"{owner}.{column}" for column in owner_columns],
        name=f"{table}_{owner}_fkey",
        ondelete="CASCADE",
    )
