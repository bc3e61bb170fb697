"""Statements of a bulk import: COPY to a staging table, one INSERT that skips what is stored, a look for what
differs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

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
        # What a row is depends on those before it, so they are inserted as they came; two imports of the same rows
        # would deadlock where they came in another order, unless one waits for the other. This lock keeps out other
        # imports, and not those who share the user. Joined, all users would be read: the planner does not see how few
        # the rows name.
        self.lock_users = Statement(
            f"{name}.create_many",
            "SELECT user_id FROM (SELECT user_id, (SELECT id FROM {schema}.users WHERE users.id = told.user_id"
            f" FOR NO KEY UPDATE) AS found FROM (SELECT DISTINCT user_id FROM {staged} ORDER BY user_id) AS told"
            " OFFSET 0) AS locked WHERE found IS NULL LIMIT 1",
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
        kept_out = f"SELECT staged.{named_by}::text FROM {staged} AS staged WHERE " + " AND ".join(
            f"NOT EXISTS (SELECT FROM {{schema}}.{name} AS stored WHERE {_match(key)})" for key in keys.values()
        )
        self.conflicts = Statement(
            "import",
            f"SELECT named FROM ({twins} UNION {kept_out}) AS conflicts"
            f' ORDER BY named COLLATE "C" LIMIT {MAX_CONFLICTS}',
        )


def _match(key: Iterable[str]) -> str:
    return " AND ".join(f"staged.{column} = stored.{column}" for column in key)
