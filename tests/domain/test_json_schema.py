"""Every public model has a JSON schema in both modes: one that has none takes an application's whole API page down."""

import inspect
import warnings

import pytest

import metacore
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
    assert set(schema["properties"]) == set(model.model_fields)


@pytest.mark.parametrize("name", ["ReportResult", "SettlementResult"])
def test_an_error_is_told_by_its_type_and_message(name):
    schema = getattr(metacore, name).model_json_schema(mode="serialization")
    told, nothing = schema["properties"]["error"]["anyOf"]
    assert (sorted(told["properties"]), nothing) == (["message", "type"], {"type": "null"})
    error = metacore.ConflictError("two of them")
    fields = dict.fromkeys(getattr(metacore, name).model_fields)
    result = getattr(metacore, name).model_construct(**fields | {"error": error})
    assert result.model_dump(mode="json", include={"error"}) == {
        "error": {"type": "ConflictError", "message": "two of them"}
    }
