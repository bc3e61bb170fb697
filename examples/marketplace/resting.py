"""Doing less often what costs the less the more is done by it, and no less often than anybody would notice."""

from __future__ import annotations

_TIMES, _LONGEST = 2.0, 0.1


def resting(took: float, least: float = 0.0) -> float:
    """For how many seconds to rest after work that took so many: the busier all are, the longer it takes, and the more
    there is to be done together the next time.
    """
    return max(least, min(_TIMES * took, _LONGEST))
