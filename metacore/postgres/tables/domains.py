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

from sqlalchemy import MetaData
from sqlalchemy.types import UserDefinedType

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


class DomainType(UserDefinedType[Any]):
    """The type of a column that is of a domain, which is in the schema of its table."""

    cache_ok = True

    def __init__(self, domain: Domain) -> None:
        self.domain = domain

    def get_col_spec(self, **_: Any) -> str:
        """The name alone: a temporary table finds the temporary domain first."""
        return self.domain.name


TEXT = 'text COLLATE "C"'

# The scale of NaN and Infinity is NULL, which a CHECK lets pass; their size is what is refused.
AMOUNT = Domain(
    "amount",
    "numeric",
    "amount_exact",
    f"scale(VALUE) <= {DECIMAL_PLACES} AND abs(VALUE) < {10**WHOLE_DIGITS}",
)
"""At most 38 digits before the point and 36 after it: `numeric(74,36)` would round silently, and take NaN."""

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
    types = (column.type for table in metadata.tables.values() for column in table.columns)
    return list(dict.fromkeys(kind.domain for kind in types if isinstance(kind, DomainType)))
