"""How far a schema is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SchemaStatus:
    """How far a schema is.

    `revision` is what the database has, None where nothing is deployed; `head` is what this release needs. `pending`
    are the revisions that `deploy` would apply, oldest first. `compatible_from` is the oldest revision whose releases
    can work with the schema as it is. `is_usable` says whether storages of this release can: the schema is at `head`,
    or newer and compatible.
    """

    schema: str
    revision: str | None
    head: str
    pending: tuple[str, ...]
    compatible_from: str | None
    is_usable: bool
