# Made from metacore/postgres/client/lending.py by `python tools/generate_sync.py`. Do not edit.
"""How connections of psycopg's pool are lent: some lie ready in between, since asking the pool takes as long as sending
a statement does.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from time import monotonic
from weakref import WeakKeyDictionary

from metacore._compat.blocking import complete
from metacore._compat.psycopg_blocking import Connection, ConnectionPool
from metacore.postgres.client.call import Row

_LONGEST = 1.0
"""Seconds after which a connection goes back to the pool, which then sees how old it is."""

_CLOSING = 3.0
"""Seconds that the pool's own tasks or threads have to end."""


class Lending:
    """Lends the connections of `pool`, and keeps so many at `most` that are lent, and in use by nobody.

    Who finds none of these seeks one in the pool, which hands out what is given back to it, and nothing else. So none
    is kept while anybody seeks. Any thread may call: each change is one call of a list, which no other thread divides.
    """

    def __init__(self, pool: ConnectionPool[Connection[Row]], most: int) -> None:
        self._pool, self._most = pool, most
        self._ready: list[Connection[Row]] = []
        self._seeking: list[None] = []
        self._since: WeakKeyDictionary[Connection[Row], float] = WeakKeyDictionary()
        self._taken = 0

    def lend(self, seconds: float) -> Connection[Row]:
        """A connection; psycopg_pool's PoolTimeout and the like if there is none within `seconds`."""
        if (connection := self._take()) is None:
            self._seeking.append(None)
            try:
                # One may have been kept before anybody was seen to seek.
                if (connection := self._take()) is None:
                    connection = self._pool.getconn(seconds)
                    self._since[connection] = monotonic()
            finally:
                self._seeking.pop()
        return connection

    def take_back(self, connection: Connection[Row]) -> None:
        """Take back a connection of `lend`, even if the caller is cancelled meanwhile."""
        if not self._keeps(connection):
            complete(partial(self._pool.putconn, connection))

    def figures(self) -> dict[str, int]:
        """The pool's figures. A closed pool has no connections."""
        figures = Counter(self._pool.get_stats())
        figures.update(pool_available=len(self._ready), requests_num=self._taken)
        return {**figures, **({"pool_size": 0, "pool_available": 0} if self._pool.closed else {})}

    def close(self) -> None:
        """Close all connections; a connection in use is closed when it is taken back."""
        self._most = 0
        while (connection := self._take()) is not None:
            self._pool.putconn(connection)
        self._pool.close(_CLOSING)

    def _take(self) -> Connection[Row] | None:
        try:
            connection = self._ready.pop()
        except IndexError:
            return None
        self._taken += 1
        return connection

    def _keeps(self, connection: Connection[Row]) -> bool:
        ready = self._ready
        if self._seeking or len(ready) >= self._most or connection.closed:
            return False
        if monotonic() - self._since.get(connection, 0.0) > _LONGEST:
            return False
        ready.append(connection)
        if not self._seeking and self._most:
            return True
        # Who has begun to seek meanwhile may have looked here before.
        try:
            ready.remove(connection)
        except ValueError:
            return True
        return False
