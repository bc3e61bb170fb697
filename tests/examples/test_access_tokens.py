"""Access tokens: whose they are is known by the key alone, and what was not signed by it is worth nothing."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from pydantic import SecretStr

from common.access_tokens import AccessTokens, Claims
from common.problems import UnauthorizedError
from metacore import ConfigurationError, new_id

KEY = SecretStr("k" * 32)
TOKENS = AccessTokens("shop", KEY, timedelta(minutes=5))
CLAIMS = Claims(new_id(), new_id(), frozenset({"SELLER"}))


def now() -> datetime:
    return datetime.now(UTC)


def test_a_token_says_whose_it_is() -> None:
    assert TOKENS.verify(TOKENS.issue(CLAIMS, now())) == CLAIMS


def unsigned(token: str) -> str:
    head = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).decode().rstrip("=")
    return f"{head}.{token.split('.')[1]}."


def altered(token: str) -> str:
    head, body, signature = token.split(".")
    payload = json.loads(base64.urlsafe_b64decode(body + "=="))
    payload["sub"] = new_id().hex
    return f"{head}.{base64.urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip('=')}.{signature}"


def without(claim: str) -> str:
    payload = jwt.decode(TOKENS.issue(CLAIMS, now()), options={"verify_signature": False})
    del payload[claim]
    return jwt.encode(payload, KEY.get_secret_value(), "HS256")


@pytest.mark.parametrize(
    "make",
    [
        lambda: unsigned(TOKENS.issue(CLAIMS, now())),
        lambda: altered(TOKENS.issue(CLAIMS, now())),
        lambda: AccessTokens("shop", SecretStr("l" * 32)).issue(CLAIMS, now()),
        lambda: AccessTokens("bank", KEY).issue(CLAIMS, now()),
        lambda: TOKENS.issue(CLAIMS, now() - timedelta(minutes=6)),
        lambda: without("exp"),
        lambda: without("sid"),
        lambda: "",
        lambda: "\ud800.é." + "x" * 5000,
        lambda: "ä.b.c",
    ],
)
def test_what_the_key_did_not_sign_or_is_over_is_worth_nothing(make: Callable[[], str]) -> None:
    with pytest.raises(UnauthorizedError):
        TOKENS.verify(make())


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        AccessTokens("shop", SecretStr("short"))


def test_a_token_that_was_good_is_worth_nothing_once_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    token = TOKENS.issue(CLAIMS, now())
    assert TOKENS.verify(token) == TOKENS.verify(token) == CLAIMS
    monkeypatch.setattr("common.access_tokens.time.time", lambda: datetime.now(UTC).timestamp() + 600)
    with pytest.raises(UnauthorizedError, match="over"):
        TOKENS.verify(token)
