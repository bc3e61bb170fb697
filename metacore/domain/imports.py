"""The result of a bulk import."""

from __future__ import annotations

from metacore.domain.model import Model


class ImportResult(Model):
    """How many rows were `inserted`, and how many were `duplicates` of stored or earlier ones and skipped."""

    inserted: int
    duplicates: int
