"""What our sessions hold fast: settings that decide what a statement means, whatever a role or a database has set.

With another `search_path` an operator or function that somebody planted in a schema on it is called in place of
PostgreSQL's own, with the rights of whoever runs the statement.
"""

from __future__ import annotations

from collections.abc import Mapping

SEARCH_PATH = "pg_catalog"
"""Whatever is ours is named with its schema; temporary tables with pg_temp."""

PINNED = {
    "search_path": SEARCH_PATH,
    "default_transaction_isolation": "read committed",
    "default_transaction_deferrable": "off",
    "array_nulls": "on",
    "transform_null_equals": "off",
    "standard_conforming_strings": "on",
    "backslash_quote": "safe_encoding",
    "quote_all_identifiers": "off",
    "row_security": "on",
    "TimeZone": "UTC",
    "DateStyle": "ISO",
    "bytea_output": "hex",
}
"""Settings of PostgreSQL by name. A role needs no right to set them."""

WRITABLE = {"default_transaction_read_only": "off"}
"""For a role that was made read-only by a setting of its own, which is not the way to take rights. Where the database
or the server says so, it is an old primary that was left, or is being looked after, and that stands.
"""

SESSION = """
SELECT pg_catalog.current_setting('search_path'), EXISTS (
    SELECT FROM pg_catalog.pg_db_role_setting s
    JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) s.setrole
    WHERE r.rolname OPERATOR(pg_catalog.=) CURRENT_USER
    AND pg_catalog.array_to_string(s.setconfig, ',') OPERATOR(pg_catalog.~~) '%%default_transaction_read_only=%%'
)
"""
"""What a session has of this before anything is pinned in it: the search path, and whether its role was made so."""

DEFAULTS = "default_"
"""How settings begin that are of no use once a transaction has begun."""


def options(settings: Mapping[str, object]) -> str:
    """`settings` as libpq's parameter `options` takes them."""
    return " ".join(f"-c {name}={_escaped(str(value))}" for name, value in settings.items())


def pin(settings: Mapping[str, str | int] = PINNED) -> bytes:
    """The one command that sets `settings` for the rest of a transaction, safe on any search path.

    Of the transaction itself nothing is changed: what it is, its BEGIN says.
    """
    calls = ", ".join(
        f"pg_catalog.set_config('{name}', '{value}', true)"
        for name, value in settings.items()
        if not name.startswith(DEFAULTS)
    )
    return f"SELECT {calls}".encode()


def script() -> list[str]:
    """The same for a script, as commands."""
    return [f"SET LOCAL {name} = '{value}'" for name, value in PINNED.items() if not name.startswith(DEFAULTS)]


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(" ", "\\ ")
