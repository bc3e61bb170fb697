"""Bulk imports: what they take for the same row, and their result."""

from __future__ import annotations

from collections.abc import Iterable

from metacore.domain.values.model import Model
from metacore.errors import ConflictError

MAX_CONFLICTS = 10
"""How many conflicting rows the error of an import names."""


class ImportResult(Model):
    """How many rows were `inserted`, and how many were `duplicates` of stored or earlier ones and skipped."""

    inserted: int
    duplicates: int


def import_conflict(name: str, conflicts: Iterable[str]) -> ConflictError:
    """The error of an import of `name`, such as "orders", of which `conflicts` differ from what has their keys."""
    return ConflictError(
        f"{name} differ from stored or earlier ones under the same keys; nothing was stored."
        " Compare those in `conflicts` with what is stored, and import without them",
        conflicts=tuple(conflicts),
    )
