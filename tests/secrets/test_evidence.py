"""The search for canaries finds what there is to find."""

import hashlib

import pytest

from metacore.errors import MetacoreError


def test_every_form_is_found(canary, found) -> None:
    forms = list(canary.forms())
    for number, (_, form) in enumerate(forms):
        found.add(f"place {number}", f"before {form} after")
    assert {leak.partition(" in ")[2] for leak in found.leaks()} == {f"place {n}" for n in range(len(forms))}


def test_errors_are_searched_along_their_chain_and_in_their_frames(canary, found) -> None:
    def leak() -> None:
        try:
            hashlib.new(canary.api_key)
        except ValueError:
            raise MetacoreError("nothing to see here") from None

    found.fail("chain", leak)
    assert any("hashlib.py" in leak for leak in found.leaks())
    assert "api_key in chain" in found.leaks()


def test_pickles_are_searched(canary, found) -> None:
    found.add_error("pickle", MetacoreError("nothing to see here", hidden=[{"deep": canary.passphrase}]))
    assert found.leaks() == ["passphrase in pickle"]


def test_personal_data_are_searched_in_what_is_shown(canary, found) -> None:
    forms = [form for _, form in canary.personal_forms()]
    found.add_error("hidden", MetacoreError("nothing to see here", values=forms))
    assert found.leaks() == []
    found.add_error("message", MetacoreError(" ".join(forms)))
    hashes = [f"hash of {whose} in message" for whose in ("a password", "a token", "an API key")]
    assert found.leaks() == ["e-mail address in message", *hashes, "nonce in message"]


def test_what_has_to_fail_fails(found) -> None:
    with pytest.raises(pytest.fail.Exception):
        found.fail("nothing", lambda: None)
