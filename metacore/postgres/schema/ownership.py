"""Whose a schema is: what somebody else owns in it may run code of theirs with the rights of who deploys."""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg

from metacore.errors import ConfigurationError
from metacore.postgres.client.identifiers import quote
from metacore.postgres.schema.drift import Drift

# A superuser passes for a member of every role, so membership is looked up.
_ROLES: LiteralString = """
WITH RECURSIVE members AS (
    SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = {who}
    UNION SELECT m.roleid FROM pg_catalog.pg_auth_members m JOIN members ON members.oid = m.member
),
roles AS (
    SELECT oid FROM members
    UNION SELECT r.oid FROM pg_catalog.pg_roles r, pg_catalog.pg_database d
    WHERE r.rolname = 'pg_database_owner' AND d.datname = pg_catalog.current_database()
    AND d.datdba IN (SELECT oid FROM members)
)
"""

_OBJECTS: LiteralString = """
    SELECT 'schema' AS kind, n.nspname AS name, n.nspowner AS owner
    FROM pg_catalog.pg_namespace n WHERE n.nspname = %(schema)s
    UNION ALL SELECT CASE WHEN c.relkind IN ('r', 'p') THEN 'table' ELSE 'relation' END, c.relname, c.relowner
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s AND c.relkind NOT IN ('i', 'I')
    UNION ALL SELECT 'type', t.typname, t.typowner
    FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    WHERE n.nspname = %(schema)s AND t.typrelid = 0 AND t.typelem = 0
    UNION ALL SELECT 'function', p.proname, p.proowner
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = %(schema)s
    UNION ALL SELECT 'operator', o.oprname, o.oprowner
    FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
    WHERE n.nspname = %(schema)s
"""

_FOREIGN = f"""
{_ROLES.format(who="CURRENT_USER")}
SELECT kind, name, pg_catalog.pg_get_userbyid(owner)::text FROM ({_OBJECTS}) AS objects
WHERE owner NOT IN (SELECT oid FROM roles) ORDER BY kind <> 'schema', kind, name
"""  # noqa: S608 - of constants

_OTHERS = f"""
WITH objects AS ({_OBJECTS}), own AS (SELECT owner FROM objects WHERE kind = 'schema')
SELECT kind || ' ' || name, pg_catalog.pg_get_userbyid(own.owner)::text, pg_catalog.pg_get_userbyid(objects.owner)::text
FROM objects, own
WHERE objects.owner <> own.owner AND NOT EXISTS (
    WITH RECURSIVE members AS (
        SELECT objects.owner AS oid
        UNION SELECT m.roleid FROM pg_catalog.pg_auth_members m JOIN members ON members.oid = m.member
    )
    SELECT FROM members WHERE members.oid = own.owner
    OR pg_catalog.pg_get_userbyid(own.owner) = 'pg_database_owner' AND members.oid = (
        SELECT d.datdba FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()
    )
)
ORDER BY 1
"""  # noqa: S608 - of constants


def check_owners(connection: psycopg.Connection[Any], schema: str) -> None:
    """ConfigurationError if the schema, or something in it, belongs to a role that the current one is no member of."""
    row = connection.execute(_FOREIGN, {"schema": schema}).fetchone()
    if row is None:
        return
    kind, name, owner = row
    place = "" if kind == "schema" else f" in the schema {quote(schema)}"
    raise ConfigurationError(
        f"the {kind} {quote(name)}{place} belongs to {quote(owner)}, and this role is no member of that: what it has"
        " put on the schema, or on tables in it, would run with this role's rights. Deploy as the owner or a member, or"
        " choose another schema",
        setting="schema",
    )


def find_other_owners(connection: psycopg.Connection[Any], schema: str) -> list[Drift]:
    """What belongs neither to the owner of the schema nor to one of its members."""
    rows = connection.execute(_OTHERS, {"schema": schema}).fetchall()
    return [Drift("owner", name, expected, actual) for name, expected, actual in rows]
