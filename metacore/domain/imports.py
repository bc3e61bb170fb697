"""Bulk imports: what they take for the same row, and their result."""

from __future__ import annotations

from metacore.domain.model import Model

MAX_CONFLICTS = 10
"""How many conflicting rows the error of an import names."""


class ImportResult(Model):
    """How many rows were `inserted`, and how many were `duplicates` of stored or earlier ones and skipped."""

    inserted: int
    duplicates: int
