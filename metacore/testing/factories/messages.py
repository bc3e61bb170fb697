# pyright: reportIncompatibleVariableOverride=false
# Every `class Meta` of factory-boy overrides the one before it.
"""Factories of messages."""

from __future__ import annotations

from factory.base import Factory
from factory.declarations import LazyAttribute, Sequence

from metacore.domain.messages.dead_letters import DeadLetter
from metacore.domain.messages.events import NewEvent
from metacore.testing.factories.fields import moment


class NewEventFactory(Factory[NewEvent]):
    """An event of one and the same key, by default."""

    class Meta:
        model = NewEvent

    topic = "trading"
    key = "order"
    type = "order.changed"
    payload = Sequence(lambda n: {"number": n})
    occurred_at = Sequence(moment)


class DeadLetterFactory(Factory[DeadLetter]):
    """A message that is no JSON, at an offset of its own."""

    class Meta:
        model = DeadLetter

    source = "orders"
    position = Sequence(lambda n: f"0:{n}")
    key = "b563feb7b2b84b6test"
    value = b"{not JSON"
    headers = LazyAttribute(lambda _: {"content-type": "application/json"})
    error = "not JSON"
    field = "message"
    failed_at = Sequence(moment)
