"""What an event holds: JSON of a bounded size, which cannot change."""

import pickle

import pytest
from pydantic import ValidationError

from metacore.domain.messages.events import MAX_PAYLOAD
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
