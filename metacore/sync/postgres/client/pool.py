# Made from metacore/postgres/client/pool.py by `python tools/generate_sync.py`. Do not edit.
"""The pool of connections that the sessions of one storage share."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import psycopg
from psycopg.pq import TransactionStatus
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from metacore._compat.psycopg_blocking import Connection, ConnectionPool, wait
from metacore.config import Settings
from metacore.domain.values.times import Clock
from metacore.errors import ConfigurationError, StorageClosedError, StorageUnavailableError
from metacore.postgres.client import network
from metacore.postgres.client.call import Call, Row
from metacore.postgres.client.connections import (
    PASSED_ON,
    RESETS,
    check_version,
    connection_parameters,
    limits,
    parse_url,
    pinned,
    pool_parameters,
    require_utf8,
)
from metacore.postgres.client.deadlines import MARGIN, within
from metacore.postgres.client.errors import READ_ONLY, exhausted, unreachable
from metacore.postgres.client.identifiers import check_schema_name
from metacore.postgres.client.pinning import SEARCH_PATH, SESSION, pin
from metacore.postgres.client.statement import Statement
from metacore.postgres.client.visiting import visiting
from metacore.postgres.client.waits import Waiting
from metacore.postgres.client.wire import Wire
from metacore.postgres.schema.state import SCHEMA_STATE, SchemaState, check_schema_state
from metacore.sync.backends.resources import Resources
from metacore.sync.postgres.client.lending import Lending

_SESSION = Statement("connect", SESSION)
_PIN = Statement("connect", pin().decode())
_STATE = Statement("connect", SCHEMA_STATE)
_logger = logging.getLogger(__name__)
T = TypeVar("T")


class Pool(Resources):
    """The connections that all operations of a storage share, and the schema that they use.

    A connection that the server has closed is not handed out. Once one is lost in use, all others that were made before
    it are closed, too: what it was lost by (a failover, say) has befallen them, and nobody may have told them.
    """

    backend = "postgresql"

    def __init__(
        self,
        url: str,
        settings: Settings | None = None,
        clock: Clock | None = None,
        lent: ConnectionPool[Any] | None = None,
    ) -> None:
        parse_url(url)
        super().__init__(settings, clock)
        if lent is not None and not isinstance(lent, ConnectionPool):
            raise ConfigurationError(
                f"it is psycopg_pool's {ConnectionPool.__name__} that may be handed in, not {type(lent).__name__}",
                setting="pool",
            )
        self.url = url
        self.schema = check_schema_name(self.settings.schema)
        self._lent = lent
        self._lending: Lending | None = None
        self._last_error: str | None = None
        self._lost_at = 0.0
        self._wires: WeakKeyDictionary[Connection[Row], Wire] = WeakKeyDictionary()
        self.patience = self.settings.statement_timeout + MARGIN
        self.limits = [pinned(self.settings)] if self.settings.timeouts_with_begin else []
        """What goes with each BEGIN."""
        self.is_cluster = False
        """Whether tables may lie on other servers, once it is open."""

    def open(self) -> None:
        """Connect once, directly, so that a wrong password or a missing schema is told at once; then open the pool."""
        if self._lent is not None:
            self._take(self._lent)
            return
        state, writable = self._check_server(connection_parameters(self.url, self.settings))
        self.is_cluster = state.is_cluster
        if state.is_cluster:
            self.limits = [*self.limits, PASSED_ON, *limits(self.settings)]
        parameters = connection_parameters(self.url, self.settings, state.is_cluster, writable)
        pool = ConnectionPool(
            "", kwargs=parameters, connection_class=self._recording_class(), **pool_parameters(self.settings)
        )
        # So many lie ready as the pool keeps open anyway.
        self._lending = Lending(pool, self.settings.pool_min_size)
        pool.open()

    def acquire(self, patience: float | None = None) -> Connection[Row]:
        """A connection of its own for one operation or transaction; `release` it whatever happens.

        It waits for one as long as the setting says, and no longer than `patience` seconds.
        """
        self.check()
        lending = self._lending
        assert lending is not None
        patience = min(self.settings.pool_timeout, patience or math.inf)
        end = monotonic() + patience
        try:
            while True:
                connection = lending.lend(max(end - monotonic(), 0.001))
                wire = self._wire(connection)
                if wire.made_at > self._lost_at and not wire.is_lost():
                    return connection
                connection.pgconn.finish()
                self.release(connection)
        except (PoolTimeout, TooManyRequests) as error:
            waited = None if isinstance(error, TooManyRequests) else patience
            raise exhausted(lending.figures(), waited, self._last_error) from error
        except PoolClosed as error:
            raise StorageClosedError("the storage is closed; open another one by connect()") from error

    def exchange(
        self,
        connection: Connection[Row],
        calls: Sequence[Call],
        openings: Sequence[bytes] = (),
        closing: bytes | None = None,
        patience: float | None = None,
        is_there: bool = False,
    ) -> list[list[Row]]:
        """The rows of each of `calls`, between the commands `openings` and `closing`, in one round trip.

        It takes no longer than `patience` seconds, or those of the pool. `is_there` says that the connection was
        acquired just now.
        """
        return self.perform(
            connection, lambda wire: wire.exchange(self.schema, calls, openings, closing, is_there), patience
        )

    def perform(
        self, connection: Connection[Row], work: Callable[[Wire], Waiting[T]], patience: float | None = None
    ) -> T:
        """What `work` of the connection's wire returns, as in `exchange`."""
        try:
            return wait(connection, within(work(self._wire(connection)), patience or self.patience))
        except psycopg.Error as error:
            if error.sqlstate == READ_ONLY:
                connection.pgconn.finish()
            if connection.closed:
                self._lost_at = monotonic()
            raise

    def _wire(self, connection: Connection[Row]) -> Wire:
        wire = self._wires.get(connection)
        if wire is None:
            wire = self._wires[connection] = Wire(connection, self.settings.prepared_statements, monotonic())
        return wire

    def release(self, connection: Connection[Row]) -> None:
        """Give back a connection of `acquire`, even if the caller is cancelled meanwhile.

        One that is still in a transaction, or at work, is closed: the pool makes another in its place.
        """
        if self._lending is None or self.is_inherited:
            return
        if connection.pgconn.transaction_status != TransactionStatus.IDLE:
            connection.pgconn.finish()
        self._lending.take_back(connection)

    def reset(self, connection: Connection[Row]) -> None:
        """Put a connection that others have used back as it was made, their leftovers dropped; not one of theirs."""
        if self._lent is None and connection.pgconn.transaction_status == TransactionStatus.IDLE:
            try:
                self.exchange(connection, (), RESETS, patience=MARGIN)
            except psycopg.Error:
                connection.pgconn.finish()

    def figures(self) -> dict[str, int] | None:
        """The pool's figures; None before it was opened. A closed pool has no connections."""
        return None if self._lending is None else self._lending.figures()

    def close(self) -> None:
        """Close all connections; a connection in use is closed when it is released."""
        if self._lending is not None and self._lent is None:
            self._lending.close()

    def _take(self, lent: ConnectionPool[Any]) -> None:
        """Use a pool of others: what is asked of its sessions goes with each BEGIN, and ends with the transaction."""
        if lent.closed:
            raise StorageUnavailableError("the pool that was handed in is not open; open it before the storage")
        # None lie ready: their owners want them back.
        self._lending = Lending(lent, 0)
        self.limits = [visiting(self.settings, is_cluster=False)]
        connection = self.acquire()
        try:
            require_utf8(connection)
            state, _ = self._look(connection)
        except psycopg.Error as error:
            raise unreachable(error, {}) from None
        finally:
            self.release(connection)
        self.is_cluster = state.is_cluster
        if state.is_cluster:
            self.limits = [visiting(self.settings, is_cluster=True), PASSED_ON, *limits(self.settings)]

    def _check_server(self, parameters: dict[str, Any]) -> tuple[SchemaState, bool]:
        network.warn(parameters)
        try:
            connection = Connection.connect(**parameters)
            try:
                return self._look(connection)
            finally:
                connection.close()
        except psycopg.Error as error:
            raise unreachable(error, parameters) from None

    def _look(self, connection: Connection[Row]) -> tuple[SchemaState, bool]:
        """What the server has of the schema, and whether the role was made read-only."""
        check_version(connection)
        calls: list[Call] = [(_SESSION, {}), (_PIN, {}), (_STATE, {"schema": self.schema})]
        ((path, writable),), _, rows = self.exchange(connection, calls, [b"BEGIN"], b"COMMIT")
        if path != SEARCH_PATH and not self.limits:
            _logger.warning(
                "What is asked of the session does not arrive, as behind a pooler: each operation has a BEGIN, and says"
                " it there. Set timeouts_with_begin or, to save that, run: ALTER ROLE ... SET search_path = %s",
                SEARCH_PATH,
            )
            self.limits = [pinned(self.settings)]
        return check_schema_state(rows, self.schema), writable

    def _recording_class(self) -> type[Connection[Row]]:
        pool = self

        class RecordingConnection(Connection[Row]):
            """Keeps the last connection error for PoolTimeoutError, which psycopg's own does not tell, and its time."""

            @classmethod
            def connect(cls, conninfo: str = "", **kwargs: Any) -> Any:
                began = monotonic()
                try:
                    connection = super().connect(conninfo, **kwargs)
                except psycopg.Error as error:
                    pool._last_error = str(error).strip()
                    raise
                pool._last_error = None
                pool._wires[connection] = Wire(connection, pool.settings.prepared_statements, began)
                return connection

        return RecordingConnection
