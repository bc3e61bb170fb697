# Made from metacore/storage/storage.py by `python tools/generate_sync.py`. Do not edit.
"""The contract of a storage as a whole, and of a transaction."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from metacore._compat.blocking import Eventual
from metacore.domain.trading.balances import Balance, BalanceKey
from metacore.domain.trading.decisions import Changes, Loaded, Selection
from metacore.storage.stats import Stats
from metacore.sync.storage.storages import StorageList

if TYPE_CHECKING:
    from metacore._compat.psycopg_blocking import Connection

T = TypeVar("T")


class Storages(StorageList, ABC):
    """What a storage and a transaction have in common: the storages of the list, and a transaction to bind them to.

    Every operation is atomic. Models that come out are frozen: nobody can change what is stored by way of them.
    Models that go in are never kept by reference to anything that can change. Bad input is refused with a typed error
    before anything is written.
    """

    @abstractmethod
    def now(self) -> datetime:
        """The time in UTC by the clock that the storage was opened with; it stamps `created_at` and `updated_at`."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[Transaction]:
        """A transaction (READ COMMITTED): its storages read its own writes, others see them from the commit on.

        Leaving the block normally commits all of it; leaving by an error, which passes on, stores nothing of it.
        Inside a transaction it is a savepoint: an error that leaves its block undoes the block alone, with what was
        done within the block by way of the transaction around it. An error of an operation dooms it up to the nearest
        savepoint if, and only if, `error.dooms_transaction` says so: later operations, and leaving the block normally,
        raise TransactionAbortedError then. After its end, it raises the same. A transaction is used by one task or
        thread at a time.
        """

    @abstractmethod
    def run(self, fn: Callable[[Transaction], Eventual[T]], attempts: int = 5) -> T:
        """What `fn` returns, called with a transaction that is committed after it.

        On a RetryableError it is called again in a new transaction, with exponential backoff and jitter, `attempts`
        times in all; on a LockTimeoutError, too, so that it may wait as many times for a lock. Each of these calls is
        made once more, at once, if the connection was lost before anything was sent to be committed. On a transaction
        it is called once, in a savepoint: only the outermost `run` calls again.
        """


class Transaction(Storages):
    """The storages bound to one transaction."""

    @property
    @abstractmethod
    def connection(self) -> Connection[Any]:
        """The connection of psycopg's that this transaction has, for statements of your own, which are part of it: they
        come to pass with it, or not at all; in a savepoint with that.

        A statement that fails dooms the transaction up to the nearest savepoint, those of `connection.transaction()`
        among them. It ends with the block: `commit`, `rollback` and `close` of the connection are refused, and after
        the end every statement. Its `search_path` is `pg_catalog`: name the schema of your tables. ConfigurationError
        where the storage keeps nothing in PostgreSQL.
        """

    @abstractmethod
    def load(self, selection: Selection) -> Loaded:
        """Load and lock what a decision rests on, as one pipelined operation.

        Locks are taken in one fixed order: users, then orders, reservations and trades, each sorted by key; entries and
        sums are read after them, and balances are locked at the end: `locked_balances` of existing users that are
        missing are stored as zero, and `stored_balances` that are missing left out. With `skip_locked`, reservations
        and `locked_balances` that another transaction has locked are left out. Two orders that the ids of one name
        are both loaded.
        """

    @abstractmethod
    def save(self, changes: Changes | Iterable[Changes], last: bool = False) -> Mapping[BalanceKey, Balance]:
        """Save a decision, all or nothing, as one pipelined operation, and give the balances that it moved as they are
        then. With `changes.feed`, the events that tell of it are appended to the outbox by the same operation.

        StaleVersionError if an order or a trade is not at the version that `changes` expects; NotFoundError if it, its
        user, or the order of an update, does not exist; AlreadyExistsError if one to be inserted does, or a unique
        field of a user is taken; InsufficientFundsError if a balance would fall below zero; InvalidDataError if it
        would have more than 38 digits before the point, or the feed lacks an order that is stored. Nothing is written
        then, and only AlreadyExistsError and InsufficientFundsError doom the transaction.

        A decision may come in parts, saved in their order as if each by itself: the storage asks for the next one while
        those before it are being stored. What parts but the first rest on has been loaded by this transaction, or
        stored by a part before. An error of such a part, or of what makes it, dooms the transaction.

        The `last` operation of a transaction, or of a savepoint, ends it, and saves the round trip of a commit: what
        comes after it in its block raises TransactionAbortedError, and an error that leaves the block undoes nothing.
        It ends no transaction around an open savepoint, and none of a connection that was bound.
        """


class Storage(Storages):
    """What `connect` gives: opened and closed by its `with` block or, where none fits, by `open` and `close`.

    It may be shared by all tasks of its event loop, or all threads of its process; used from another event loop,
    after a fork, or once closed, every operation raises StorageUnavailableError.

    An operation whose connection is lost is tried once more on a fresh one, unless it may have been committed:
    OutcomeUnknownError. No call takes more than a few seconds longer than its time-outs, whatever the server does.
    """

    @abstractmethod
    def bind(self, connection: Connection[Any]) -> Transaction:
        """A transaction on a connection of psycopg's that you have opened, in a transaction of your own: what is done
        by way of it is committed or undone by you, with that. It commits nothing, and never closes the connection.

        `connection` is psycopg's of this world, of the database that has this storage's tables; of SQLAlchemy's, it is
        the driver's. Each call sets what it rests on (the search path, the time zone, time-outs, what is asked of the
        planner), and puts it back as it was; nothing is prepared on it. What would doom a transaction makes the server
        refuse to commit yours, up to the nearest savepoint. InvalidDataError for what is no such connection, is in
        autocommit with no transaction begun, or speaks another encoding than UTF-8; ConfigurationError, at the first
        call, unless the transaction is READ COMMITTED, and where the storage keeps nothing in PostgreSQL.
        """

    @abstractmethod
    def ping(self) -> None:
        """Return if the storage answers; StorageUnavailableError if it does not, after five seconds at the latest."""

    @abstractmethod
    def stats(self) -> Stats:
        """The counters of operations and errors by name, and the figures of the connection pool, None where there is
        none.

        Each call counts once, as its storage and method (`orders.create_many`), `load`, `save` or `ping`, whatever it
        takes, in a transaction or not; one that raises counts among the errors, too, whatever it raises. A stream
        counts when it is read. Transactions and `run` do not count, what is done within them does. `latencies` have
        what counted and has come to its end; `retries` what `run`, or an operation that lost its connection, has tried
        again.
        """

    @abstractmethod
    def open(self) -> Self:
        """Open it and give it back, as entering its `with` block does; then it is for the caller to `close`.

        It opens once: StorageUnavailableError if it was opened before, closed since or not. One that cannot be opened
        holds nothing.
        """

    @abstractmethod
    def close(self) -> None:
        """Give back every connection and refuse further operations. Closing again does nothing."""

    @abstractmethod
    def __enter__(self) -> Self: ...

    @abstractmethod
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...
