"""The tables: a module for each storage, columns as the fields of the models. Statements and migrations rest on them.

A table says in its `info` what a row of it is called, its `entity`, and what services may do with it, its `rights`; one
that belongs to no other says by which column its rows are spread over nodes, `sharded_by`, and `beside` which table.

Every index but the primary key has a condition, and only the statements that meet it can use it. Where a table is small
the planner takes any index that begins with the user for as good as any other, and the plan that it then made would
read all rows of a user when there are many. So a column that is looked for by its value is said to be NOT NULL, which
an equation implies, and a time that lists are ordered by to be `ever` or, where they are filtered, `filtered`, which
their statements say.
"""

from __future__ import annotations

from collections.abc import Iterator
from pkgutil import iter_modules

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, PrimaryKeyConstraint, Table, UniqueConstraint

from metacore.backends.modules import module_of
from metacore.errors import ConfigurationError
from metacore.postgres.tables.columns import METADATA
from metacore.storage.storages import STORAGES

for _name in sorted({module.name for module in iter_modules(__path__)} | STORAGES.keys()):
    module_of(__name__, _name)


def _info(table: Table, key: str) -> str:
    if key not in table.info:
        raise ConfigurationError(
            f"the table {table.name} of metacore/postgres/tables has no {key!r} in its info: add it, see its package"
        )
    return str(table.info[key])


def _unique_fields(table: Table) -> Iterator[tuple[str, str]]:
    """The keys of `table` by name, with the field that each is about: that of its name, or the last column."""
    for constraint in table.constraints:
        if isinstance(constraint, PrimaryKeyConstraint):
            yield str(constraint.name), str(constraint.info.get("field", constraint.columns.keys()[-1]))
        elif isinstance(constraint, UniqueConstraint):
            name = str(constraint.name)
            yield name, str(constraint.info.get("field", name.removeprefix(f"{table.name}_").removesuffix("_key")))
    for index in table.indexes:
        if index.unique:
            name = str(index.name)
            yield name, name.removeprefix(f"{table.name}_").removesuffix("_key")


UNIQUE_FIELDS = {
    name: (_info(table, "entity"), field) for table in METADATA.tables.values() for name, field in _unique_fields(table)
}
"""Which entity and field is taken when a unique constraint or index refuses a row."""

OWNERS = {
    str(constraint.name): _info(constraint.referred_table, "entity")
    for table in METADATA.tables.values()
    for constraint in table.constraints
    if isinstance(constraint, ForeignKeyConstraint)
}
"""Which entity is missing when a foreign key refuses a row."""

NOT_NEGATIVE = frozenset(
    str(constraint.name)
    for table in METADATA.tables.values()
    for constraint in table.constraints
    if isinstance(constraint, CheckConstraint) and str(constraint.name).endswith("_not_negative")
    if _info(table, "entity") in ("balance", "balance entry")
)
"""The CHECKs that refuse a balance below zero."""

NAMES = frozenset(
    str(name)
    for table in METADATA.tables.values()
    for name in (*(each.name for each in table.constraints), *(each.name for each in table.indexes))
    if name is not None
)
"""The names of all constraints and indexes."""

RIGHTS = {table.name: _info(table, "rights") for table in METADATA.tables.values()}
"""What services may do with the rows of each table."""

MAY_DELETE = frozenset(table.name for table in METADATA.tables.values() if table.info.get("may_delete"))
"""The tables of which services may delete rows, with the journals that belong to them, only if that was asked for."""

__all__ = ["MAY_DELETE", "METADATA", "NAMES", "NOT_NEGATIVE", "OWNERS", "RIGHTS", "UNIQUE_FIELDS"]
