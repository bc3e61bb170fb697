"""Passwords, tokens and their hashes show themselves nowhere, whatever becomes of signing in."""

import logging
from uuid import uuid4

from metacore.domain.people.users import UserPatch

WRONG = "canary-of-a-wrong-password-1f0a"


def test_signing_in(evidence, runner, storage, canary, caplog):
    caplog.set_level(logging.DEBUG)
    service, name = runner.service("SessionService", storage), uuid4().hex
    user = service.register(name, canary.password)
    evidence.fail("taken", lambda: service.register(name, canary.password))
    evidence.fail("short", lambda: service.register("other", canary.password[:7]))
    evidence.fail("wrong", lambda: service.log_in(name, WRONG))
    first = service.log_in(name, canary.password)
    second = service.refresh(first.token)
    third = service.refresh(second.token.get_secret_value())
    evidence.fail("reused", lambda: service.refresh(first.token.get_secret_value()))
    evidence.fail("ended", lambda: service.refresh(third.token.get_secret_value()))
    evidence.fail("broken", lambda: service.log_out(third.token.get_secret_value()[1:]))
    evidence.fail("change", lambda: service.change_password(user.id, WRONG, canary.password))
    storage.users.update(user.id, UserPatch(is_active=False))
    evidence.fail("inactive", lambda: service.log_in(name, canary.password))
    login = storage.logins.get(user.id)
    evidence.add_shown(
        "reprs", [first, second, third, login, login.model_dump_json(), third.model_dump_json(), service]
    )
    evidence.add_shown("logged", caplog.text)
    secrets = [each.token.get_secret_value()[-43:] for each in (first, second, third)]
    hashes = [
        login.password_hash.get_secret_value(),
        *(each.session.token_hash.hex() for each in (first, second, third)),
    ]
    assert [secret for secret in (*secrets, WRONG, *hashes) if secret in evidence.text("")] == []
