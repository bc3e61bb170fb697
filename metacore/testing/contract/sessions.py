"""The contract of the storage of sessions."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from metacore.domain.people.sessions import EndReason, Rotation, RotationOutcome, Session
from metacore.domain.people.users import User
from metacore.errors import AlreadyExistsError, InvalidDataError, NotFoundError
from metacore.sync.storage.sessions import SessionStorage
from metacore.sync.storage.storage import Storage
from metacore.testing.cases import each_case
from metacore.testing.clock import START, ManualClock
from metacore.testing.contract.base import Contract
from metacore.testing.contract.samples import NOBODY, SPOILT_TEXTS
from metacore.testing.factories import NewSessionFactory
from metacore.testing.runners import Runner

HASHES = [hashlib.sha256(b"%d" % n).digest() for n in range(20)]
IDLE, GRACE = START + timedelta(days=20), timedelta(seconds=10)

OPERATIONS: dict[str, Callable[[SessionStorage], object]] = {
    "create": lambda sessions: sessions.create(NewSessionFactory.build(user_id=NOBODY)),
    "get": lambda sessions: sessions.get(NOBODY, NOBODY),
    "rotate": lambda sessions: sessions.rotate(NOBODY, NOBODY, HASHES[0], HASHES[1], HASHES[2], IDLE, GRACE),
    "end": lambda sessions: sessions.end(NOBODY, NOBODY, "reason"),
    "end_all": lambda sessions: sessions.end_all(NOBODY, "reason"),
    "list": lambda sessions: sessions.list(NOBODY),
    "purge": lambda sessions: sessions.purge(START),
}
"""Every operation, on what does not exist."""

ROTATED, REPEATED, REUSED = RotationOutcome.ROTATED, RotationOutcome.REPEATED, RotationOutcome.REUSED
EXPIRED, ENDED, UNKNOWN = RotationOutcome.EXPIRED, RotationOutcome.ENDED, RotationOutcome.UNKNOWN


class SessionStorageContract(Contract):
    """Of `metacore.storage.sessions.SessionStorage`."""

    @pytest.fixture
    def session(self, storage: Storage, user: User) -> Session:
        return storage.sessions.create(NewSessionFactory.build(user_id=user.id, token_hash=HASHES[0]))

    @pytest.fixture
    def rotate(self, storage: Storage, session: Session) -> Callable[..., Rotation]:
        """A function that presents the nth secret, whose successor is the one after it."""

        def rotate(n: int, idle_until: datetime = IDLE, grace: timedelta = GRACE) -> Rotation:
            nonce = HASHES[(n + 7) % 20]
            return storage.sessions.rotate(
                session.user_id, session.id, HASHES[n], HASHES[n + 1], nonce, idle_until, grace
            )

        return rotate

    def test_what_is_created_is_stored(self, storage: Storage, user: User) -> None:
        for new in (NewSessionFactory.build(user_id=user.id), NewSessionFactory.build(user_id=user.id, label=None)):
            created = storage.sessions.create(new)
            assert created == Session.created(new, START) == storage.sessions.get(user.id, new.id)
            with pytest.raises(AlreadyExistsError) as caught:
                storage.sessions.create(new)
            assert (caught.value.entity, caught.value.field) == ("session", "id")

    def test_nobody_has_a_session(self, storage: Storage, session: Session, other: User) -> None:
        with pytest.raises(NotFoundError) as caught:
            storage.sessions.create(NewSessionFactory.build(user_id=NOBODY))
        assert caught.value.entity == "user"
        for user_id in (other.id, NOBODY):
            with pytest.raises(NotFoundError) as caught:
                storage.sessions.get(user_id, session.id)
            assert caught.value.entity == "session"
            rotation = storage.sessions.rotate(user_id, session.id, HASHES[0], HASHES[1], HASHES[2], IDLE, GRACE)
            assert rotation == Rotation(outcome=UNKNOWN, session=None, user=None)
            assert storage.sessions.end(user_id, session.id, "reason") is False

    def test_the_secret_in_force_gives_way(
        self, storage: Storage, user: User, clock: ManualClock, session: Session, rotate: Callable[..., Rotation]
    ) -> None:
        now = clock.advance()
        rotated = session.changed(
            token_hash=HASHES[1],
            previous_hash=HASHES[0],
            nonce=HASHES[7],
            generation=2,
            rotated_at=now,
            idle_until=IDLE,
        )
        assert rotate(0) == Rotation(outcome=ROTATED, session=rotated, user=user)
        assert storage.sessions.get(*_key(session)) == rotated

    def test_a_session_idles_no_longer_than_it_lives(self, session: Session, rotate: Callable[..., Rotation]) -> None:
        rotation = rotate(0, idle_until=START + timedelta(days=60))
        assert rotation.session is not None
        assert rotation.session.idle_until == session.expires_at

    def test_the_secret_before_is_repeated_within_the_grace(
        self, storage: Storage, user: User, clock: ManualClock, session: Session, rotate: Callable[..., Rotation]
    ) -> None:
        first = rotate(0)
        clock.advance(seconds=10)
        repeated = storage.sessions.rotate(*_key(session), HASHES[0], HASHES[11], HASHES[12], IDLE, GRACE)
        assert repeated == Rotation(outcome=REPEATED, session=first.session, user=user)
        assert storage.sessions.get(*_key(session)) == first.session
        assert rotate(1).outcome is ROTATED

    def test_the_secret_before_after_the_grace_ends_the_session(
        self, storage: Storage, user: User, clock: ManualClock, session: Session, rotate: Callable[..., Rotation]
    ) -> None:
        first = rotate(0).session
        assert first is not None
        now = clock.advance(seconds=10.000001)
        rotation, ended = rotate(0), first.changed(ended_at=now, end_reason="REUSED")
        assert rotation == Rotation(outcome=REUSED, session=ended, user=user)
        assert storage.sessions.get(*_key(session)) == rotation.session
        assert rotate(1) == Rotation(outcome=ENDED, session=rotation.session, user=user)

    def test_an_older_or_unknown_secret_ends_the_session_and_no_other(
        self, storage: Storage, user: User, rotate: Callable[..., Rotation]
    ) -> None:
        kept = storage.sessions.create(NewSessionFactory.build(user_id=user.id, token_hash=HASHES[9]))
        assert [rotate(n).outcome for n in (0, 1, 0, 2)] == [ROTATED, ROTATED, REUSED, ENDED]
        assert storage.sessions.list(user.id) == (kept,)
        rotation = storage.sessions.rotate(*_key(kept), HASHES[4], HASHES[5], HASHES[6], IDLE, GRACE)
        assert rotation.outcome is REUSED
        assert storage.sessions.list(user.id) == ()

    def test_of_many_at_once_one_is_rotated(
        self, storage: Storage, runner: Runner, session: Session, rotate: Callable[..., Rotation]
    ) -> None:
        found = [each for each in runner.together(*[lambda: rotate(0)] * 16) if isinstance(each, Rotation)]
        assert Counter(each.outcome for each in found) == {ROTATED: 1, REPEATED: 15}
        assert [each.session for each in found] == [storage.sessions.get(*_key(session))] * 16

    def test_what_was_undone_gives_way_again(self, storage: Storage, session: Session) -> None:
        call = (*_key(session), HASHES[0], HASHES[1], HASHES[2], IDLE, GRACE)
        with pytest.raises(KeyError), storage.transaction() as tx:
            assert [tx.sessions.rotate(*call).outcome for _ in range(2)] == [ROTATED, REPEATED]
            raise KeyError
        assert storage.sessions.rotate(*call).outcome is ROTATED

    def test_a_session_that_idled_or_lived_too_long_expires(
        self, storage: Storage, user: User, clock: ManualClock, session: Session, rotate: Callable[..., Rotation]
    ) -> None:
        clock.advance(days=7, seconds=-0.000001)
        assert rotate(0, idle_until=session.expires_at).outcome is ROTATED
        clock.advance(days=23, seconds=0.000001)
        assert storage.sessions.list(session.user_id) == ()
        stored = storage.sessions.get(*_key(session))
        assert [rotate(n) for n in (1, 0, 5)] == [Rotation(outcome=EXPIRED, session=stored, user=user)] * 3
        assert storage.sessions.get(*_key(session)) == stored

    def test_a_session_is_ended_once(
        self, storage: Storage, user: User, clock: ManualClock, session: Session, rotate: Callable[..., Rotation]
    ) -> None:
        now = clock.advance()
        ended = session.changed(ended_at=now, end_reason="LOGGED_OUT")
        assert storage.sessions.end(*_key(session), EndReason.LOGGED_OUT) is True
        clock.advance()
        assert storage.sessions.end(*_key(session), "again") is False
        assert storage.sessions.get(*_key(session)) == ended
        assert rotate(0) == Rotation(outcome=ENDED, session=ended, user=user)

    def test_all_sessions_are_ended_but_the_one_to_keep(self, storage: Storage, user: User, other: User) -> None:
        mine = [storage.sessions.create(NewSessionFactory.build(user_id=user.id)) for _ in range(3)]
        theirs = storage.sessions.create(NewSessionFactory.build(user_id=other.id))
        assert storage.sessions.end_all(user.id, "reason", keep=mine[1].id) == 2
        assert storage.sessions.list(user.id) == (mine[1],)
        assert [storage.sessions.end_all(user.id, "reason") for _ in range(2)] == [1, 0]
        assert storage.sessions.list(other.id) == (theirs,)

    def test_living_sessions_are_listed_newest_first(self, storage: Storage, clock: ManualClock, user: User) -> None:
        created = []
        for seconds in (1, 0, 1):
            clock.advance(seconds=seconds)
            created.append(storage.sessions.create(NewSessionFactory.build(user_id=user.id)))
        newest = sorted(created, key=lambda each: (each.created_at, each.id), reverse=True)
        assert storage.sessions.list(user.id) == tuple(newest)
        storage.sessions.end(user.id, newest[1].id, "reason")
        assert storage.sessions.list(user.id) == (newest[0], newest[2])

    def test_purge_deletes_what_has_expired(self, storage: Storage, user: User, other: User) -> None:
        days = {1: user, 2: other, 3: user, 4: user}
        sessions = []
        for day, owner in days.items():
            moment = START + timedelta(days=day)
            new = NewSessionFactory.build(user_id=owner.id, idle_until=moment, expires_at=moment)
            sessions.append(storage.sessions.create(new))
        storage.sessions.end(user.id, sessions[3].id, "reason")
        moment = START + timedelta(days=4)
        assert [storage.sessions.purge(moment, limit=2) for _ in range(3)] == [2, 1, 0]
        with pytest.raises(NotFoundError):
            storage.sessions.get(*_key(sessions[0]))
        assert storage.sessions.get(*_key(sessions[3])).end_reason == "reason"

    def test_sessions_go_with_their_user(self, storage: Storage, user: User, session: Session) -> None:
        storage.users.delete(user.id)
        with pytest.raises(NotFoundError):
            storage.sessions.get(*_key(session))

    def test_no_hash_is_shown(self, session: Session, rotate: Callable[..., Rotation]) -> None:
        rotation = rotate(0)
        for shown in (session, rotation, rotation.session):
            assert shown is not None
            text = f"{shown!r} {shown} {shown.model_dump()} {shown.model_dump_json()}"
            for name in ("token_hash", "previous_hash", "nonce"):
                assert name not in text

    @each_case("text", ["", "x" * 256, *SPOILT_TEXTS])
    def test_what_is_no_reason_is_refused(self, storage: Storage, session: Session, text: str) -> None:
        calls: list[Callable[[SessionStorage], object]] = [
            lambda sessions: sessions.end(*_key(session), text),
            lambda sessions: sessions.end_all(session.user_id, text),
        ]
        for call in calls:
            with pytest.raises(InvalidDataError) as caught:
                call(storage.sessions)
            assert caught.value.field == "reason"

    def test_what_is_no_hash_time_or_grace_is_refused(self, storage: Storage, session: Session) -> None:
        right: dict[str, Any] = {"presented_hash": HASHES[0], "next_hash": HASHES[1], "nonce": HASHES[2]}
        right |= {"idle_until": IDLE, "grace": GRACE}
        wrong: dict[str, tuple[Any, ...]] = dict.fromkeys(
            ("presented_hash", "next_hash", "nonce"), (b"", b"x" * 31, b"x" * 33, "x" * 32, None)
        )
        wrong["idle_until"] = (datetime(2026, 1, 1), "2026-01-01T00:00:00Z", None)  # noqa: DTZ001
        wrong["grace"] = (timedelta(microseconds=-1), timedelta(hours=1, microseconds=1), 10, None)
        for field, values in wrong.items():
            for value in values:
                with pytest.raises(InvalidDataError) as caught:
                    storage.sessions.rotate(*_key(session), **{**right, field: value})
                assert caught.value.field == field
        assert storage.sessions.get(*_key(session)) == session


def _key(session: Session) -> tuple[Any, Any]:
    return session.user_id, session.id
