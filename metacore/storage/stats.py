"""Figures of a running storage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Latency:
    """How long the `count` calls took that have come to their end, with an error or without: in seconds, altogether and
    the longest.
    """

    count: int
    total: float
    longest: float


@dataclass(frozen=True, slots=True)
class Stats:
    """Counters since the storage was opened.

    `operations` counts calls by storage and method, such as "orders.get", and `errors` those of them that raised, with
    "commit" for transactions that the server did not commit; `pool` has the figures of the
    connection pool (`pool_size`, `pool_available`, `requests_waiting`...), None without one. `latencies` are those of
    the operations by the same names, and `retries` counts what was tried again, by the class of the error before.
    """

    operations: Mapping[str, int] = field(default_factory=dict)
    errors: Mapping[str, int] = field(default_factory=dict)
    pool: Mapping[str, int] | None = None
    latencies: Mapping[str, Latency] = field(default_factory=dict)
    retries: Mapping[str, int] = field(default_factory=dict)
