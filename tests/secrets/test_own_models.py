"""A `Secret` in somebody's own model hides as it does in ours."""

import copy
import traceback

import pytest
from pydantic import BaseModel, ValidationError

from metacore import Credentials, Secret

CANARY = "canary-in-a-model"


class Own(BaseModel):
    secret: Secret
    other: Secret | None = None


def test_it_shows_nowhere() -> None:
    model = Own(secret=CANARY, other=CANARY)
    for copied in (model, copy.deepcopy(model), model.model_copy()):
        assert copied.secret.get_secret_value() == CANARY
        assert CANARY not in f"{copied!r} {copied} {copied.model_dump()} {copied.model_dump_json()}"


@pytest.mark.parametrize(
    "value", [f"{CANARY}\0", CANARY * 1000, [CANARY], {"key": CANARY}, CANARY.encode(), f"{CANARY}\ud800"]
)
@pytest.mark.parametrize("field", ["secret", "other"])
def test_no_error_repeats_it(value: object, field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Own(**{"secret": CANARY, field: value})
    assert CANARY not in f"{caught.value} {caught.value.errors()}"


@pytest.mark.parametrize(
    "values", [{"api_key": f"{CANARY}\0"}, {"bogus": CANARY}, {"api_secret": [CANARY]}, {"passphrase": ""}]
)
def test_changed_credentials_tell_nothing_of_what_was_wrong(values: dict[str, object]) -> None:
    credentials = Credentials(api_key=CANARY, api_secret=CANARY)
    with pytest.raises(ValidationError) as caught:
        credentials.changed(**values)
    walked = traceback.walk_tb(caught.value.__traceback__)
    frames = traceback.StackSummary.extract(walked, capture_locals=True)
    shown = [frame.locals for frame in frames if "/tests/" not in frame.filename]
    assert CANARY not in f"{caught.value} {caught.value.errors()} {shown}"
