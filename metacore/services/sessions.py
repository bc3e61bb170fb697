"""Signing in: passwords, sessions, and tokens that give way to their successors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from functools import partial
from secrets import token_bytes
from typing import TypeVar
from uuid import UUID, uuid4

from pydantic import SecretStr

from metacore._compat.aio import Slots, complete, in_thread, require_own_world
from metacore.crypto.passwords import HashCost, PasswordHasher
from metacore.domain.people.logins import Login
from metacore.domain.people.passwords import parse_password
from metacore.domain.people.sessions import (
    HASH_LENGTH,
    LONGEST_GRACE,
    EndReason,
    NewSession,
    RotationOutcome,
    Session,
    SignedIn,
)
from metacore.domain.people.tokens import SECRET_LENGTH, TokenSecret, parse_token
from metacore.domain.people.users import NewUser, User
from metacore.domain.values.model import build, require_id
from metacore.domain.values.secrets import Secret, hide
from metacore.domain.values.text import MAX_KEY_LENGTH, require_key, require_text
from metacore.errors import ConfigurationError, InvalidDataError, NotFoundError, SignInError, TokenError
from metacore.services.transactions import in_transaction
from metacore.storage.storage import Storages, Transaction

T = TypeVar("T")


class SessionService:
    """Signs users in, and keeps them signed in by tokens that change and log nobody out by that.

    Tokens and passwords go in as text or SecretStr, and tokens come out as `Secret`: nothing shows them but
    `get_secret_value()`. A session ends when it was not refreshed for the time of `idle`, and after its `lifetime` in
    any case. At most `hashers` passwords are hashed at a time, in threads, each at the `cost`.

    Build it on a storage: a transaction that is left by an error would undo that a session ended, or an attempt failed.
    """

    def __init__(
        self,
        storage: Storages,
        *,
        idle: timedelta = timedelta(days=7),
        lifetime: timedelta = timedelta(days=30),
        grace: timedelta = timedelta(seconds=10),
        cost: HashCost = HashCost(),
        hashers: int = 2,
    ) -> None:
        require_own_world(storage, self)
        times = {"idle": idle, "lifetime": lifetime}
        for name, value in times.items():
            if not isinstance(value, timedelta) or value <= timedelta():
                raise ConfigurationError("it is a timedelta above zero", setting=name)
        if not isinstance(grace, timedelta) or not timedelta() <= grace <= LONGEST_GRACE:
            raise ConfigurationError("it is a timedelta of zero to one hour", setting="grace")
        if isinstance(hashers, bool) or not isinstance(hashers, int) or hashers < 1:
            raise ConfigurationError("it is a whole number from 1 on", setting="hashers")
        self._storage = storage
        self._idle, self._lifetime, self._grace = min(idle, lifetime), lifetime, grace
        self._hasher = PasswordHasher(cost)
        self._slots = Slots(hashers)

    async def register(self, username: str, password: str | SecretStr, permissions: Iterable[str] = ()) -> User:
        """Store a user of this name and password, with these permissions; AlreadyExistsError if the name is taken.

        InvalidDataError for what is no username, or no password: of fewer than eight characters, after NFKC, or of more
        than 1,024 bytes.
        """
        entered, password = hide(password), ""
        require_key(username=username)
        new = build(NewUser, {"username": username, "permissions": permissions})
        secret = parse_password(entered)
        hashed = await self._slowly(partial(self._hasher.hash, secret))
        return await self._storage.logins.register(new, hashed)

    async def log_in(self, username: str, password: str | SecretStr, label: str | None = None) -> SignedIn:
        """Begin a session of the user, who knows it by the first 255 characters of `label`, such as a device's name.

        SignInError if the name or the password is wrong: both are told alike, and take as long. After 20 failures in a
        row, it refuses every attempt for a second, after each further one for twice as long, up to 15 minutes, and says
        until when. NotAllowedError if the password is right and the user is not active.
        """
        entered, password = hide(password), ""
        require_text(username=username, label=label)
        # Twice: the hash may have been replaced by a new one of the same password while this one was proven.
        for _ in range(2):
            try:
                login = await self._storage.logins.find(username)
            except (NotFoundError, InvalidDataError):
                login = None
            login, secret = await self._prove(login, entered)
            rehashed = None
            if self._hasher.is_outdated(login.password_hash):
                rehashed = await self._slowly(partial(self._hasher.hash, secret))
            begin = partial(self._begin, login=login, rehashed=rehashed, label=label)
            if (signed_in := await in_transaction(self._storage, begin)) is not None:
                return signed_in
        raise SignInError

    async def refresh(self, token: str | SecretStr) -> SignedIn:
        """Let the token give way to its successor, and return that.

        Whoever presents the same token again within the `grace` gets the same successor: of many at once, and after an
        answer that was lost. Later, the session ends, and so it does for every older token, since somebody else may
        have it; the user's other sessions live on. TokenError says why a token is refused.
        """
        entered, token = hide(token), ""
        presented = parse_token(entered)
        user_id, session_id, secret = presented.user_id, presented.session_id, presented.secret
        nonce = token_bytes(HASH_LENGTH)
        successor = secret.successor(nonce)
        rotation = await self._storage.sessions.rotate(
            user_id,
            session_id,
            secret.hashed(),
            successor.hashed(),
            nonce,
            self._storage.now() + self._idle,
            self._grace,
        )
        session = rotation.session
        if rotation.outcome is RotationOutcome.REPEATED and session is not None and session.nonce is not None:
            successor = secret.successor(session.nonce)
        elif rotation.outcome is not RotationOutcome.ROTATED or session is None:
            raise TokenError(rotation.outcome.value)
        user = await self._active(rotation.user, session_id)
        return SignedIn(user=user, session=session, token=successor.token(user_id, session_id))

    async def log_out(self, token: str | SecretStr) -> bool:
        """End the session of the token; False if it has ended before, or is not there. TokenError if it is no token.

        An older token of the session ends it, too.
        """
        entered, token = hide(token), ""
        presented = parse_token(entered)
        return await self._storage.sessions.end(presented.user_id, presented.session_id, EndReason.LOGGED_OUT)

    async def log_out_everywhere(self, user_id: UUID, keep: UUID | None = None) -> int:
        """End all sessions of the user, but the one to `keep`, if given; how many."""
        return await self._storage.sessions.end_all(user_id, EndReason.LOGGED_OUT_EVERYWHERE, keep)

    async def sessions(self, user_id: UUID) -> Sequence[Session]:
        """The living sessions of the user, newest first."""
        return await self._storage.sessions.list(user_id)

    async def change_password(
        self, user_id: UUID, password: str | SecretStr, new_password: str | SecretStr, keep: UUID | None = None
    ) -> int:
        """Set a new password, and end all sessions of the user but the one to `keep`, if given; how many.

        SignInError, as for `log_in`, if the password is wrong; NotFoundError if the user has none; ConflictError if it
        is changed by somebody else at the same time.
        """
        entered, password, new, new_password = hide(password), "", hide(new_password), ""
        secret = parse_password(new, "new_password")
        login = await self._storage.logins.get(require_id(user_id, "user_id"))
        await self._prove(login, entered)
        hashed = await self._slowly(partial(self._hasher.hash, secret))
        change = partial(_set_password, user_id=user_id, hashed=hashed, expected=login.password_hash, keep=keep)
        return await in_transaction(self._storage, change)

    async def reset_password(self, user_id: UUID, new_password: str | SecretStr) -> int:
        """Set a new password without asking for the old one, and end all sessions of the user; how many.

        Also for a user who has none yet. Whoever calls it has made sure who asks. NotFoundError if there is no such
        user.
        """
        new, new_password = hide(new_password), ""
        secret = parse_password(new, "new_password")
        hashed = await self._slowly(partial(self._hasher.hash, secret))
        return await in_transaction(self._storage, partial(_set_password, user_id=user_id, hashed=hashed))

    async def _prove(self, login: Login | None, entered: object) -> tuple[Login, Secret]:
        """`login`, and `entered` if it is its password; SignInError if it is not, or must not be tried.

        Whatever is wrong costs one hash and one statement.
        """
        try:
            secret = parse_password(entered)
        except InvalidDataError:
            secret = _NO_PASSWORD
        if login is None or secret is _NO_PASSWORD:
            await self._slowly(partial(self._hasher.hash, secret))
            is_right = False
        else:
            is_right = await self._slowly(partial(self._hasher.verify, login.password_hash, secret))
        if login is not None:
            login.require_unlocked(self._storage.now())
        if login is None or not is_right:
            failed = await self._storage.logins.fail(uuid4() if login is None else login.user_id)
            if failed is not None:
                failed.require_unlocked(self._storage.now())
            raise SignInError
        return login, secret

    async def _begin(
        self, tx: Transaction, login: Login, rehashed: Secret | None, label: str | None
    ) -> SignedIn | None:
        """A session of the user; None, and nothing is stored, if the login has another hash by now."""
        user_id, now = login.user_id, tx.now()
        secret = TokenSecret(token_bytes(SECRET_LENGTH))
        new = NewSession(
            user_id=user_id,
            token_hash=secret.hashed(),
            label=label[:MAX_KEY_LENGTH] if label else None,
            idle_until=now + self._idle,
            expires_at=now + self._lifetime,
        )
        try:
            user = await tx.users.get(user_id)
            user.require_flags("is_active")
            if not await tx.logins.admit(user_id, login.password_hash, rehashed):
                (await tx.logins.get(user_id)).require_unlocked(now)
                return None
            session = await tx.sessions.create(new)
        except NotFoundError:
            raise SignInError from None
        return SignedIn(user=user, session=session, token=secret.token(user_id, session.id))

    async def _active(self, user: User | None, session_id: UUID) -> User:
        """The user; TokenError, and the end of the session, if it is no longer active."""
        if user is None:
            raise TokenError(RotationOutcome.UNKNOWN.value)
        if not user.is_active:
            await self._storage.sessions.end(user.id, session_id, EndReason.DEACTIVATED)
            raise TokenError(RotationOutcome.ENDED.value)
        return user

    async def _slowly(self, work: Callable[[], T]) -> T:
        """What `work` returns, done in a thread when it has its turn, and to its end even if nobody waits for it."""

        async def take_turn() -> T:
            async with self._slots:
                return await in_thread(work)

        return await complete(take_turn)


async def _set_password(
    tx: Transaction, user_id: UUID, hashed: Secret, expected: Secret | None = None, keep: UUID | None = None
) -> int:
    # What was proven may have been locked meanwhile, by those who guess at the same time.
    if expected is not None and not await tx.logins.admit(user_id, expected):
        (await tx.logins.get(user_id)).require_unlocked(tx.now())
    await tx.logins.set_password(user_id, hashed, expected)
    return await tx.sessions.end_all(user_id, EndReason.PASSWORD_CHANGED, keep)


_NO_PASSWORD = Secret("\0")
"""Stands for what cannot be a password."""
