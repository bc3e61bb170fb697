"""A cache before a storage: what was read or written lately, and never what is known to be outdated."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Generic, TypeVar

from cachetools import TTLCache

from metacore.domain.values.model import Model
from metacore.errors import ConfigurationError, OutcomeUnknownError

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class CacheStats:
    """Counters since the cache was made; `evictions` made room for other entries, `size` is how many there are now, and
    `bytes` is about how much memory they take.
    """

    hits: int
    misses: int
    evictions: int
    size: int
    bytes: int


class ReadTicket:
    """A read that began when the cache had nothing: shared by all who miss the same key, until somebody writes it."""

    __slots__ = ()


class Write(Generic[V]):
    """A write that is under way. `value` is what to keep once it is stored; None to keep nothing."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: V | None = None


class Filling(Generic[K, V]):
    """A fill that is under way. `entries`, oldest first, take the place of the cache's; `written` came in meanwhile."""

    __slots__ = ("entries", "written")

    def __init__(self) -> None:
        self.entries: Iterable[tuple[K, V]] | None = None
        self.written: set[K] = set()


class Cache(Generic[K, V]):
    """Up to `max_size` entries of `max_bytes` together, each for `ttl` seconds of `timer`; the least recently used one
    makes room. An entry that is larger than `max_bytes` is not kept.

    Reads and writes of the storage are told to it when they begin and end, so that a slow read cannot bring back what
    was written meanwhile, and of writes to one key at the same time none is kept: nobody knows which came last. It
    may be shared by threads and tasks, and never waits.
    """

    def __init__(self, max_size: int, ttl: float, timer: Callable[[], float], max_bytes: int) -> None:
        if max_size < 1:
            raise ConfigurationError("a cache has room for at least one entry", setting="max_size")
        if max_bytes < 1:
            raise ConfigurationError("a cache has room for at least one byte", setting="max_bytes")
        if not ttl > 0:
            raise ConfigurationError("an entry is kept for more than 0 seconds", setting="ttl")
        self._new_entries: Callable[[], _Entries] = lambda: _Entries(max_size, ttl, timer, max_bytes)
        self._entries = self._new_entries()
        self._lock = threading.Lock()
        self._reads: dict[K, ReadTicket] = {}
        self._writes: dict[K, int] = {}
        self._clashes: set[K] = set()
        self._fillings: list[Filling[K, V]] = []
        self._hits = self._misses = self._evictions = 0

    def get(self, key: K) -> V | None:
        """The entry, None if there is none; counted as a hit or a miss."""
        with self._lock:
            try:
                value: V = self._entries[key]
            except KeyError:
                self._misses += 1
                return None
            self._hits += 1
            return value

    def find(self, key: K) -> V | None:
        """The entry, None if there is none; counted if it is a hit."""
        with self._lock:
            value: V | None = self._entries.get(key)
            self._hits += value is not None
            return value

    def peek(self, key: K) -> V | None:
        """The entry, None if there is none; not counted."""
        with self._lock:
            value: V | None = self._entries.get(key)
            return value

    def stats(self) -> CacheStats:
        """The counters."""
        with self._lock:
            self._entries.expire()
            evictions = self._evictions + self._entries.evictions
            return CacheStats(self._hits, self._misses, evictions, len(self._entries), int(self._entries.currsize))

    def begin_read(self, key: K) -> ReadTicket:
        """The ticket of the read of `key` that is to begin or, if nobody wrote it since, has begun already."""
        with self._lock:
            return self._reads.setdefault(key, ReadTicket())

    def end_read(self, key: K, ticket: ReadTicket, value: V | None) -> None:
        """Keep the `value` that was read, None if that failed, unless `key` was written since the ticket was given."""
        with self._lock:
            if self._reads.get(key) is ticket:
                del self._reads[key]
                if value is not None:
                    self._entries[key] = value

    @contextmanager
    def writing(self, key: K) -> Iterator[Write[V]]:
        """For the time of a write to the storage. Its failure leaves the entry as it was, an unknown outcome none."""
        with self._lock:
            self._writes[key] = self._writes.get(key, 0) + 1
            if self._writes[key] > 1:
                self._clashes.add(key)
        write: Write[V] = Write()
        changed = True
        try:
            yield write
        except BaseException as error:
            # Who was cancelled does not know the outcome either.
            changed = isinstance(error, OutcomeUnknownError) or not isinstance(error, Exception)
            write.value = None
            raise
        finally:
            with self._lock:
                self._end_write(key, write.value, changed)

    @contextmanager
    def filling(self) -> Iterator[Filling[K, V]]:
        """For the time of reading many entries, to take the place of all others at its end; an error keeps those."""
        filling: Filling[K, V] = Filling()
        with self._lock:
            self._fillings.append(filling)
        try:
            yield filling
        finally:
            with self._lock:
                self._fillings.remove(filling)
                if filling.entries is not None:
                    self._fill(filling.entries, filling.written)

    def _end_write(self, key: K, value: V | None, changed: bool) -> None:
        clashed = key in self._clashes
        self._writes[key] -= 1
        if not self._writes[key]:
            del self._writes[key]
            self._clashes.discard(key)
        if not changed:
            return
        self._reads.pop(key, None)
        for filling in self._fillings:
            filling.written.add(key)
        if value is None or clashed:
            self._entries.pop(key, None)
        else:
            self._entries[key] = value

    def _fill(self, entries: Iterable[tuple[K, V]], written: set[K]) -> None:
        before, self._entries = self._entries, self._new_entries()
        self._evictions += before.evictions
        for key, value in entries:
            if key not in written:
                self._entries[key] = value
        for key in written:
            if (kept := before.get(key)) is not None:
                self._entries[key] = kept


class _Entries(TTLCache[Any, Any]):
    """Least recently used first out, and counted; bounded by number and by bytes."""

    evictions = 0

    def __init__(self, max_size: int, ttl: float, timer: Callable[[], float], max_bytes: int) -> None:
        super().__init__(max_bytes, ttl, timer, getsizeof=footprint)
        self._max_size = max_size

    def __setitem__(self, key: Any, value: Any) -> None:
        try:
            super().__setitem__(key, value)
        except ValueError:
            # It is larger than the cache; what was kept before is outdated.
            self.pop(key, None)
        while len(self) > self._max_size:
            self.popitem()

    def popitem(self) -> tuple[Any, Any]:
        self.evictions += 1
        return super().popitem()


def footprint(value: object) -> int:
    """About how many bytes of memory `value`, a model or frozen JSON, takes with all its parts; the names of a model's
    fields are its class's.
    """
    size = sys.getsizeof(value)
    parts: list[Any] = [value]
    for part in parts:
        within: Iterable[object]
        if isinstance(part, Model):
            fields, extra = part.__dict__, part.__pydantic_extra__
            size += sys.getsizeof(fields)
            within = (*fields.values(), extra) if extra else fields.values()
        elif isinstance(part, tuple):
            within = part
        elif isinstance(part, Mapping):
            within = (*part, *part.values())
        else:
            continue
        size += sum(map(sys.getsizeof, within))
        parts += [inner for inner in within if type(inner) not in _WITHOUT_PARTS]
    return size


_WITHOUT_PARTS = frozenset({str, int, Decimal, bool, type(None)})
