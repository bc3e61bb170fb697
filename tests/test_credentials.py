"""Secrets and credentials: nothing but get_secret_value() gives a text away."""

import copy
import json
import pickle
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr, ValidationError

from metacore.domain.people.credentials import Credentials
from metacore.domain.values.secrets import MASK, Secret
from metacore.testing.cases import each_case

CANARY = "kanarienvogel-7f3a"
CREDENTIALS = Credentials(api_key=CANARY, api_secret=CANARY, passphrase=CANARY)


class Request(BaseModel):
    """A model of a service's own, which does not hide its input."""

    credentials: Credentials
    number: int = 0


def everything_of(error: BaseException | None) -> Iterator[str]:
    """All that a logger could print of `error`."""
    while error is not None:
        yield from (repr(error), str(error), repr(error.args), "".join(traceback.format_exception(error)))
        if isinstance(error, ValidationError):
            yield repr(error.errors())
        try:
            yield repr(pickle.dumps(error))
        except (TypeError, AttributeError, pickle.PicklingError) as refusal:
            yield repr(refusal)
        error = error.__cause__ or error.__context__


class TestSecret:
    @each_case("show", [str, repr, ascii, lambda s: f"{s}", lambda s: f"{s:>40}", lambda s: f"{s!r}", vars, dir])
    @each_case("text", [CANARY, "", "x" * 5000])
    def test_every_secret_looks_the_same(self, show: Callable[[Secret], object], text: str) -> None:
        assert str(show(Secret(text))) == str(show(Secret("another")))
        assert CANARY not in str(show(Secret(text)))

    def test_only_get_secret_value_gives_the_text(self) -> None:
        assert Secret(CANARY).get_secret_value() == CANARY
        assert isinstance(Secret(CANARY), SecretStr)

    @each_case(
        "use", [len, bytes, list, json.dumps, lambda s: s + "x", lambda s: s[0], lambda s: "k" in s, lambda s: f"{s:d}"]
    )
    def test_it_is_no_text(self, use: Callable[[Any], object]) -> None:
        with pytest.raises((TypeError, ValueError)) as caught:
            use(Secret(CANARY))
        assert CANARY not in str(caught.value)

    @each_case("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    @each_case("value", [Secret(CANARY), CREDENTIALS, {"deep": [CREDENTIALS]}])
    def test_it_refuses_to_be_pickled(self, value: object, protocol: int) -> None:
        with pytest.raises(TypeError, match="in the clear"):
            pickle.dumps(value, protocol)

    def test_it_gives_other_serializers_no_state_either(self) -> None:
        for give in (Secret(CANARY).__reduce__, Secret(CANARY).__getstate__):
            with pytest.raises(TypeError):
                give()

    def test_a_copy_is_the_secret_itself(self) -> None:
        secret = Secret(CANARY)
        assert copy.copy(secret) is copy.deepcopy(secret) is secret

    def test_secrets_of_the_same_text_are_equal_and_nothing_else_is(self) -> None:
        assert Secret(CANARY) == Secret(CANARY)
        assert hash(Secret(CANARY)) == hash(Secret(CANARY))
        assert Secret("é\ud800") == Secret("é\ud800")
        for other in (Secret("x"), Secret(""), SecretStr(CANARY), CANARY, None):
            assert Secret(CANARY) != other

    def test_it_cannot_change(self) -> None:
        with pytest.raises(AttributeError) as caught:
            Secret("x")._secret_value = CANARY  # type: ignore[misc]
        assert CANARY not in str(caught.value)

    @pytest.mark.parametrize("value", [b"x", 1, None, SecretStr("x")])
    def test_it_is_made_of_text(self, value: Any) -> None:
        with pytest.raises(TypeError, match="a secret is text"):
            Secret(value)


class TestCredentials:
    @pytest.mark.parametrize("make", [str, SecretStr, Secret])
    def test_they_are_made_of_text_or_secrets(self, make: Callable[[str], Any]) -> None:
        assert Credentials(api_key=make(CANARY), api_secret=make(CANARY), passphrase=make(CANARY)) == CREDENTIALS

    def test_no_text_is_in_what_is_made_of_them(self) -> None:
        shown = [
            repr(CREDENTIALS),
            str(CREDENTIALS),
            repr(CREDENTIALS.model_dump()),
            repr(CREDENTIALS.model_dump(mode="json")),
            CREDENTIALS.model_dump_json(),
            repr(Request(credentials=CREDENTIALS)),
            Request(credentials=CREDENTIALS).model_dump_json(),
            repr(CREDENTIALS.fields()),
            repr(Credentials.model_json_schema()),
        ]
        assert not [text for text in shown if CANARY in text]
        assert json.loads(CREDENTIALS.model_dump_json()) == dict.fromkeys(("api_key", "api_secret", "passphrase"), MASK)

    def test_the_json_made_of_them_does_not_pass_for_credentials(self) -> None:
        with pytest.raises(ValidationError, match="the mask that is shown"):
            Credentials.model_validate_json(CREDENTIALS.model_dump_json())

    @each_case(
        "read",
        [
            lambda: Credentials.model_validate({"api_key": CANARY, "api_secret": CANARY, "passphrase": CANARY}),
            lambda: Credentials.model_validate_strings({"api_key": CANARY, "api_secret": CANARY, "passphrase": CANARY}),
            lambda: Credentials.model_validate_json(json.dumps(dict.fromkeys(CREDENTIALS.fields(), CANARY))),
            lambda: Credentials.model_validate_json(json.dumps(dict.fromkeys(CREDENTIALS.fields(), CANARY)).encode()),
            lambda: Credentials.model_construct(api_key=CANARY, api_secret=CANARY, passphrase=CANARY),
            lambda: Request(credentials=dict.fromkeys(CREDENTIALS.fields(), CANARY)).credentials,  # type: ignore[arg-type]
            lambda: CREDENTIALS.model_copy(),
            lambda: CREDENTIALS.model_copy(deep=True),
            lambda: CREDENTIALS.model_copy(update={"passphrase": None}).model_copy(update={"passphrase": CANARY}),
            lambda: copy.deepcopy(CREDENTIALS),
        ],
    )
    def test_whatever_way_they_are_read_they_are_secrets(self, read: Callable[[], Credentials]) -> None:
        assert read() == CREDENTIALS
        assert CANARY not in repr(read())

    @each_case(
        "fail",
        [
            lambda: Credentials(api_key=CANARY),  # type: ignore[call-arg]
            lambda: Credentials(api_key=CANARY, api_secret=CANARY, apiSecret=CANARY),  # type: ignore[call-arg]
            lambda: Credentials(api_key=CANARY.encode(), api_secret=CANARY),  # type: ignore[arg-type]
            lambda: Credentials(api_key=[CANARY], api_secret={CANARY: CANARY}),  # type: ignore[arg-type]
            lambda: Credentials(api_key=CANARY * 1000, api_secret=CANARY),
            lambda: Credentials(api_key="", api_secret=CANARY),
            lambda: Credentials(api_key=SecretStr(""), api_secret=CANARY),
            lambda: Credentials(api_key=CANARY + "\0", api_secret=CANARY),
            lambda: Credentials(api_key=CANARY + "\ud800", api_secret=CANARY),
            lambda: Credentials(api_key=MASK, api_secret=CANARY),
            lambda: Credentials.model_validate(CANARY),
            lambda: Credentials.model_validate([CANARY]),
            lambda: Credentials.model_validate_json(f'{{"api_key": "{CANARY}", '),
            lambda: Credentials.model_validate_json(f'"{CANARY}"'),
            lambda: Credentials.model_validate_json(f'{{"api_key": "{CANARY}"}}'),
            lambda: Credentials.model_validate_strings({"api_key": CANARY}),
            lambda: Credentials.model_construct(api_key=CANARY),
            lambda: CREDENTIALS.model_copy(update={"api_key": CANARY * 1000}),
            lambda: setattr(CREDENTIALS, "api_key", CANARY),
            lambda: setattr(CREDENTIALS, "new", CANARY),
            lambda: delattr(CREDENTIALS, "api_key"),
            lambda: Request(credentials={"api_key": CANARY}),  # type: ignore[arg-type]
            lambda: Request(credentials=CREDENTIALS, number="x"),  # type: ignore[arg-type]
            lambda: json.dumps(CREDENTIALS.model_dump()),
        ],
    )
    def test_no_error_holds_a_text(self, fail: Callable[[], object]) -> None:
        # The source line of this test is in the traceback: the name of the canary is not the canary.
        with pytest.raises((ValidationError, TypeError)) as caught:
            fail()
        assert not [text for text in everything_of(caught.value) if CANARY in text]
