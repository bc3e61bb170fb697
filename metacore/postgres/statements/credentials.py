"""Statements of the users' storage as far as it keeps their credentials. All that goes in is encrypted or hashed."""

from __future__ import annotations

from dataclasses import fields
from functools import cache

from metacore.crypto.sealed import ApiKeyHash, SealedCredentials
from metacore.postgres.client.codecs import USER
from metacore.postgres.client.statement import Statement
from metacore.postgres.statements.sets import assignments, matched, names, rows, without
from metacore.postgres.tables.credentials import user_api_keys, user_credentials

COLUMNS = tuple(field.name for field in fields(SealedCredentials))
HASH_COLUMNS = tuple(field.name for field in fields(ApiKeyHash))

_SEALED = without(COLUMNS, "user_id")

GET = Statement(
    "users.credentials",
    f"SELECT {names(COLUMNS)} FROM {{schema}}.user_credentials WHERE user_id = %(user_id)s::uuid",
)

GET_BY_API_KEY = Statement(
    "users.get_by_api_key",
    f"""
    SELECT {names(USER.columns, "users.")}, {names(COLUMNS, "user_credentials.")}
    FROM {{schema}}.user_api_keys
    JOIN {{schema}}.user_credentials ON user_credentials.user_id = user_api_keys.user_id
    JOIN {{schema}}.users ON users.id = user_api_keys.user_id
    WHERE user_api_keys.api_key_hash = ANY (%(api_key_hash)s::bytea[])
    """,
)

SET = Statement(
    "users.set_credentials",
    f"""
    INSERT INTO {{schema}}.user_credentials ({names(COLUMNS)})
    SELECT {names(COLUMNS)} FROM {rows(user_credentials, COLUMNS)}
    WHERE (SELECT id FROM {{schema}}.users WHERE users.id = new.user_id) IS NOT NULL
    ON CONFLICT (user_id) DO UPDATE SET {assignments(_SEALED, "excluded")}
    RETURNING user_id
    """,
    writes=True,
)
"""Stores nothing where the user does not exist: a row too few says so without failing the transaction."""

REPLACE = Statement(
    "users.rotate_keys",
    f"""
    UPDATE {{schema}}.user_credentials SET {assignments(_SEALED)}
    FROM {rows(user_credentials, COLUMNS, before="bytea")}
    WHERE {matched(user_credentials, "user_credentials", ["user_id"])} AND user_credentials.api_key = new.before
    RETURNING user_credentials.user_id
    """,
    writes=True,
)
"""Replaces credentials whose API key is still the ciphertext `before`: its nonce makes it like no other."""

_IF_STORED = """(
        SELECT stored.api_key FROM {schema}.user_credentials AS stored WHERE stored.user_id = new.user_id
    ) = new.sealed"""

DELETE_HASHES = Statement(
    "users.delete_api_keys",
    f"""
    DELETE FROM {{schema}}.user_api_keys USING {rows(user_credentials, ["user_id"], sealed="bytea")}
    WHERE {matched(user_api_keys, "user_api_keys", ["user_id"])} AND {_IF_STORED}
    RETURNING user_api_keys.user_id
    """,
    writes=True,
)
"""Deletes the hashes of users whose API key is now the ciphertext `sealed`.

A statement of its own after the one that stored it: only so it sees, and waits for, hashes that others have stored
meanwhile.
"""

_INSERT_HASHES = f"""
    INSERT INTO {{schema}}.user_api_keys ({names(HASH_COLUMNS)})
    SELECT {names(HASH_COLUMNS)} FROM {rows(user_api_keys, HASH_COLUMNS, sealed="bytea")} WHERE {_IF_STORED}
    ORDER BY user_id, key_id
"""
INSERT_HASHES = Statement("users.set_credentials", f"{_INSERT_HASHES} RETURNING user_id", writes=True)
INSERT_FREE_HASHES = Statement(
    "users.rotate_keys", f"{_INSERT_HASHES} ON CONFLICT DO NOTHING RETURNING user_id", writes=True
)

REMOVE = Statement(
    "users.set_credentials",
    """
    WITH removed AS (DELETE FROM {schema}.user_credentials WHERE user_id = %(user_id)s::uuid RETURNING user_id)
    SELECT id FROM {schema}.users WHERE id = %(user_id)s::uuid
    """,
    writes=True,
)

_IS_OUTDATED = """(
        key_id <> %(current)s
        OR EXISTS (
            SELECT FROM {schema}.user_api_keys
            WHERE user_api_keys.user_id = user_credentials.user_id AND user_api_keys.key_id <> ALL (%(ring)s::text[])
        )
    )"""

KEY_USE = Statement("users.key_use", "SELECT key_id, count(*) FROM {schema}.user_credentials GROUP BY key_id")
OUTDATED = Statement("users.key_use", f"SELECT count(*) FROM {{schema}}.user_credentials WHERE {_IS_OUTDATED}")


@cache
def outdated_page(after: bool) -> Statement:
    """Outdated credentials by user id; only behind a position, if so."""
    behind = "user_id > %(after)s::uuid AND " if after else ""
    return Statement(
        "users.rotate_keys",
        f"SELECT {names(COLUMNS)} FROM {{schema}}.user_credentials WHERE {behind}{_IS_OUTDATED}"
        " ORDER BY user_id LIMIT %(limit)s::bigint",
    )
