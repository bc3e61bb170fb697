"""psycopg's blocking classes under the names that both worlds share."""

from psycopg import Connection, Cursor
from psycopg_pool import ConnectionPool

__all__ = ["Connection", "ConnectionPool", "Cursor"]
