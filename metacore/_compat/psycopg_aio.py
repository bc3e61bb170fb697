"""psycopg's asynchronous half under the names that both worlds share."""

from psycopg import AsyncConnection as Connection
from psycopg import AsyncCursor as Cursor
from psycopg_pool import AsyncConnectionPool as ConnectionPool

from metacore._compat.answers import wait

__all__ = ["Connection", "ConnectionPool", "Cursor", "wait"]
