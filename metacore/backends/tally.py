"""Bulk imports into memory."""

from __future__ import annotations

from uuid import UUID

from metacore.domain.values.imports import MAX_CONFLICTS, ImportResult, import_conflict
from metacore.errors import NotFoundError


class Tally:
    """What became of the rows of an import of `name`, such as "orders", so far."""

    def __init__(self, name: str) -> None:
        self.inserted = self.duplicates = 0
        self.conflicts: set[str] = set()
        self.strangers: set[UUID] = set()
        """The users that do not exist."""
        self._name = name

    def result(self) -> ImportResult:
        """The counts; NotFoundError or ConflictError if a row could not be stored."""
        if self.strangers:
            raise NotFoundError("user", min(self.strangers))
        if self.conflicts:
            raise import_conflict(self._name, sorted(self.conflicts)[:MAX_CONFLICTS])
        return ImportResult(inserted=self.inserted, duplicates=self.duplicates)
