"""How long to wait for more to be done at once: what costs the less the more is done by it, is done less often."""

from __future__ import annotations

_TIMES, _LONGEST = 2.0, 0.1


def linger_after(took: float, least: float = 0.0) -> float:
    """For how many seconds to wait after work that took so many: the busier all are, the longer it takes, and the more
    is in the next batch. Never so long that anybody would notice.
    """
    return max(least, min(_TIMES * took, _LONGEST))
