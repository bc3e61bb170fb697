"""How long a relay pauses between its looks for events."""

from datetime import timedelta

import pytest

from metacore._compat.blocking import Alarm
from metacore.sync import Relay, connect
from metacore.testing.clock import ManualClock
from metacore.testing.factories import NewEventFactory


@pytest.mark.parametrize(("took", "least", "most"), [(0, 0, 0.1), (0.04, 0.08, 0.1), (0.125, 0.1, 0.25), (7, 0.1, 0.4)])
def test_it_looks_less_often_where_that_takes_long(
    monkeypatch: pytest.MonkeyPatch, took: float, least: float, most: float
) -> None:
    clock, pauses = ManualClock(), list[tuple[float, float]]()

    def wait(_: Alarm, least: float, most: float) -> None:
        pauses.append((least, most))
        relay.stop()

    with connect("memory://", clock=clock) as storage:
        storage.outbox.append([NewEventFactory.build()])
        relay = Relay(storage, ["trading"], lambda _: clock.advance(seconds=took), pause=timedelta(seconds=0.1))
        monkeypatch.setattr(Alarm, "wait", wait)
        relay.run()
    assert pauses == [(least, most)]
