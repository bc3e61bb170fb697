"""Open JSON objects: nothing of the JSON is lost, nothing of the model can change."""

import copy
import json
import pickle
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from metacore.domain.values.json import JsonObject, Number, unchecked_object
from metacore.domain.values.json_text import load_json_object
from metacore.domain.values.text import Text
from metacore.testing.cases import each_case


class Part(JsonObject):
    name: Text | None = None
    price: Number | None = None


class Whole(JsonObject):
    key: Text | None = None
    part: Part | None = None
    parts: tuple[Part, ...] | None = None


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
keys = texts.filter(lambda key: key not in {"key", "part", "parts", "name", "price"})
numbers = st.integers(-(2**63), 2**63 - 1) | st.decimals(allow_nan=False, allow_infinity=False, places=5).filter(
    lambda number: abs(number) < 10**38
)
values = st.recursive(
    st.none() | st.booleans() | texts | numbers,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@st.composite
def objects(draw: st.DrawFn, fields: dict[str, st.SearchStrategy[Any]]) -> dict[str, Any]:
    """Some of the fields and some unknown keys, in any order."""
    known = draw(st.fixed_dictionaries({}, optional=fields))
    together = list({**draw(st.dictionaries(keys, values, max_size=3)), **known}.items())
    return dict(draw(st.permutations(together)))


parts = objects({"name": st.none() | texts, "price": st.none() | numbers})
wholes = objects(
    {"key": st.none() | texts, "part": st.none() | parts, "parts": st.none() | st.lists(parts, max_size=3)}
)


def dump(value: Any) -> str:
    """The JSON text that the standard library has no exact way to write."""
    if isinstance(value, Decimal):
        text = str(value)
        return text if "." in text or "E" in text else text + ".0"
    if isinstance(value, dict):
        return (
            "{" + ",".join(f"{json.dumps(key, ensure_ascii=False)}:{dump(item)}" for key, item in value.items()) + "}"
        )
    if isinstance(value, list):
        return "[" + ",".join(map(dump, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


@given(wholes)
def test_the_text_comes_back_to_the_character(value: dict[str, Any]) -> None:
    text = dump(value)
    whole = Whole.model_validate_json(text)
    assert whole.model_dump_json() == text
    assert Whole.model_validate_json(text.encode()) == whole == Whole.model_validate(value)


@given(wholes)
def test_an_object_is_restored_from_its_pieces(value: dict[str, Any]) -> None:
    whole = Whole.model_validate(value)
    values = {name: whole.__dict__[name] for name in Whole.model_fields}
    again = unchecked_object(Whole, values, whole.model_fields_set, whole.model_extra or {}, whole.key_order)
    assert again == whole
    assert again.model_dump_json() == whole.model_dump_json()
    assert again.model_fields_set == whole.model_fields_set


@given(wholes, st.randoms(use_true_random=False))
def test_the_order_of_keys_makes_no_other_object(value: dict[str, Any], random: Any) -> None:
    items = list(value.items())
    random.shuffle(items)
    one, other = Whole.model_validate(value), Whole.model_validate(dict(items))
    assert one == other
    assert hash(one) == hash(other)
    assert one.canonical_json() == other.canonical_json()


def test_what_is_absent_reads_as_none_and_differs_from_null() -> None:
    absent, null = Whole.model_validate_json('{"part":null}'), Whole.model_validate_json('{"key":null,"part":null}')
    assert absent.key is null.key is None
    assert absent != null
    assert (absent.present, null.present) == (("part",), ("key", "part"))
    assert (absent.model_dump(), null.model_dump()) == ({"part": None}, {"key": None, "part": None})
    assert absent.model_dump_json() == '{"part":null}'


@each_case(
    "text",
    [
        "0",
        "1",
        "-1",
        "1.0",
        "1.10",
        "0.00",
        "1E+2",
        "1.5E-7",
        "9223372036854775807",
        "99999999999999999999999999999999999999.0",
    ],
)
def test_a_number_keeps_its_json_type(text: str) -> None:
    part = Part.model_validate_json(f'{{"price":{text},"unknown":{text}}}')
    assert part.model_dump_json() == f'{{"price":{text},"unknown":{text}}}'
    assert type(part.price) is (int if text.lstrip("-").isdigit() else Decimal)


@pytest.mark.parametrize("text", ['"1"', "true", "1e38", "1e-37", "9223372036854775808", "[1]", '{"a":1}'], ids=str)
def test_what_is_no_number_is_refused_where_one_belongs(text: str) -> None:
    with pytest.raises(ValidationError, match="price"):
        Part.model_validate_json(f'{{"price":{text}}}')


def test_a_float_is_refused_where_a_number_belongs() -> None:
    with pytest.raises(ValidationError, match="price"):
        Part(price=1.5)  # type: ignore[arg-type]


def test_pydantic_s_own_dump_has_floats_that_json_can_write() -> None:
    whole = Whole.model_validate_json('{"part":{"price":1.50,"unknown":[2.5,{"deep":1}]},"more":0.5}')
    dumped = whole.model_dump(mode="json")
    assert json.loads(json.dumps(dumped)) == {"part": {"price": 1.5, "unknown": [2.5, {"deep": 1}]}, "more": 0.5}
    assert whole.model_dump()["part"]["price"] == Decimal("1.50")
    assert whole.model_dump(include={"more"}) == {"more": Decimal("0.5")}
    assert json.loads(whole.model_dump_json(indent=2)) == dumped


def test_nothing_of_it_can_be_changed() -> None:
    whole = Whole.model_validate_json('{"key":"a","unknown":{"deep":[{"x":1}]}}')
    extra = whole.model_extra
    assert extra is not None
    with pytest.raises(ValidationError):
        whole.key = "b"
    with pytest.raises(ValidationError):
        whole.unknown = 1  # type: ignore[attr-defined]
    with pytest.raises(TypeError):
        extra["unknown"] = 1
    with pytest.raises(TypeError):
        extra["unknown"]["deep"][0]["x"] = 2
    with pytest.raises(TypeError):
        extra["unknown"]["deep"][0] = 2


def test_what_it_was_made_of_stays_the_caller_s() -> None:
    value: dict[str, Any] = {"unknown": [1]}
    whole = Whole.model_validate(value)
    value["unknown"].append(2)
    assert whole.model_dump_json() == '{"unknown":[1]}'


def test_unknown_keys_never_hide_the_model_s_own_names() -> None:
    text = '{"model_dump_json":1,"content":2,"__dict__":3,"present":4,"key":"a"}'
    whole = Whole.model_validate_json(text)
    assert whole.model_dump_json() == text
    assert whole.content()["content"] == 2


def test_copies_are_checked_and_keep_what_is_unknown() -> None:
    whole = Whole.model_validate_json('{"unknown":1,"key":"a"}')
    assert whole.changed(key="b").model_dump_json() == '{"unknown":1,"key":"b"}'
    assert whole.model_copy(update={"part": {"name": "n"}}).part == Part(name="n")
    assert whole.changed() is whole
    with pytest.raises(ValidationError):
        whole.changed(key=1)
    for twin in (copy.copy(whole), copy.deepcopy(whole), pickle.loads(pickle.dumps(whole))):
        assert twin == whole
        assert twin.model_dump_json() == whole.model_dump_json()


@each_case(
    ("text", "reason"),
    [
        (b"\xef\xbb\xbf{}", "byte order mark"),
        ("\ufeff{}", "byte order mark"),
        (b"{\xff}", "UTF-8"),
        ("", "not JSON"),
        ("{", "not JSON"),
        ("{} {}", "not JSON"),
        ('{"a":NaN}', "NaN is no number"),
        ('{"a":-Infinity}', "no number"),
        ('{"a":1,"a":2}', "key twice"),
        ('{"a":{"b":1,"b":1}}', "key twice"),
        ('{"a":' + "1" * 5000 + "}", "64 bits"),
        ('{"a":' + "[" * 100_000, "deeply"),
        ("[]", "JSON object"),
        ("1", "JSON object"),
        ("null", "JSON object"),
    ],
)
def test_what_is_no_json_object_is_refused_with_its_reason(text: str | bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        load_json_object(text)
    with pytest.raises(ValidationError, match=reason):
        Whole.model_validate_json(text)


@pytest.mark.parametrize(
    "text",
    ['{"a\\u0000":1}', '{"a":"\\u0000"}', '{"a":"\\ud800"}', '{"a":9223372036854775808}', '{"a":1e1000}'],
)
def test_what_a_database_cannot_hold_is_refused_in_unknown_keys_too(text: str) -> None:
    with pytest.raises(ValidationError):
        Whole.model_validate_json(text)
