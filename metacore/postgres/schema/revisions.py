"""Where the migration scripts lie, and which revisions of the schema they make."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from metacore.errors import ConfigurationError, InvalidDataError

BASE = "base"
"""Before the first revision."""

_PACKAGE = Path(__file__).resolve().parents[2]
_SCRIPT = re.compile(r"(\d{4})_(\w+)\.py", re.ASCII)


@cache
def migrations_directory() -> Path:
    """The directory of the scripts: `metacore/_migrations` where Metacore is installed, `migrations` in a checkout.

    ConfigurationError if neither is there: the package was copied without them.
    """
    for directory in (_PACKAGE / "_migrations", _PACKAGE.parent / "migrations"):
        if (directory / "env.py").is_file():
            return directory
    raise ConfigurationError("the migration scripts are missing; install metacore from its wheel", setting="migrations")


@cache
def revisions() -> dict[str, str]:
    """All revisions that this release knows, oldest first, each with what it is about."""
    names = (_SCRIPT.fullmatch(path.name) for path in sorted((migrations_directory() / "versions").iterdir()))
    return {name.group(1): name.group(2).replace("_", " ") for name in names if name}


def head_revision() -> str:
    """The revision of the schema that this release was made for: the newest one it knows."""
    return list(revisions())[-1]


def revisions_between(lower: str | None, upper: str) -> tuple[str, ...]:
    """The revisions after `lower` (None: from the first) up to `upper`, oldest first."""
    return tuple(revision for revision in revisions() if (lower or "") < revision <= upper)


def check_revision(revision: str) -> str:
    """`revision` itself; InvalidDataError if it is neither "base" nor one that this release knows."""
    if revision != BASE and revision not in revisions():
        known = ", ".join(revisions())
        raise InvalidDataError(f"there is no such revision; there are {BASE}, {known}", field="revision")
    return revision
