"""How many blocks of tables and indexes a call touches: what it costs, whatever else the machine does."""

from collections.abc import Callable

import psycopg

from metacore.postgres.client.statement import Statement
from metacore.sync import Storage

FLUSH = "SELECT pg_stat_force_next_flush()"
"""Has the server count at once what the connection has done, as it does by itself each second."""

_BLOCKS = """
SELECT sum(heap_blks_read + heap_blks_hit + coalesce(idx_blks_read + idx_blks_hit, 0))::bigint
FROM pg_statio_user_tables WHERE schemaname = %s
"""


def blocks_of(admin: psycopg.Connection, storage: Storage, schema: str, call: Callable[[], object]) -> int:
    """The blocks of `schema` that `call` touches, by the one connection of `storage`."""
    before = _counted(admin, storage, schema)
    call()
    return _counted(admin, storage, schema) - before


def _counted(admin: psycopg.Connection, storage: Storage, schema: str) -> int:
    storage._session.fetch(Statement("flush", FLUSH), {})
    (count,) = admin.execute(_BLOCKS, [schema]).fetchone()
    return count
