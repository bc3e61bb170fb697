"""Texts and JSON are kept as they are, frozen, or refused."""

import copy
import json
import pickle
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from metacore.domain.people.users import NewUser
from metacore.domain.values.frozen import MAX_DEPTH, FrozenDict, freeze_json
from metacore.domain.values.json_text import dump_json, load_exactly, load_frozen_json
from metacore.testing.cases import each_case

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
numbers = st.decimals(-(10**30), 10**30, places=20) | st.integers(-(2**63), 2**63 - 1)
values = st.recursive(
    st.none() | st.booleans() | texts | numbers,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@each_case("text", ["", "x" * 256, "NUL \0", "\ud800", "ok\udfff", 5, None, b"bytes", ["list"], 1.5])
def test_what_cannot_be_a_key_is_refused_without_being_shown(text):
    with pytest.raises(ValidationError) as caught:
        NewUser(exchange=text)
    assert "exchange" in str(caught.value)
    assert "input_value" not in str(caught.value)


@pytest.mark.parametrize("telegram_id", [2**63, -(2**63) - 1, "5", 5.0, True, Decimal(5)])
def test_what_is_no_integer_of_64_bits_is_refused(telegram_id):
    with pytest.raises(ValidationError):
        NewUser(telegram_id=telegram_id)


@given(st.dictionaries(texts, values, max_size=4))
def test_json_is_kept_to_the_digit_and_in_order(value):
    frozen = freeze_json(value)
    assert load_frozen_json(dump_json(frozen)) == frozen == freeze_json(load_exactly(dump_json(frozen)))
    assert repr(load_frozen_json(dump_json(frozen))) == repr(frozen)
    assert list(frozen) == list(value)


@given(st.dictionaries(texts, values, max_size=4))
def test_frozen_json_is_hashable_copyable_and_picklable(value):
    frozen = freeze_json(value)
    assert hash(frozen) == hash(freeze_json(value))
    assert copy.deepcopy(frozen) is frozen
    assert pickle.loads(pickle.dumps(frozen)) == frozen
    assert type(pickle.loads(pickle.dumps(frozen))) is FrozenDict


@pytest.mark.parametrize(
    "value",
    [
        {"a": float("nan")},
        {"a": [float("inf")]},
        {"a": Decimal("NaN")},
        {"a": Decimal("1e1000")},
        {"a": 2**63},
        {"a": "\0"},
        {"\0": 1},
        {"\ud800": 1},
        {1: "a"},
        {"a": {1, 2}},
        {"a": b"bytes"},
        pytest.param({"a": object()}, id="an object"),
    ],
    ids=repr,
)
def test_what_json_or_a_backend_cannot_hold_is_refused(value):
    with pytest.raises(ValueError, match=r"JSON|text|number"):
        freeze_json(value)


def test_json_is_nested_to_a_limit():
    def nested(levels):
        return [] if levels == 1 else [nested(levels - 1)]

    assert freeze_json(nested(MAX_DEPTH))
    with pytest.raises(ValueError, match="nested"):
        freeze_json(nested(MAX_DEPTH + 1))


@each_case(
    "change",
    [
        lambda frozen: frozen.__setitem__("a", 1),
        lambda frozen: frozen.__delitem__("a"),
        lambda frozen: frozen.update(a=1),
        lambda frozen: frozen.setdefault("b", 1),
        lambda frozen: frozen.pop("a"),
        lambda frozen: frozen.popitem(),
        lambda frozen: frozen.clear(),
        lambda frozen: frozen.__ior__({"a": 1}),
        lambda frozen: frozen["a"][0].update(b=1),
        lambda frozen: frozen["a"].append(1),
    ],
)
def test_frozen_json_cannot_change(change):
    frozen = freeze_json({"a": [{"b": 2}]})
    with pytest.raises((TypeError, AttributeError)):
        change(frozen)
    assert json.dumps(frozen) == '{"a": [{"b": 2}]}'
