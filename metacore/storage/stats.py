"""Figures of a running storage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Stats:
    """Counters since the storage was opened.

    `operations` counts calls by storage and method, such as "orders.get", and `errors` those of them that raised, with
    "commit" for transactions that the server did not commit; `pool` has the figures of the
    connection pool (`pool_size`, `pool_available`, `requests_waiting`...), None without one.
    """

    operations: Mapping[str, int] = field(default_factory=dict)
    errors: Mapping[str, int] = field(default_factory=dict)
    pool: Mapping[str, int] | None = None
