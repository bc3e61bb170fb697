"""psycopg's blocking half under the names that both worlds share."""

from psycopg import Connection, Cursor
from psycopg_pool import ConnectionPool

from metacore._compat.psycopg_undocumented import wait_blocking as wait

__all__ = ["Connection", "ConnectionPool", "Cursor", "wait"]
