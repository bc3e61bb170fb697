"""What PostgreSQL's catalogues say of the tables of a schema, in words that two schemas can be compared by."""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg

Catalogue = dict[tuple[str, str], str]
"""The definition of each object by (kind, name), such as ("column", "orders.price")."""

_TABLES = """
SELECT 'table', c.relname,
    CASE WHEN c.relpersistence = 'u' THEN 'UNLOGGED' ELSE 'TABLE' END
    || CASE WHEN c.relrowsecurity THEN ' ROW LEVEL SECURITY' ELSE '' END
FROM pg_catalog.pg_class c
WHERE c.relnamespace = %(namespace)s AND c.relkind IN ('r', 'p')
"""

_DOMAINS = """
SELECT 'domain', t.typname,
    pg_catalog.format_type(t.typbasetype, t.typtypmod)
    || COALESCE(' COLLATE ' || pg_catalog.quote_ident(l.collname), '')
    || CASE WHEN t.typnotnull THEN ' NOT NULL' ELSE '' END
    || COALESCE(' DEFAULT ' || t.typdefault, '')
    || COALESCE((
        SELECT pg_catalog.string_agg(
            ' CONSTRAINT ' || k.conname || ' ' || pg_catalog.pg_get_constraintdef(k.oid), '' ORDER BY k.conname)
        FROM pg_catalog.pg_constraint k
        WHERE k.contypid = t.oid AND k.contype <> 'n'
    ), '')
FROM pg_catalog.pg_type t
LEFT JOIN pg_catalog.pg_collation l ON l.oid = t.typcollation
WHERE t.typnamespace = %(namespace)s AND t.typtype = 'd'
"""

_COLUMNS = """
SELECT 'column', c.relname || '.' || a.attname,
    CASE WHEN t.typtype = 'd' AND t.typnamespace = c.relnamespace THEN t.typname
        ELSE pg_catalog.format_type(a.atttypid, a.atttypmod) END
    || COALESCE(' COLLATE ' || pg_catalog.quote_ident(l.collname), '')
    || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
    || CASE a.attidentity WHEN '' THEN '' ELSE ' IDENTITY' END
    || COALESCE(
        CASE a.attgenerated WHEN '' THEN ' DEFAULT ' ELSE ' GENERATED AS ' END
        || pg_catalog.pg_get_expr(d.adbin, d.adrelid), '')
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = %(namespace)s AND c.relkind IN ('r', 'p')
"""

# A foreign key whose triggers are disabled is not enforced. Before version 18 there is no column `conenforced`.
_CONSTRAINTS = """
SELECT 'constraint', c.relname || '.' || k.conname,
    CASE k.contype
        WHEN 'p' THEN 'PRIMARY KEY'
        WHEN 'u' THEN 'UNIQUE'
        WHEN 'c' THEN 'CHECK ' || pg_catalog.pg_get_expr(k.conbin, k.conrelid)
        WHEN 'f' THEN 'FOREIGN KEY (' || own.names || ') REFERENCES '
            || CASE WHEN f.relnamespace = c.relnamespace THEN '' ELSE 'another schema: ' END
            || f.relname || ' (' || their.names || ')'
            || ' ON DELETE ' || k.confdeltype::text || ' ON UPDATE ' || k.confupdtype::text
            || ' MATCH ' || k.confmatchtype::text
        ELSE pg_catalog.pg_get_constraintdef(k.oid)
    END
    || CASE WHEN k.condeferrable THEN ' DEFERRABLE' ELSE '' END
    || CASE WHEN k.condeferred THEN ' INITIALLY DEFERRED' ELSE '' END
    || CASE WHEN k.convalidated THEN '' ELSE ' NOT VALID' END
    || CASE WHEN pg_catalog.to_jsonb(k) ->> 'conenforced' = 'false' OR EXISTS (
        SELECT FROM pg_catalog.pg_trigger t WHERE t.tgconstraint = k.oid AND t.tgenabled = 'D'
    ) THEN ' NOT ENFORCED' ELSE '' END
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
LEFT JOIN pg_catalog.pg_class f ON f.oid = k.confrelid
CROSS JOIN LATERAL (
    SELECT pg_catalog.string_agg(a.attname, ', ' ORDER BY u.position)
    FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY u (number, position)
    JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number
) own (names)
CROSS JOIN LATERAL (
    SELECT pg_catalog.string_agg(a.attname, ', ' ORDER BY u.position)
    FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY u (number, position)
    JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.number
) their (names)
WHERE c.relnamespace = %(namespace)s AND k.contype <> 'n'
"""

_INDEXES = """
SELECT 'index', c.relname || '.' || x.relname,
    CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END
    || pg_catalog.substring(pg_catalog.pg_get_indexdef(i.indexrelid), ' (USING .*)$')
    || CASE WHEN i.indisvalid THEN '' ELSE ' INVALID' END
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
WHERE c.relnamespace = %(namespace)s AND c.relkind IN ('r', 'p')
"""

_TRIGGERS = """
SELECT 'trigger', c.relname || '.' || t.tgname, pg_catalog.pg_get_triggerdef(t.oid)
FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = %(namespace)s AND NOT t.tgisinternal
"""

_RULES = """
SELECT 'rule', c.relname || '.' || r.rulename, pg_catalog.pg_get_ruledef(r.oid)
FROM pg_catalog.pg_rewrite r
JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
WHERE c.relnamespace = %(namespace)s AND c.relkind IN ('r', 'p')
"""

_PARTS: tuple[LiteralString, ...] = (_TABLES, _DOMAINS, _COLUMNS, _CONSTRAINTS, _INDEXES, _TRIGGERS, _RULES)


def read_catalogue(connection: psycopg.Connection[Any], namespace: int) -> Catalogue:
    """All tables, domains, columns, constraints, indexes, triggers and rules in the schema with the oid `namespace`."""
    rows = connection.execute(" UNION ALL ".join(_PARTS), {"namespace": namespace}).fetchall()
    return {(kind, name): definition for kind, name, definition in rows}
