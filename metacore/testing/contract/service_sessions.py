"""The contract of `SessionService`."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from metacore.crypto.passwords import HashCost
from metacore.domain.people.logins import FREE_FAILURES
from metacore.domain.people.sessions import SignedIn
from metacore.domain.people.users import User, UserPatch
from metacore.errors import (
    AlreadyExistsError,
    ConfigurationError,
    InvalidDataError,
    NotAllowedError,
    NotFoundError,
    SignInError,
    TokenError,
)
from metacore.sync.storage.storage import Storage
from metacore.testing.cases import each_case
from metacore.testing.clock import START, ManualClock
from metacore.testing.contract.base import Contract, Opening
from metacore.testing.contract.samples import NOBODY
from metacore.testing.runners import Runner

PASSWORD = "correct horse"  # noqa: S105
CHEAP = HashCost(memory=8, passes=1)
SMALL_E, CAPITAL_E, COMBINED = "\N{LATIN SMALL LETTER E WITH ACUTE}", "\N{LATIN CAPITAL LETTER E WITH ACUTE}", "e\u0301"

Sessions = Callable[..., Any]


class SessionServiceContract(Contract):
    """Of `metacore.services.sessions.SessionService`."""

    @pytest.fixture
    def service_with(self, storage: Storage, runner: Runner) -> Sessions:
        return lambda **settings: runner.service("SessionService", storage, **{"cost": CHEAP, **settings})

    @pytest.fixture
    def service(self, service_with: Sessions) -> Any:
        return service_with()

    @pytest.fixture
    def alice(self, service: Any) -> User:
        user: User = service.register("alice", PASSWORD)
        return user

    def test_a_new_user_has_the_permissions_named(self, service: Any, alice: User) -> None:
        assert alice.permissions == ()
        assert service.register("bob", PASSWORD, ["SELLER", "ADMIN"]).permissions == ("SELLER", "ADMIN")
        with pytest.raises(InvalidDataError, match="permissions"):
            service.register("carol", PASSWORD, [""])

    def test_who_is_registered_logs_in(self, storage: Storage, service: Any, alice: User) -> None:
        signed_in = service.log_in("alice", SecretStr(PASSWORD), label="x" * 300)
        assert signed_in.user == alice == storage.users.get_by_username("alice")
        assert service.sessions(alice.id) == (signed_in.session,)
        session = signed_in.session
        assert (session.label, session.created_at, session.generation) == ("x" * 255, START, 1)
        assert (session.idle_until, session.expires_at) == (START + timedelta(days=7), START + timedelta(days=30))
        assert signed_in.token.get_secret_value().startswith(f"{alice.id.hex}.{session.id.hex}.")
        with pytest.raises(AlreadyExistsError):
            service.register("alice", PASSWORD)

    def test_a_wrong_password_and_an_unknown_name_are_one_error(self, service: Any, alice: User) -> None:
        errors = []
        for name, password in (("alice", "wrong horse"), ("bob", PASSWORD), ("alice", ""), ("x" * 300, "x" * 2000)):
            with pytest.raises(SignInError) as caught:
                service.log_in(name, password)
            errors.append((str(caught.value), caught.value.locked_until))
        assert len(set(errors)) == 1

    @each_case(
        "other",
        [
            (True, PASSWORD),
            (False, PASSWORD.title()),
            (False, f"{PASSWORD} "),
            (True, "\N{FULLWIDTH LATIN SMALL LETTER C}" + PASSWORD[1:]),
        ],
    )
    def test_a_password_is_compared_after_nfkc(self, service: Any, alice: User, other: tuple[bool, str]) -> None:
        is_one, password = other
        if is_one:
            assert service.log_in("alice", password).user == alice
        else:
            with pytest.raises(SignInError):
                service.log_in("alice", password)

    def test_no_byte_of_a_password_is_cut_off(self, service: Any) -> None:
        for length in (72, 1000, 1024):
            user = service.register(f"user {length}", "x" * length)
            for password in ("x" * (length - 1), "x" * (length - 1) + "y"):
                with pytest.raises(SignInError):
                    service.log_in(f"user {length}", password)
            assert service.log_in(f"user {length}", "x" * length).user == user

    @each_case(
        "password", ["", "7 chars", COMBINED * 7, "x" * 1025, "lone \ud800 surrogate", None, 12345678, b"bytes and"]
    )
    def test_what_is_no_password_is_refused(self, service: Any, password: Any) -> None:
        with pytest.raises(InvalidDataError) as caught:
            service.register("alice", password)
        assert caught.value.field == "password"
        with pytest.raises(SignInError):
            service.log_in("alice", password)

    def test_names_are_one_by_the_rule_of_users(self, open_storage: Opening, runner: Runner) -> None:
        names = (SMALL_E, COMBINED, CAPITAL_E)
        assert unicodedata.normalize("NFD", SMALL_E) == COMBINED
        for normal, ids in ((False, 3), (True, 1)):
            service = runner.service("SessionService", open_storage(normalize_names=normal), cost=CHEAP)
            for name in names[:ids]:
                service.register(f"Andr{name}{normal}", PASSWORD)
            found = {service.log_in(f"Andr{name}{normal}", PASSWORD).user.id for name in names}
            assert len(found) == ids

    def test_many_at_once_get_one_successor(self, service: Any, alice: User, runner: Runner) -> None:
        first = service.log_in("alice", PASSWORD)
        answers = runner.together(*[lambda: service.refresh(first.token)] * 16)
        found = [each for each in answers if isinstance(each, SignedIn)]
        assert len(found) == 16
        assert len({each.token for each in found}) == 1
        assert service.refresh(found[0].token).session.generation == 3

    def test_a_token_whose_answer_was_lost_gets_the_same_successor(
        self, service: Any, clock: ManualClock, alice: User
    ) -> None:
        first = service.log_in("alice", PASSWORD)
        lost = service.refresh(first.token.get_secret_value())
        clock.advance(seconds=10)
        assert service.refresh(first.token) == lost
        clock.advance(seconds=1)
        with pytest.raises(TokenError) as caught:
            service.refresh(first.token)
        assert caught.value.reason == "REUSED"

    def test_an_older_token_ends_its_session_and_no_other(self, service: Any, alice: User) -> None:
        tokens = [service.log_in("alice", PASSWORD).token for _ in range(2)]
        for _ in range(2):
            tokens.append(service.refresh(tokens[-1]).token)
        reasons = []
        for token in (tokens[1], tokens[-1]):
            with pytest.raises(TokenError) as caught:
                service.refresh(token)
            reasons.append(caught.value.reason)
        assert reasons == ["REUSED", "ENDED"]
        assert service.refresh(tokens[0]).user == alice

    def test_a_session_idles_and_lives_as_long_as_it_may(
        self, service_with: Sessions, clock: ManualClock, alice: User
    ) -> None:
        service = service_with(idle=timedelta(hours=2), lifetime=timedelta(hours=3))
        token = service.log_in("alice", PASSWORD).token
        clock.advance(hours=2, seconds=-1)
        token = service.refresh(token).token
        clock.advance(hours=1, seconds=1)
        with pytest.raises(TokenError) as caught:
            service.refresh(token)
        assert caught.value.reason == "EXPIRED"

    def test_many_failures_lock_for_a_while(
        self, storage: Storage, service: Any, clock: ManualClock, alice: User
    ) -> None:
        locks = []
        for _ in range(FREE_FAILURES):
            with pytest.raises(SignInError) as caught:
                service.log_in("alice", "wrong horse")
            locks.append(caught.value.locked_until)
        assert locks == [None] * (FREE_FAILURES - 1) + [START + timedelta(seconds=1)]
        for password in ("wrong horse", PASSWORD):
            with pytest.raises(SignInError) as caught:
                service.log_in("alice", password)
            assert caught.value.locked_until == locks[-1]
        assert service.sessions(alice.id) == ()
        clock.advance(seconds=1)
        assert service.log_in("alice", PASSWORD).user == alice
        assert storage.logins.get(alice.id).failures == 0

    def test_who_is_not_active_neither_logs_in_nor_refreshes(self, storage: Storage, service: Any, alice: User) -> None:
        token = service.log_in("alice", PASSWORD).token
        storage.users.update(alice.id, UserPatch(is_active=False))
        with pytest.raises(NotAllowedError):
            service.log_in("alice", PASSWORD)
        with pytest.raises(SignInError):
            service.log_in("alice", "wrong horse")
        with pytest.raises(TokenError) as caught:
            service.refresh(token)
        assert caught.value.reason == "ENDED"
        assert service.sessions(alice.id) == ()

    def test_a_session_is_logged_out_once(self, service: Any, alice: User) -> None:
        tokens = [service.log_in("alice", PASSWORD).token for _ in range(3)]
        assert [service.log_out(tokens[0]) for _ in range(2)] == [True, False]
        kept = service.refresh(tokens[1]).session.id
        assert service.log_out_everywhere(alice.id, keep=kept) == 1
        assert [session.id for session in service.sessions(alice.id)] == [kept]
        with pytest.raises(TokenError):
            service.log_out("no token")

    def test_a_changed_password_ends_the_other_sessions(self, service: Any, alice: User) -> None:
        kept, _ = (service.log_in("alice", PASSWORD).session for _ in range(2))
        with pytest.raises(SignInError):
            service.change_password(alice.id, "wrong horse", "battery staple")
        with pytest.raises(InvalidDataError) as caught:
            service.change_password(alice.id, PASSWORD, "short")
        assert caught.value.field == "new_password"
        assert service.change_password(alice.id, PASSWORD, "battery staple", keep=kept.id) == 1
        assert service.sessions(alice.id) == (kept,)
        with pytest.raises(SignInError):
            service.log_in("alice", PASSWORD)
        assert service.reset_password(alice.id, PASSWORD) == 1
        assert service.log_in("alice", PASSWORD).user == alice

    def test_a_password_of_nobody_is_not_changed(self, service: Any, user: User) -> None:
        for user_id in (user.id, NOBODY):
            with pytest.raises(NotFoundError):
                service.change_password(user_id, PASSWORD, "battery staple")
        with pytest.raises(NotFoundError):
            service.reset_password(NOBODY, PASSWORD)
        assert service.reset_password(user.id, PASSWORD) == 0
        assert service.log_in(user.username, PASSWORD).user == user

    def test_another_cost_makes_another_hash(self, storage: Storage, service_with: Sessions, alice: User) -> None:
        before = storage.logins.get(alice.id)
        assert service_with(cost=HashCost(memory=16, passes=1)).log_in("alice", PASSWORD).user == alice
        after = storage.logins.get(alice.id)
        assert "m=16," in after.password_hash.get_secret_value()
        assert after.changed_at == before.changed_at
        assert service_with(cost=HashCost(memory=16, passes=1)).log_in("alice", PASSWORD).user == alice
        assert storage.logins.get(alice.id) == after

    def test_what_no_argon2_made_is_nobodys_password(self, storage: Storage, service: Any, alice: User) -> None:
        storage.logins.set_password(alice.id, PASSWORD)
        with pytest.raises(SignInError):
            service.log_in("alice", PASSWORD)

    @each_case(
        "setting",
        [
            {"idle": timedelta(0)},
            {"lifetime": 7},
            {"grace": timedelta(hours=2)},
            {"hashers": 0},
            {"cost": HashCost(memory="8")},  # type: ignore[arg-type]
        ],
    )
    def test_wrong_settings_are_refused(self, service_with: Sessions, setting: dict[str, Any]) -> None:
        with pytest.raises(ConfigurationError) as caught:
            service_with(**setting)
        assert caught.value.setting in setting
