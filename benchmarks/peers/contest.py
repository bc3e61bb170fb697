"""Rounds in which contestants take turns, and what came of them."""

from __future__ import annotations

import gc
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .peer import Peer

WARMING = 3
"""Calls of each worker before anything is measured: connections are made, statements prepared, accounts opened."""


@dataclass(frozen=True)
class Measure:
    """Seconds for a unit of one operation by one contestant, round by round."""

    work: str
    peer: str
    against: str
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    def quartiles(self) -> tuple[float, float]:
        return _quartiles(self.seconds)

    def ratios(self, base: Measure) -> tuple[float, float, float]:
        """How many times as fast as this one `base` was, round by round: first quartile, median, third."""
        ratios = [mine / its for mine, its in zip(self.seconds, base.seconds, strict=True)]
        low, high = _quartiles(ratios)
        return low, statistics.median(ratios), high


def _quartiles(values: Iterable[float]) -> tuple[float, float]:
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, high


def contest(work: str, peers: Iterable[Peer]) -> list[Measure]:
    """The measures of one operation, of those of `peers` that have it."""
    able = {peer.name: peer for peer in peers if hasattr(peer, work)}
    calls: dict[str, int] = {}
    for name, peer in able.items():
        call, size = getattr(peer, work), peer.size
        seconds, _ = peer.run(call, 1 if _is_long(work) else WARMING)
        if not _is_long(work):
            seconds, _ = peer.run(call, 1)
        calls[name] = max(1, round(size.seconds / seconds)) if seconds else 1
    taken: Mapping[str, list[float]] = {name: [] for name in able}
    rounds = min([peer.size.rounds for peer in able.values()] + [3] * _is_long(work), default=0)
    names = list(able)
    # What is there already is looked through no more: a collection before each turn takes a moment, then.
    gc.freeze()
    for turn in range(rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            gc.collect()
            seconds, units = able[name].run(getattr(able[name], work), calls[name])
            assert units, f"{name} did nothing"
            taken[name].append(seconds / units)
    gc.unfreeze()
    return [Measure(work, name, able[name].against, tuple(seconds)) for name, seconds in taken.items()]


def _is_long(work: str) -> bool:
    """Whether one call of it takes seconds."""
    return work == "bulk"
