# Made from metacore/backends/bundles.py by `python tools/generate_sync.py`. Do not edit.
"""The storages of the list over one session, each with its counters."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from inspect import getmembers, isclass, isfunction
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from metacore._compat.blocking import ContextGuard, Eventual, retry
from metacore.backends.arguments import require_changes, require_ids
from metacore.backends.modules import module_of, path_of
from metacore.domain.trading.balances import Balance, BalanceKey
from metacore.domain.trading.decisions import Changes, Loaded, Selection
from metacore.errors import ConfigurationError, MetacoreError, RetryableError, TransactionAbortedError, bare
from metacore.storage.stats import Stats
from metacore.sync.backends.counting import counted
from metacore.sync.backends.operations import WholeOperation
from metacore.sync.backends.sessions import BaseAutocommitSession, BaseSession, BaseTransactionSession
from metacore.sync.storage.storage import Storage, Storages, Transaction
from metacore.sync.storage.storages import STORAGES
from metacore.sync.storage.streams import pages_of

if TYPE_CHECKING:
    from metacore._compat.psycopg_blocking import Connection

T = TypeVar("T")


class Bundle(ContextGuard, Storages):
    """The storages over one session: the storage's own, or that of a transaction."""

    def __init__(self, session: BaseSession[Any], package: str) -> None:
        self._session = session
        self._classes = storage_classes(package)

    def storage(self, name: str) -> Any:
        """The storage of this name, made when it is first asked for."""
        storage = vars(self)[name] = self._classes[name](self._session)
        return storage

    def now(self) -> datetime:
        return self._session.now()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        with self._session.transaction() as session:
            yield self._bound(session)

    @abstractmethod
    def _bound(self, session: Any) -> Transaction:
        """The transaction of a session."""


class BaseTransaction(Bundle, Transaction):
    """The storages bound to one transaction."""

    package: ClassVar[str]
    """Where the storages are: in a module each, named as in the list."""

    def __init__(self, session: BaseTransactionSession[Any]) -> None:
        super().__init__(session, self.package)
        self._state = session

    def _bound(self, session: Any) -> Transaction:
        return type(self)(session)

    def run(self, fn: Callable[[Transaction], Eventual[T]], attempts: int = 5) -> T:  # noqa: ARG002
        return self._session.run(lambda session: fn(self._bound(session)))

    @property
    def connection(self) -> Connection[Any]:
        raise without_connection(self)

    def load(self, selection: Selection) -> Loaded:
        with WholeOperation(self._session, "load"):
            require_ids(selection)
            return self._load(selection)

    def save(self, changes: Changes | Iterable[Changes], last: bool = False) -> Mapping[BalanceKey, Balance]:
        with WholeOperation(self._session, "save"):
            ends = last and self._state.can_conclude
            if isinstance(changes, Iterable):
                saved = self._save_parts(iter(changes), ends)
            else:
                saved = self._save(self._checked(changes), None, ends)
            if ends:
                self._state.conclude()
            return saved

    def _save_parts(self, parts: Iterator[Changes], last: bool) -> Mapping[BalanceKey, Balance]:
        first = next(parts, None)
        if first is None:
            self._session.check()
            return {}
        is_asked = False

        def others() -> Iterator[Changes]:
            nonlocal is_asked
            is_asked = True
            for part in parts:
                yield self._checked(part)

        try:
            return self._save(self._checked(first), others(), last)
        except BaseException as error:
            if is_asked:
                cause = (
                    error if isinstance(error, MetacoreError) else TransactionAbortedError("a part could not be made")
                )
                self._state.doom(cause, type(error).__name__)
            raise

    def _checked(self, changes: Changes) -> Changes:
        require_changes(changes)
        names = self._session.normal_names
        return changes if names is None else names.of_changes(changes)

    @abstractmethod
    def _load(self, selection: Selection) -> Loaded:
        """See `load`."""

    @abstractmethod
    def _save(self, changes: Changes, others: Iterator[Changes] | None, last: bool) -> Mapping[BalanceKey, Balance]:
        """See `save`, of `changes` and then, if there are any, the `others`; if it is the `last` operation, the
        transaction is concluded after it, or by it.
        """


class BaseStorage(Bundle, Storage):
    """A storage: opened once, closed at the end, with what all of its operations share."""

    transaction_class: ClassVar[type[BaseTransaction]]
    _session: BaseAutocommitSession[Any]

    def __init__(self, session: BaseAutocommitSession[Any]) -> None:
        super().__init__(session, self.transaction_class.package)
        self._resources = session.resources

    def _bound(self, session: Any) -> Transaction:
        return self.transaction_class(session)

    def run(self, fn: Callable[[Transaction], Eventual[T]], attempts: int = 5) -> T:
        def attempt() -> T:
            return self._session.run(lambda session: fn(self._bound(session)))

        note = self._resources.counters.note_retry
        return retry(attempt, attempts=attempts, on=RetryableError, base=0.01, limit=1, note=note)

    def bind(self, connection: Connection[Any]) -> Transaction:  # noqa: ARG002
        raise without_connection(self)

    def ping(self) -> None:
        with WholeOperation(self._session, "ping"):
            self._session.ping()

    def stats(self) -> Stats:
        counters = self._resources.counters
        return Stats(
            dict(counters.operations),
            dict(counters.errors),
            self._resources.figures(),
            counters.latencies(),
            dict(counters.retries),
        )

    def open(self) -> Self:
        self._resources.begin()
        try:
            self._resources.open()
        except BaseException as error:
            self.close()
            if not isinstance(error, MetacoreError):
                raise
            failure = error
        else:
            return self
        raise bare(failure)

    def close(self) -> None:
        self._resources.end()
        if not self._resources.is_inherited:
            self._resources.close()

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def without_connection(bundle: Bundle) -> ConfigurationError:
    """The error of a storage that keeps nothing in PostgreSQL, where a connection is wanted."""
    return ConfigurationError(
        f"{type(bundle).__name__} is not in PostgreSQL, and has no connection to share: open postgresql://... or"
        " embedded: where statements of your own go along",
        setting="url",
    )


@cache
def storage_classes(package: str) -> Mapping[str, type]:
    """The classes of the storages in `package`, by their names; ConfigurationError, naming the file, if one lacks."""
    return {name: counted(name, *_find(package, name, protocol)) for name, protocol in STORAGES.items()}


def _find(package: str, name: str, protocol: type) -> tuple[type, dict[str, Any]]:
    path, module = path_of(package, name), module_of(package, name)
    kinds = [kind for _, kind in getmembers(module, isclass) if kind.__module__ == module.__name__]
    kinds = [kind for kind in kinds if protocol in kind.__mro__]
    if len(kinds) != 1:
        raise ConfigurationError(
            f"{path} has {len(kinds) or 'no'} classes that inherit from {protocol.__name__}: write the one that is"
            f" the storage `{name}` of {package}"
        )
    methods = {key: value for key, value in getmembers(protocol, isfunction) if not key.startswith("_")}
    lacking = (key for key, value in methods.items() if getattr(kinds[0], key) is value and pages_of(value) is None)
    if missing := sorted(lacking):
        raise ConfigurationError(
            f"{path}: {kinds[0].__name__} lacks {', '.join(missing)} of {protocol.__name__}: write what is missing"
        )
    return kinds[0], methods
