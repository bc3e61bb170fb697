"""Events, parts of bars and dead letters, drawn."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from hypothesis import strategies as st

from metacore.domain.market.bars import minute_of
from metacore.domain.messages.dead_letters import DeadLetter
from metacore.domain.messages.events import NewEvent
from metacore.testing.factories import BarPartFactory

from .values import feeds, maybe, sources, texts, times

minutes = times.map(minute_of)

new_events = st.builds(
    NewEvent,
    id=st.integers(1, 10**6).map(lambda n: UUID(int=n)),
    topic=st.sampled_from(["1", "2"]),
    key=st.sampled_from(["1", "2"]),
    type=st.just("drawn"),
    payload=st.sampled_from([{}, {"a": [1, Decimal("1.0"), None]}]),
    headers=st.sampled_from([{}, {"a": "\\"}]),
    occurred_at=maybe(times),
)

bar_parts = st.builds(
    BarPartFactory.build,
    feed=feeds,
    symbol=sources,
    exchange=sources,
    starts_at=minutes,
    part=st.integers(1, 2).map(lambda n: UUID(int=n)),
    count=st.integers(1, 3),
)

dead_letters = st.builds(
    DeadLetter,
    source=sources,
    position=sources,
    key=maybe(texts),
    value=st.sampled_from([b"", b"\0\xff", None]),
    headers=st.sampled_from([{}, {"a": "\\"}]),
    error=texts,
    field=maybe(texts),
    failed_at=times,
)
