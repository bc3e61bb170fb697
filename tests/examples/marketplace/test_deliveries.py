"""Which deliveries of events take effect, and when."""

from types import SimpleNamespace
from typing import Any

from marketplace.deliveries import Delivery, Postponed


def delivery(key: str, seq: int, does: bool = False, topic: str = "orders") -> Delivery:
    message: Any = SimpleNamespace(topic=topic)
    event: Any = SimpleNamespace(key=key) if does else None
    return Delivery(message, key, seq, "something", event)


def places(deliveries: list[Delivery]) -> list[tuple[str, int]]:
    return [(one.key, one.seq) for one in deliveries]


def test_what_does_nothing_is_due_with_the_next_of_its_key_that_does_something() -> None:
    postponed = Postponed()
    assert postponed.due_with([delivery("a", 1), delivery("b", 1), delivery("a", 2)]) == []
    assert postponed.count == 3
    due = postponed.due_with([delivery("c", 1, does=True), delivery("a", 3, does=True), delivery("a", 4)])
    assert places(due) == [("c", 1), ("a", 1), ("a", 2), ("a", 3)]
    assert postponed.count == 2
    assert places(postponed.due_with([delivery("a", 5, does=True)])) == [("a", 4), ("a", 5)]
    assert places(postponed.take_all()) == [("b", 1)]
    assert (postponed.count, postponed.take_all()) == (0, [])


def test_keys_of_two_topics_are_two() -> None:
    postponed = Postponed()
    postponed.due_with([delivery("a", 1, topic="stock")])
    assert places(postponed.due_with([delivery("a", 1, does=True)])) == [("a", 1)]
    assert postponed.count == 1


def test_all_that_is_postponed_is_taken_in_the_order_of_each_key() -> None:
    postponed = Postponed()
    postponed.due_with(delivery(key, seq) for seq in (1, 2) for key in ("a", "b"))
    assert places(postponed.take_all()) == [("a", 1), ("a", 2), ("b", 1), ("b", 2)]
