"""What to say of a server that cannot be reached, without a word of the password."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg

from metacore.errors import StorageUnavailableError

_ADVICE = "check host, port, database, user and password of the URL, and that the server runs"
_TOLD = ("host", "hostaddr", "port", "user", "dbname")


def unreachable(error: psycopg.Error, parameters: Mapping[str, Any]) -> StorageUnavailableError:
    """The error to raise, `from None`, where connecting with libpq's `parameters` failed.

    libpq tells the host, port, user and database that it tried. Where these look like parts of a URL that was taken
    apart at the wrong place, by an @ or / of the password that should be percent-encoded, its words are left out.
    """
    told = " ".join(str(error).split())
    password = str(parameters.get("password") or "")
    values = [str(parameters.get(name) or "") for name in _TOLD]
    ports = str(parameters.get("port") or "").replace(",", "")
    if any("@" in value for value in values) or (ports and not ports.isdecimal()) or (password and password in told):
        return StorageUnavailableError(
            f"cannot connect to PostgreSQL: {_ADVICE}; special characters of the password are percent-encoded"
        )
    return StorageUnavailableError(f"cannot connect to PostgreSQL: {told}; {_ADVICE}")
