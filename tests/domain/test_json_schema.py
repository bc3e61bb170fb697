"""Every public model has a JSON schema in both modes: one that has none takes an application's whole API page down."""

import inspect
import warnings

import pytest

import metacore
from metacore.domain.meanings import FIELDS, FIELDS_OF, meaning
from metacore.domain.values.model import Model

MODELS = sorted(
    name
    for name in metacore.__all__
    if inspect.isclass(value := getattr(metacore, name)) and issubclass(value, Model) and value is not Model
)


@pytest.mark.parametrize("mode", ["validation", "serialization"])
@pytest.mark.parametrize("name", MODELS)
def test_a_public_model_has_a_schema(name, mode):
    model = getattr(metacore, name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        schema = model.model_json_schema(mode=mode)
    schema = schema["$defs"][name] if "$ref" in schema else schema
    assert (schema["type"], schema["title"]) == ("object", name)
    written = {field for field, info in model.model_fields.items() if mode == "validation" or not info.exclude}
    assert set(schema["properties"]) == written
    assert [field for field, described in schema["properties"].items() if not described.get("description")] == []


def test_a_docstring_below_a_field_is_its_description():
    fields = metacore.User.model_json_schema()["properties"]
    assert fields["balances_synced_at"]["description"] == "When it was taken over, by our clock."
    assert fields["username"]["description"] == "The user's name, unique over all users."


def test_each_meaning_is_that_of_a_field():
    models = [getattr(metacore, name) for name in MODELS]
    used = {
        name
        for model in models
        for name in model.model_fields
        if meaning(tuple(kind.__name__ for kind in model.__mro__), name) == FIELDS.get(name)
    }
    assert FIELDS.keys() - used == set()
    assert {(name, field) for name, fields in FIELDS_OF.items() for field in fields} <= {
        (kind.__name__, field) for model in models for kind in model.__mro__ for field in model.model_fields
    }


@pytest.mark.parametrize("name", ["ReportResult", "SettlementResult"])
def test_an_error_in_json_is_its_type_and_message(name):
    schema = getattr(metacore, name).model_json_schema(mode="serialization")
    error_schema, nothing = schema["properties"]["error"]["anyOf"]
    assert (sorted(error_schema["properties"]), nothing) == (["message", "type"], {"type": "null"})
    error = metacore.ConflictError("two of them")
    fields = dict.fromkeys(getattr(metacore, name).model_fields)
    result = getattr(metacore, name).model_construct(**fields | {"error": error})
    assert result.model_dump(mode="json", include={"error"}) == {
        "error": {"type": "ConflictError", "message": "two of them"}
    }
