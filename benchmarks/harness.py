"""Rounds of contestants, interleaved, and the medians of what they took."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Contest:
    """Contestants that do the same work; the first is what the others are measured against."""

    title: str
    contestants: dict[str, Callable[[], object]]
    operations: int = 1
    rounds: int = 61

    def run(self) -> dict[str, float]:
        """Seconds for each operation, the median of all rounds; prints a line for each contestant."""
        times: dict[str, list[float]] = {name: [] for name in self.contestants}
        for contestant in self.contestants.values():
            contestant()
        for turn in range(self.rounds):
            names = list(self.contestants)
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                gc.collect()
                started = time.perf_counter()
                self.contestants[name]()
                times[name].append((time.perf_counter() - started) / self.operations)
        medians = {name: statistics.median(taken) for name, taken in times.items()}
        base = next(iter(medians))
        print(f"\n{self.title} ({self.rounds} rounds of {self.operations}, interleaved; medians)")
        for name, median in medians.items():
            ratios = [other / mine for mine, other in zip(times[name], times[base], strict=True)]
            low, _, high = statistics.quantiles(ratios, n=4)
            print(
                f"  {name:<28} {median * 1e6:>12,.1f} us   {1 / median:>12,.0f} /s"
                f"   {statistics.median(ratios):.2f} of {base} (median of rounds; quartiles {low:.2f} to {high:.2f})"
            )
        return medians
