"""Where passwords are hashed: by a library that is loaded when it is needed."""

import subprocess
import sys

import pytest
from pytest_mock import MockerFixture

from metacore.crypto.passwords import HashCost
from metacore.domain.values.secrets import Secret
from metacore.errors import ConfigurationError, SignInError
from metacore.sync import SessionService, connect


def test_the_library_is_loaded_with_the_first_service() -> None:
    code = (
        "import sys, metacore.sync as m; from metacore import SessionService, HashCost; s = m.connect('memory://');"
        " print('argon2' in sys.modules); m.SessionService(s); print('argon2' in sys.modules)"
    )
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert printed.split() == ["False", "True"]


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "argon2", None)
    with pytest.raises(ConfigurationError, match=r"metacore\[auth\]"):
        SessionService(connect("memory://"))


def test_who_is_locked_out_while_a_password_is_proven_does_not_change_it(mocker: MockerFixture) -> None:
    with connect("memory://") as storage:
        service = SessionService(storage)
        user = service.register("alice", "correct horse")
        verify = service._hasher.verify

        def lock_out_and_verify(hashed: Secret, password: Secret) -> bool:
            for _ in range(21):
                storage.logins.fail(user.id)
            return verify(hashed, password)

        mocker.patch.object(service._hasher, "verify", side_effect=lock_out_and_verify)
        with pytest.raises(SignInError) as caught:
            service.change_password(user.id, "correct horse", "another horse")
        assert caught.value.locked_until is not None


def test_who_signs_in_while_the_hash_is_renewed_is_let_in(mocker: MockerFixture) -> None:
    with connect("memory://") as storage:
        SessionService(storage, cost=HashCost(passes=3)).register("alice", "correct horse")
        service, other = SessionService(storage), SessionService(storage)
        verify, renewals = service._hasher.verify, iter([other.log_in])

        def verify_while_it_is_renewed(hashed: Secret, password: Secret) -> bool:
            for log_in in renewals:
                log_in("alice", "correct horse")
            return verify(hashed, password)

        mocker.patch.object(service._hasher, "verify", side_effect=verify_while_it_is_renewed)
        signed_in = service.log_in("alice", "correct horse")
        assert len(service.sessions(signed_in.user.id)) == 2
