"""How long a relay pauses between its looks for events."""

from datetime import timedelta

import pytest

from metacore.sync import Relay, connect
from metacore.sync.services import relay as module
from metacore.testing.clock import ManualClock
from metacore.testing.factories import NewEventFactory


@pytest.mark.parametrize(("took", "pause"), [(0, 0.1), (0.04, 0.1), (0.125, 0.25), (7, 0.4)])
def test_it_looks_less_often_where_that_takes_long(monkeypatch: pytest.MonkeyPatch, took: float, pause: float) -> None:
    clock, pauses = ManualClock(), list[float]()

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        relay.stop()

    with connect("memory://", clock=clock) as storage:
        storage.outbox.append([NewEventFactory.build()])
        relay = Relay(storage, ["trading"], lambda _: clock.advance(seconds=took), pause=timedelta(seconds=0.1))
        monkeypatch.setattr(module, "sleep", sleep)
        relay.run()
    assert pauses == [pause]
