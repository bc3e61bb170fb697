"""What the role of a service may do: what the storages need, and no more."""

from __future__ import annotations

from typing import Any

import psycopg

from metacore.errors import ConfigurationError
from metacore.postgres.client.identifiers import quote
from metacore.postgres.schema.effective import check_exists, rights

_ROLE = """
SELECT r.rolsuper,
    pg_catalog.pg_has_role(r.oid, n.nspowner, 'MEMBER') OR EXISTS (
        SELECT FROM pg_catalog.pg_class c
        WHERE c.relnamespace = n.oid AND pg_catalog.pg_has_role(r.oid, c.relowner, 'MEMBER')
    ),
    pg_catalog.has_database_privilege(r.oid, pg_catalog.current_database(), 'TEMPORARY'),
    pg_catalog.quote_ident(pg_catalog.current_database())
FROM pg_catalog.pg_roles r, pg_catalog.pg_namespace n
WHERE r.rolname = %(role)s AND n.nspname = %(schema)s
"""


def check_role(connection: psycopg.Connection[Any], schema: str, role: str) -> None:
    """ConfigurationError if rights cannot be given to this role, or could not hold it back."""
    check_exists(connection, role)
    row = connection.execute(_ROLE, {"role": role, "schema": schema}).fetchone()
    assert row is not None
    is_superuser, owns, may_make_temporary_tables, database = row
    if is_superuser or owns:
        why = "is a superuser" if is_superuser else "owns the schema or tables in it, or is a member of their owner"
        raise ConfigurationError(
            f"the role {quote(role)} {why}: no grant holds it back. Give services a role of their own",
            setting="app_role",
        )
    if not may_make_temporary_tables:
        raise ConfigurationError(
            "imports go through temporary tables; run as the database's owner:"
            f" GRANT TEMPORARY ON DATABASE {database} TO {quote(role)}",
            setting="app_role",
        )


def grants(schema: str, role: str, may_delete: bool) -> list[str]:
    """The statements that give `role` what the storages need in `schema`, and take from it what else it has there."""
    to_role, in_schema = quote(role), quote(schema)
    return [
        f"REVOKE ALL ON SCHEMA {in_schema} FROM {to_role}",
        f"REVOKE ALL ON ALL TABLES IN SCHEMA {in_schema} FROM {to_role}",
        f"GRANT USAGE ON SCHEMA {in_schema} TO {to_role}",
        *(
            f"GRANT {granted} ON {in_schema}.{quote(table)} TO {to_role}"
            for table, granted in rights(may_delete).items()
        ),
    ]
