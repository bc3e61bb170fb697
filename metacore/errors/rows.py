"""What is wrong with the rows that were named or given."""

from __future__ import annotations

from typing import Any

from metacore.errors.base import MetacoreError
from metacore.wording import readable


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
