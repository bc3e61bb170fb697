"""Domains: types that carry the rule of their values.

PostgreSQL keeps the rule of a domain parsed in each session, but parses the CHECKs of a table again for every statement
that writes to it. So rules of one value are domains, and rules about a row as a whole are CHECKs.

A driver sees the type below a domain, but not below an array of a domain: cast what is aggregated into an array.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, MetaData
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateColumn
from sqlalchemy.sql.compiler import DDLCompiler

from metacore.domain.values.amounts import DECIMAL_PLACES, WHOLE_DIGITS
from metacore.domain.values.text import MAX_KEY_LENGTH


@dataclass(frozen=True, slots=True)
class Domain:
    """A type called `name`: the values of `base` for which `rule` holds, by a constraint of its own."""

    name: str
    base: str
    constraint: str
    rule: str

    def create(self, schema: str) -> str:
        """The statement that makes it in `schema`, quoted as needed."""
        return f"CREATE DOMAIN {schema}.{self.name} AS {self.base} CONSTRAINT {self.constraint} CHECK ({self.rule})"


TEXT = 'text COLLATE "C"'

# The scale of NaN and Infinity is NULL, which a CHECK lets pass; their size is what is refused.
AMOUNT = Domain(
    "amount",
    "numeric",
    "amount_exact",
    f"scale(VALUE) <= {DECIMAL_PLACES} AND abs(VALUE) < {10**WHOLE_DIGITS}",
)
"""At most 20 digits before the point and 18 after it: `numeric(38,18)` would round silently, and take NaN."""

KEY = Domain("key", TEXT, "key_short", f"char_length(VALUE) <= {MAX_KEY_LENGTH}")
"""Text short enough to be indexed."""


def names_of(enum: type[StrEnum]) -> Domain:
    """The names of `enum`, such as the domain `order_side` of OrderSide."""
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", enum.__name__).lower()
    return Domain(name, TEXT, f"{name}_known", f"VALUE IN ({quoted(enum)})")


def quoted(names: Iterable[str]) -> str:
    """`names` as a list of SQL literals."""
    return ", ".join(f"'{name}'" for name in names)


def domains_of(metadata: MetaData) -> list[Domain]:
    """The domains of all columns, each once."""
    columns = (column for table in metadata.tables.values() for column in table.columns)
    return list(dict.fromkeys(column.info["domain"] for column in columns if "domain" in column.info))


@compiles(CreateColumn)
def _create_column(create: CreateColumn, compiler: DDLCompiler, **options: Any) -> str:
    column: Column[Any] = create.element
    if "domain" not in column.info:
        plain: str = compiler.visit_create_column(create, **options)  # type: ignore[no-untyped-call]
        return plain
    preparer = compiler.preparer
    schema = preparer.schema_for_object(column.table)
    prefix = "" if schema is None else preparer.quote_schema(schema) + "."
    not_null = "" if column.nullable else " NOT NULL"
    return f"{preparer.format_column(column)} {prefix}{column.info['domain'].name}{not_null}"
