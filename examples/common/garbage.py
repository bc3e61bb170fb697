"""How often a process that holds much for long looks for cycles in it."""

from __future__ import annotations

import gc

_AFTER = (50_000, 20, 50)


def collect_seldom() -> None:
    """Look for cycles seldom, and never again in what there is now: to go through all that is kept, again and again,
    takes a quarter of the time of a process that keeps many things, and stops it for some hundredths of a second.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_AFTER)
