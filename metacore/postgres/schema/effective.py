"""What a role can really do: by its own grants, by PUBLIC, by the roles that it is a member of, and by attributes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, LiteralString

import psycopg

from metacore.errors import ConfigurationError
from metacore.postgres.client.identifiers import quote
from metacore.postgres.schema.drift import Drift
from metacore.postgres.tables import MAY_DELETE, RIGHTS

PUBLIC = "PUBLIC"

_ATTRIBUTES = ("SUPERUSER", "CREATEROLE", "CREATEDB", "REPLICATION", "BYPASSRLS")
_POWERFUL = (
    "pg_read_all_data",
    "pg_write_all_data",
    "pg_maintain",
    "pg_read_server_files",
    "pg_write_server_files",
    "pg_execute_server_program",
    "pg_signal_backend",
    "pg_create_subscription",
    "pg_database_owner",
)
"""Roles of PostgreSQL's own whose members can do what no grant says."""
_PARAMETERS = (
    "session_replication_role",
    "session_preload_libraries",
    "dynamic_library_path",
    "allow_system_table_mods",
    "lo_compat_privileges",
)
"""Settings by which triggers, and so foreign keys, are passed by, or code is loaded."""

# Of a member without INHERIT, too: SET ROLE is all that it takes.
_MEMBERS: LiteralString = """
SELECT r.rolname::text, r.rolsuper, r.rolcreaterole, r.rolcreatedb, r.rolreplication, r.rolbypassrls
FROM pg_catalog.pg_roles r
WHERE r.rolname = %(role)s OR pg_catalog.pg_has_role(%(role)s, r.oid, 'MEMBER')
"""

_GRANTS: LiteralString = """
SELECT g.kind, g.name, a.privilege_type, a.is_grantable,
    CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(a.grantee)::text END,
    a.grantee = 0, a.grantee = g.owner
FROM (
    SELECT 'table' AS kind, c.relname::text AS name, c.relacl AS acl, c.relowner AS owner
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s
    UNION ALL SELECT 'table', c.relname::text || '.' || t.attname, t.attacl, c.relowner
    FROM pg_catalog.pg_attribute t
    JOIN pg_catalog.pg_class c ON c.oid = t.attrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s AND t.attnum > 0 AND NOT t.attisdropped
    UNION ALL SELECT 'schema', n.nspname::text, n.nspacl, n.nspowner
    FROM pg_catalog.pg_namespace n WHERE n.nspname = %(schema)s
    UNION ALL SELECT 'database', d.datname::text, d.datacl, d.datdba
    FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()
) AS g
CROSS JOIN LATERAL pg_catalog.aclexplode(g.acl) AS a
ORDER BY 1, 2, 3, 5
"""

_PARAMETER: LiteralString = "SELECT pg_catalog.has_parameter_privilege(%(role)s, %(name)s, 'SET')"
_TABLE: LiteralString = """
SELECT pg_catalog.has_table_privilege(%(role)s, c.oid, %(right)s)
    OR (%(right)s IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES')
        AND pg_catalog.has_any_column_privilege(%(role)s, c.oid, %(right)s))
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s AND c.relname = %(table)s
"""
_RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")


def rights(may_delete: bool) -> Mapping[str, str]:
    """What the role of a service may do to each table; with `may_delete`, take users and orders away, too."""
    return {
        table: f"{granted}, DELETE" if may_delete and table in MAY_DELETE else granted
        for table, granted in RIGHTS.items()
    }


def check_rights(connection: psycopg.Connection[Any], schema: str, role: str, may_delete: bool) -> None:
    """ConfigurationError, which names the sources, if `role` can do more than a service needs to."""
    excess = find_excess(connection, schema, role, may_delete)
    if excess:
        more = f", and {len(excess) - 5} more" if len(excess) > 5 else ""
        raise ConfigurationError(
            f"the role {quote(role)} can do more than services need: {'; '.join(excess[:5])}{more}. Nothing was"
            " changed: take these away, and deploy again",
            setting="app_role",
        )


def find_excess(connection: psycopg.Connection[Any], schema: str, role: str, may_delete: bool) -> list[str]:
    """What `role` can do beyond what a service needs to, and by what; at last the server itself is asked."""
    allowed = rights(may_delete)
    excess = dict.fromkeys([*_by_itself(connection, role), *_by_grants(connection, schema, role, allowed)])
    return list(excess or _unexplained(connection, schema, role, allowed))


def find_grants(connection: psycopg.Connection[Any], schema: str) -> list[Drift]:
    """Grants on the schema and its tables by which somebody other than the owner can do more than a service."""
    allowed, found = rights(may_delete=True), defaultdict[tuple[str, str, str], set[str]](set)
    for kind, name, right, shares, grantee, is_public, is_owner in _grants(connection, schema):
        if kind != "database" and not is_owner:
            needed = not is_public and not shares and right in _allowed(kind, name, allowed)
            found[kind, name, grantee] |= set() if needed else {f"{right} WITH GRANT OPTION" if shares else right}
    return [
        Drift(
            "grant",
            f"{name} to {grantee}",
            _needed(kind, name, allowed) if grantee != PUBLIC else None,
            ", ".join(sorted(excess)),
        )
        for (kind, name, grantee), excess in found.items()
        if excess
    ]


def find_rights(connection: psycopg.Connection[Any], schema: str, role: str, may_delete: bool) -> list[Drift]:
    """Which rights `role` has too many, however it came by them, and which it lacks. ConfigurationError if there is no
    such role.
    """
    check_exists(connection, role)
    excess = (
        Drift("right", f"of {role}", None, reason) for reason in find_excess(connection, schema, role, may_delete)
    )
    return [*excess, *_missing(connection, schema, role, rights(may_delete))]


def check_exists(connection: psycopg.Connection[Any], role: str) -> None:
    """ConfigurationError if there is no such role."""
    if not connection.execute("SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = %s", [role]).fetchall():
        raise ConfigurationError(
            f"there is no role {quote(role)}; make it first: CREATE ROLE {quote(role)} LOGIN", setting="app_role"
        )


def _missing(
    connection: psycopg.Connection[Any], schema: str, role: str, allowed: Mapping[str, str]
) -> Iterator[Drift]:
    for table, granted in allowed.items():
        for right in granted.split(", "):
            values = {"role": role, "schema": schema, "table": table, "right": right}
            if connection.execute(_TABLE, values).fetchone() == (False,):
                yield Drift("right", f"of {role}", f"{right} on table {table}", None)


def _by_itself(connection: psycopg.Connection[Any], role: str) -> Iterator[str]:
    for name, *attributes in connection.execute(_MEMBERS, {"role": role}).fetchall():
        by = "" if name == role else f" of {quote(name)}, which it is a member of"
        yield from (f"the attribute {word}{by}" for word, has in zip(_ATTRIBUTES, attributes, strict=True) if has)
        if name in _POWERFUL:
            yield f"what a member of {name} can"
    for name in _PARAMETERS:
        if _is_true(connection, _PARAMETER, {"role": role, "name": name}):
            yield f"SET on the parameter {name}"


def _by_grants(
    connection: psycopg.Connection[Any], schema: str, role: str, allowed: Mapping[str, str]
) -> Iterator[str]:
    members = {name for name, *_ in connection.execute(_MEMBERS, {"role": role}).fetchall()}
    for kind, name, right, shares, grantee, is_public, _ in _grants(connection, schema):
        if (is_public or grantee in members) and (shares or right not in _allowed(kind, name, allowed)):
            option = " WITH GRANT OPTION" if shares else ""
            yield f"{right}{option} on {kind} {name}, granted to {PUBLIC if is_public else quote(grantee)}"


def _unexplained(
    connection: psycopg.Connection[Any], schema: str, role: str, allowed: Mapping[str, str]
) -> Iterator[str]:
    for table, granted in allowed.items():
        for right in _RIGHTS:
            values = {"role": role, "schema": schema, "table": table, "right": right}
            if right not in granted.split(", ") and _is_true(connection, _TABLE, values):
                yield f"{right} on table {table}"


def _grants(connection: psycopg.Connection[Any], schema: str) -> list[tuple[Any, ...]]:
    return connection.execute(_GRANTS, {"schema": schema}).fetchall()


def _allowed(kind: str, name: str, allowed: Mapping[str, str]) -> list[str]:
    return (_needed(kind, name, allowed) or "").split(", ")


def _needed(kind: str, name: str, allowed: Mapping[str, str]) -> str | None:
    if kind == "schema":
        return "USAGE"
    if kind == "database":
        return "CONNECT, TEMPORARY"
    return allowed.get(name.partition(".")[0])


def _is_true(connection: psycopg.Connection[Any], query: LiteralString, values: Mapping[str, str]) -> bool:
    row = connection.execute(query, values).fetchone()
    return row is not None and bool(row[0])
