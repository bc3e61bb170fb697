"""What is wrong with the settings, the keys or the schema."""

from __future__ import annotations

from typing import Any

from metacore.errors.base import MetacoreError
from metacore.wording import readable


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


class SchemaError(MetacoreError):
    """The database's schema is missing, too old or too new. `current` and `expected` are revisions."""

    current: str | None
    expected: str | None

    def __init__(self, message: str, *, current: str | None = None, expected: str | None = None) -> None:
        super().__init__(message, current=current, expected=expected)
