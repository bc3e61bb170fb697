"""The errors of Metacore: one tree, structured fields, messages that say what to do next."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, TypeVar

from metacore.base_error import MetacoreError as MetacoreError
from metacore.wording import readable

E = TypeVar("E", bound=Exception)


class NotFoundError(MetacoreError):
    """What was named does not exist, or belongs to another user. `entity` is its kind, `key` what was asked for."""

    dooms_transaction = False
    entity: str
    key: Any

    def __init__(self, entity: str, key: Any) -> None:
        super().__init__(
            f"{entity} not found: {readable(key)}; check the key and whose it is, or create it first",
            entity=entity,
            key=key,
        )


class AlreadyExistsError(MetacoreError):
    """A unique `field` already has this `value`; None where several rows were to be stored and nobody tells which."""

    entity: str
    field: str
    value: Any

    def __init__(self, entity: str, field: str, value: Any = None) -> None:
        shown = f" {readable(value)}" if value is not None else ""
        super().__init__(
            f"{entity} with {field}{shown} already exists; read it, or choose another {field}",
            entity=entity,
            field=field,
            value=value,
        )


class ConflictError(MetacoreError):
    """The same key was given with other content, or ids name different things. `conflicts` names up to ten of them.

    Also what a foreign key, an exclusion constraint or a trigger that others have added to the database refuses;
    `conflicts` then names the constraint.
    """

    conflicts: tuple[str, ...]

    def __init__(self, message: str, *, conflicts: tuple[str, ...] = ()) -> None:
        super().__init__(message, conflicts=conflicts[:10])


class StaleVersionError(MetacoreError):
    """The row changed since it was read: its version is `actual`, not `expected`. Read it again and decide anew."""

    dooms_transaction = False
    entity: str
    key: Any
    expected: int
    actual: int

    def __init__(self, entity: str, key: Any, *, expected: int, actual: int) -> None:
        super().__init__(
            f"{entity} {readable(key)} is at version {actual}, not {expected}; read it again and decide anew",
            entity=entity,
            key=key,
            expected=expected,
            actual=actual,
        )


class InvalidTransitionError(MetacoreError):
    """An order cannot go from status `previous` to `requested`. Nothing was written."""

    dooms_transaction = False
    previous: str
    requested: str

    def __init__(self, previous: str, requested: str, *, order_id: Any = None, hint: str = "") -> None:
        super().__init__(
            f"order {readable(order_id)} cannot go from {previous} to {requested}" + (f"; {hint}" if hint else ""),
            previous=previous,
            requested=requested,
            order_id=order_id,
        )


class InsufficientFundsError(MetacoreError):
    """A balance has less than is needed. `needed` and `available` are amounts of `asset`, of the user `user_id`."""

    asset: str
    needed: Decimal
    available: Decimal
    user_id: Any

    def __init__(self, asset: str, *, needed: Decimal, available: Decimal, user_id: Any = None) -> None:
        super().__init__(
            f"{needed:f} {asset} needed, {available:f} available; deposit, or ask for less",
            asset=asset,
            needed=needed,
            available=available,
            user_id=user_id,
        )


class NotAllowedError(MetacoreError):
    """The `flag` of `user` (its id) refuses the command: `is_active`, `can_trade` or `can_withdraw`."""

    dooms_transaction = False
    user: Any
    flag: str

    def __init__(self, user: Any, flag: str) -> None:
        super().__init__(
            f"user {readable(user)} has {flag}=False; set the flag if the exchange allows it, then try again",
            user=user,
            flag=flag,
        )


class SignInError(MetacoreError):
    """The username or the password is wrong, which is told alike; or, up to `locked_until`, every attempt is refused,
    because so many have failed.
    """

    dooms_transaction = False
    locked_until: Any

    def __init__(self, *, locked_until: Any = None) -> None:
        super().__init__(
            "the username or the password is wrong; try again"
            if locked_until is None
            else f"too many attempts to sign in have failed; try again after {readable(locked_until)}",
            locked_until=locked_until,
        )


class TokenError(MetacoreError):
    """A session's token is worth nothing, for the `reason` EXPIRED, ENDED, REUSED or UNKNOWN. Nothing of it is told."""

    dooms_transaction = False
    reason: str

    def __init__(self, reason: str) -> None:
        super().__init__(f"the token is worth nothing: {reason}; sign in again", reason=reason)


class InvalidDataError(MetacoreError):
    """Input that breaks the rules of the model. `field` is the path of what is wrong, `raw` the bytes of a payload.

    `raw` is kept out of the message and the repr: a consumer parks it, nobody logs it by accident.
    """

    dooms_transaction = False
    field: str
    raw: bytes | None

    def __init__(self, message: str, *, field: str = "", raw: bytes | None = None) -> None:
        super().__init__(f"{field}: {message}" if field else message, field=field, raw=raw)


class ArchivedError(InvalidDataError):
    """Something is told of a time before `until`, whose history may have been taken out: nobody here can tell whether
    it was told already. `field` is the time, or the id that tells it.
    """

    until: Any

    def __init__(self, until: Any, *, field: str) -> None:
        super().__init__(
            f"it is of before {readable(until)}, up to when history is archived; look there whether it was told",
            field=field,
        )
        self.until = until


class ExchangeError(InvalidDataError):
    """The exchange answered with an error instead of data. `code` and `msg` are its own, as it told them."""

    code: Any
    msg: str | None

    def __init__(self, code: Any, msg: str | None, *, field: str = "code", raw: bytes | None = None) -> None:
        super().__init__(
            f"the exchange answered with error {readable(code)} instead of data; its words are in `msg`",
            field=field,
            raw=raw,
        )
        self.__dict__.update(code=code, msg=msg)


class SubscriptionError(ExchangeError):
    """The exchange refused to subscribe `channels`, for the `reason` that it gives."""

    channels: tuple[str, ...]
    reason: str

    def __init__(
        self, channels: tuple[str, ...], reason: str, *, code: Any = 0, msg: str | None = None, raw: bytes | None = None
    ) -> None:
        InvalidDataError.__init__(
            self,
            f"the exchange refused to subscribe {len(channels)} channels; see `channels` and `reason`",
            field="msg",
            raw=raw,
        )
        self.__dict__.update(code=code, msg=msg, channels=channels, reason=reason)


class ConfigurationError(MetacoreError):
    """A setting is missing or cannot be used. `setting` is its name."""

    dooms_transaction = False
    setting: str

    def __init__(self, message: str, *, setting: str = "") -> None:
        super().__init__(message, setting=setting)


class MissingKeyError(ConfigurationError):
    """Credentials of `user_id` are encrypted under the key `key_id`, which is not among the encryption keys."""

    key_id: str

    def __init__(self, key_id: str, *, user_id: Any) -> None:
        super().__init__(
            f"the credentials of user {readable(user_id)} are encrypted under the key {key_id!r}, which is missing;"
            " add it to METACORE_ENCRYPTION_KEYS again, or set the credentials anew",
            setting="encryption_keys",
        )
        self.__dict__.update(key_id=key_id, user_id=user_id)


class DecryptionError(MetacoreError):
    """The stored credentials of `user_id` do not decrypt: a row was altered, moved or put back, or `key_id` is now the
    id of another key.
    """

    dooms_transaction = False
    key_id: str

    def __init__(self, key_id: str, *, user_id: Any) -> None:
        super().__init__(
            f"the credentials of user {readable(user_id)} do not decrypt under the key {key_id!r}: a row was altered,"
            " moved or put back, or the id names another key now; give the key back its id, or set them anew",
            key_id=key_id,
            user_id=user_id,
        )


class TransactionAbortedError(MetacoreError):
    """An earlier error doomed this transaction, or it has ended; nothing of it is stored. Begin a new one."""


class RetryableError(MetacoreError):
    """The database gave up this transaction for the sake of others (serialization failure, deadlock). Run it again."""


class LockTimeoutError(RetryableError):
    """A lock could not be acquired within `lock_timeout`."""


class StatementTimeoutError(MetacoreError):
    """A statement ran longer than `statement_timeout` and was cancelled by the server."""


class OutcomeUnknownError(MetacoreError):
    """The connection was lost while a change was being committed: it may or may not be stored.

    Calling again is safe wherever ids or references make it so.
    """


class StorageUnavailableError(MetacoreError):
    """The storage cannot be reached or was closed. Nothing of the operation is stored."""


class StorageClosedError(StorageUnavailableError):
    """The storage is not open, or not here: in another event loop or process. Waiting does not help."""


class ConnectionLostError(StorageUnavailableError):
    """The connection was lost, or its server has become read-only, before anything was sent to be committed.

    Operations outside of a transaction, and `run`, have tried once more on a fresh connection before they raise it.
    """


class PoolTimeoutError(StorageUnavailableError):
    """No connection became free within `pool_timeout`. `pool` has the pool's figures, `cause` the last connection
    error.
    """

    pool: dict[str, int]
    cause: str | None

    def __init__(self, message: str, *, pool: dict[str, int], cause: str | None = None) -> None:
        super().__init__(message, pool=pool, cause=cause)


class SchemaError(MetacoreError):
    """The database's schema is missing, too old or too new. `current` and `expected` are revisions."""

    current: str | None
    expected: str | None

    def __init__(self, message: str, *, current: str | None = None, expected: str | None = None) -> None:
        super().__init__(message, current=current, expected=expected)


def bare(error: E) -> E:
    """`error` without the frames that it came through and the errors behind it, to be raised outside of a handler.

    Loggers may print the variables of frames; these ones hold a URL with its password, or keys.
    """
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)
