"""What an event holds: JSON of a bounded size, which cannot change."""

import json
import pickle
from datetime import datetime

import pytest
from pydantic import ValidationError

from metacore.domain.messages.events import MAX_PAYLOAD, NewEvent
from metacore.testing.factories import NewEventFactory

OVERHEAD = len('{"a":""}')


@pytest.mark.parametrize(("character", "size"), [("a", 1), ("é", 2), ("💶", 4)])
@pytest.mark.parametrize("field", ["payload", "headers"])
def test_json_of_an_event_has_at_most_a_mebibyte(field, character, size):
    most = (MAX_PAYLOAD - OVERHEAD) // size
    NewEventFactory.build(**{field: {"a": character * most}})
    with pytest.raises(ValidationError) as caught:
        NewEventFactory.build(**{field: {"a": character * (most + 1)}})
    assert caught.value.errors()[0]["loc"] == (field,)


def test_an_event_is_the_same_after_a_copy_by_pickle():
    event = NewEventFactory.build(payload={"amounts": [{"a": "1"}, None], "empty": {}})
    copy = pickle.loads(pickle.dumps(event))
    assert copy == event
    assert copy.changed(key="other").payload == event.payload


@pytest.mark.parametrize("field", ["topic", "key", "type"])
@pytest.mark.parametrize("text", ["", "x" * 256, "NUL \0", "lone \ud800", None, 1])
def test_what_is_no_key_is_refused(field, text):
    with pytest.raises(ValidationError):
        NewEventFactory.build(**{field: text})


@pytest.mark.parametrize("field", ["payload", "headers"])
@pytest.mark.parametrize(
    "value",
    [
        None,
        "text",
        [1],
        {1: 1},
        {"a": "\0"},
        {"\0": 1},
        {"a": "\ud800"},
        {"a": float("nan")},
        {"a": float("inf")},
        {"a": 2**63},
        {"a": {1}},
        json.loads('{"a":' * 65 + "1" + "}" * 65),
    ],
)
def test_what_is_no_object_of_finite_json_is_refused(field, value):
    with pytest.raises(ValidationError):
        NewEventFactory.build(**{field: value})


@pytest.mark.parametrize("number", ["1e9999999999999999999", "NaN", "9223372036854775808"])
def test_a_number_that_no_backend_can_store_is_refused_in_text(number):
    with pytest.raises(ValidationError):
        NewEvent.model_validate_json(f'{{"topic":"t","key":"k","type":"x","payload":{{"a":{number}}}}}')


def test_a_naive_time_is_refused():
    with pytest.raises(ValidationError):
        NewEventFactory.build(occurred_at=datetime(2026, 1, 1))  # noqa: DTZ001
