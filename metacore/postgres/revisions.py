"""Where the migration scripts lie, and which revision of the schema this release needs."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from metacore.errors import ConfigurationError

_PACKAGE = Path(__file__).resolve().parent.parent
_SCRIPT = re.compile(r"(\d{4})_\w+\.py")


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
def head_revision() -> str:
    """The revision of the schema that this release was made for: the newest one it carries."""
    names = (_SCRIPT.fullmatch(path.name) for path in (migrations_directory() / "versions").iterdir())
    return max(name.group(1) for name in names if name)
