"""The form of tokens, and what follows from a secret."""

import hashlib
import hmac
import pickle
from uuid import UUID

import pytest

from metacore.domain.people.tokens import TokenSecret, parse_token
from metacore.errors import TokenError
from metacore.testing.cases import each_case

USER, SESSION = UUID(int=0xABC), UUID(int=0xDEF)
SECRET = bytes(range(224, 256))
TEXT = f"{USER.hex}.{SESSION.hex}.4OHi4-Tl5ufo6err7O3u7_Dx8vP09fb3-Pn6-_z9_v8"


def test_a_token_comes_back() -> None:
    token = TokenSecret(SECRET).token(USER, SESSION)
    assert token.get_secret_value() == TEXT
    for form in (token, TEXT):
        parsed = parse_token(form)
        assert (parsed.user_id, parsed.session_id) == (USER, SESSION)
        assert parsed.secret.hashed() == hashlib.sha256(SECRET).digest()


def test_a_successor_is_made_of_the_secret_and_the_nonce() -> None:
    successor = TokenSecret(SECRET).successor(b"nonce")
    assert successor.hashed() == hashlib.sha256(hmac.new(SECRET, b"nonce", "sha256").digest()).digest()


@each_case(
    "text",
    [
        "",
        TEXT[:-1],
        f"{TEXT}=",
        f" {TEXT}",
        f"{TEXT}\n",
        TEXT.upper(),
        f"{TEXT[:-1]}9",
        TEXT.replace("-", "+"),
        TEXT.replace(".", ":"),
        f"{USER}.{SESSION}.{TEXT[-43:]}",
        TEXT.replace("0", "\N{ARABIC-INDIC DIGIT ZERO}"),
        None,
        TEXT.encode(),
        7,
    ],
)
def test_a_token_has_one_form(text: object) -> None:
    with pytest.raises(TokenError) as caught:
        parse_token(text)
    assert caught.value.reason == "UNKNOWN"


def test_a_secret_shows_itself_to_nobody() -> None:
    secret = TokenSecret(SECRET)
    for shown in (f"{secret!r} {secret}", repr(parse_token(TEXT))):
        assert TEXT[-43:] not in shown
        assert "\\xff" not in shown
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(AttributeError):
        secret.secret = b""  # type: ignore[attr-defined]
