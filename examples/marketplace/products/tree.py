"""The tree that categories are: each has one place, and none is below itself."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from metacore import ConflictError

Parents = Mapping[UUID, UUID | None]
"""The parent of each category; None at the top."""


def require_tree(parents: Parents, moved: UUID, parent: UUID | None) -> None:
    """ConflictError if `moved` would be below itself under `parent`."""
    above = parent
    while above is not None:
        if above == moved:
            raise ConflictError("a category cannot be below itself; choose another parent")
        above = parents[above]
