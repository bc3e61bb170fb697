"""Statements of a bulk import: COPY to a staging table, one INSERT that skips what is stored, a look for what
differs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain

from sqlalchemy import Table

from metacore.domain.values.imports import MAX_CONFLICTS
from metacore.postgres.client.statement import Statement
from metacore.postgres.statements.sets import names
from metacore.postgres.tables.columns import sql_type


class Import:
    """The statements that import rows of `table`.

    `keys` names the unique keys, the one that conflicts are named by first; two rows that share one are the same if
    their `content` is equal and `differs`, if given, is not true. A row that is there under none of `keys` was kept out
    by another unique key: a conflict, too.
    """

    def __init__(
        self,
        name: str,
        table: Table,
        columns: Iterable[str],
        *,
        content: Iterable[str],
        keys: Mapping[str, tuple[str, ...]],
        differs: str = "false",
    ) -> None:
        self.name = name
        self.columns = tuple(columns)
        staged = f"pg_temp.staged_{name}"
        typed = ", ".join(f"{column} {sql_type(table.c[column])}" for column in self.columns)
        self.drop = Statement("import", f"DROP TABLE IF EXISTS {staged}")
        self.stage = Statement("import", f"CREATE TEMPORARY TABLE staged_{name} ({typed}) ON COMMIT DROP")
        self.copy = Statement("import", f"COPY {staged} ({names(self.columns)}) FROM STDIN")
        self.find_users = Statement(
            "import", f"DECLARE owners CURSOR FOR SELECT DISTINCT user_id FROM {staged} ORDER BY user_id"
        )
        self.insert = Statement(
            f"{name}.create_many",
            f"WITH inserted AS (INSERT INTO {{schema}}.{name} ({names(self.columns)})"
            f" SELECT {names(self.columns)} FROM {staged} ORDER BY ctid ON CONFLICT DO NOTHING RETURNING id)"
            " SELECT count(*) FROM inserted",
            writes=True,
        )
        named_by = next(iter(keys))
        different = " OR ".join(f"staged.{column} IS DISTINCT FROM stored.{column}" for column in content)
        twins = " UNION ".join(
            f"SELECT staged.{named_by}::text AS named FROM {staged} AS staged JOIN {{schema}}.{name} AS stored"
            f" ON {_match(key)} WHERE {different} OR {differs}"
            for key in keys.values()
        )
        # A row is told from others by all that it could be found by.
        identity = names(dict.fromkeys((named_by, *chain.from_iterable(keys.values()))), "staged.")
        stored = " UNION ALL ".join(
            f"SELECT {identity} FROM {staged} AS staged JOIN {{schema}}.{name} AS stored ON {_match(key)}"
            for key in keys.values()
        )
        kept_out = (
            f"SELECT {named_by}::text FROM (SELECT {identity} FROM {staged} AS staged EXCEPT ({stored})) AS kept_out"
        )
        self.conflicts = Statement(
            "import",
            f"SELECT named FROM ({twins} UNION {kept_out}) AS conflicts"
            f' ORDER BY named COLLATE "C" LIMIT {MAX_CONFLICTS}',
        )


# What a row is depends on those before it, so they are inserted as they came; two imports of the same rows would
# deadlock where they came in another order, unless one waits for the other. This lock keeps out other imports, and not
# those who share the user.
LOCK_USER = Statement("import", "SELECT id FROM {schema}.users WHERE users.id = %(user_id)s::uuid FOR NO KEY UPDATE")
NEXT_USERS = Statement("import", "FETCH 500 FROM owners")
CLOSE_USERS = Statement("import", "CLOSE owners")


def _match(key: Iterable[str]) -> str:
    return " AND ".join(f"staged.{column} = stored.{column}" for column in key)
