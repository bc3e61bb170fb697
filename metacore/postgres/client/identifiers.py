"""Names of schemas and roles: quoted where PostgreSQL takes them as they are, refused where it would not."""

from __future__ import annotations

from metacore.domain.values.text import parse_text
from metacore.errors import ConfigurationError

MAX_BYTES = 63


def check_schema_name(name: str) -> str:
    """`name` itself; ConfigurationError if a schema of Metacore's cannot be called so."""
    if name.startswith("pg_") or name == "information_schema":
        raise ConfigurationError(f'the schema "{name}" belongs to PostgreSQL; choose another name', setting="schema")
    return _check(name, "schema")


def check_role_name(name: str) -> str:
    """`name` itself; ConfigurationError if no role can be called so."""
    return _check(name, "app_role")


def quote(name: str) -> str:
    """`name` as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _check(name: str, setting: str) -> str:
    try:
        size = len(parse_text(name).encode())
    except ValueError as error:
        raise ConfigurationError(f"a name in PostgreSQL is text: {error}", setting=setting) from None
    if not name.isprintable():
        raise ConfigurationError("a schema or role of Metacore's has printable characters only", setting=setting)
    if not 1 <= size <= MAX_BYTES:
        # PostgreSQL would cut a longer one, and so mean another schema or role.
        raise ConfigurationError(f"a name in PostgreSQL has 1 to {MAX_BYTES} bytes, this one {size}", setting=setting)
    return name
