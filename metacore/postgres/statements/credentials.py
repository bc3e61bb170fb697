"""Statements of the users' storage as far as it keeps their credentials. All that goes in is encrypted or hashed."""

from __future__ import annotations

from dataclasses import fields
from functools import cache

from metacore.crypto.sealed import SealedCredentials
from metacore.postgres.client.codecs import USER
from metacore.postgres.client.statement import Statement
from metacore.postgres.statements.names import FOUND_MANY
from metacore.postgres.statements.sets import OF_USER, assignments, names, parameter, parameters, rows, without
from metacore.postgres.tables.credentials import user_api_keys, user_credentials

COLUMNS = without((field.name for field in fields(SealedCredentials)), "generation")
HASH_COLUMNS = ("user_id", "key_id", "generation", "api_key_hash")

_SEALED = without(COLUMNS, "user_id")
_READ = f"{names(COLUMNS, 'user_credentials.')}, user_api_keys.generation"
_WITH_GENERATION = """{schema}.user_credentials LEFT JOIN {schema}.user_api_keys
        ON user_api_keys.user_id = user_credentials.user_id AND user_api_keys.key_id = user_credentials.key_id"""

GET = Statement("users.credentials", f"SELECT {_READ} FROM {_WITH_GENERATION} WHERE user_credentials.{OF_USER}")

_WITH_USER = f"""
    SELECT {names(USER.columns, "users.")}, {_READ}
    FROM {_WITH_GENERATION} JOIN {{schema}}.users ON users.id = user_credentials.user_id
    WHERE user_credentials.user_id ="""

GET_BY_API_KEY = Statement("users.get_by_api_key", f"{_WITH_USER} ANY (ARRAY({FOUND_MANY}))")
GET_WITH_USER = Statement("users.get_by_api_key", f"{_WITH_USER} %(user_id)s::uuid")

SET = Statement(
    "users.set_credentials",
    f"""
    INSERT INTO {{schema}}.user_credentials ({names(COLUMNS)})
    SELECT users.id, {parameters(user_credentials, _SEALED)} FROM {{schema}}.users WHERE users.id = %(user_id)s::uuid
    ON CONFLICT (user_id) DO UPDATE SET {assignments(_SEALED, "excluded")}
    RETURNING user_id
    """,
    writes=True,
)
"""Stores nothing where the user does not exist: a row too few says so without failing the transaction."""

LOCK = Statement(
    "users.credentials",
    f"SELECT user_id FROM {{schema}}.user_credentials WHERE user_credentials.{OF_USER} FOR UPDATE",
)
"""Locks what is stored: a later statement sees the hashes that belong to it, and no others come or go."""

REMOVE = Statement(
    "users.set_credentials",
    f"DELETE FROM {{schema}}.user_credentials WHERE user_credentials.{OF_USER} RETURNING user_id",
    writes=True,
)

REPLACE = Statement(
    "users.rotate_keys",
    f"""
    UPDATE {{schema}}.user_credentials
    SET {", ".join(f"{name} = {parameter(user_credentials, name)}" for name in _SEALED)}
    WHERE user_credentials.{OF_USER} AND user_credentials.sealed = %(before)s::bytea
    RETURNING user_id
    """,
    writes=True,
)
"""Replaces credentials that are still the ciphertext `before`: its nonce makes it like no other."""

HASHES = Statement(
    "users.credentials",
    f"SELECT api_key_hash FROM {{schema}}.user_api_keys WHERE user_api_keys.{OF_USER} AND api_key_hash IS NOT NULL",
)

_IS_STORED = f"user_credentials.{OF_USER} AND user_credentials.sealed = %(sealed)s::bytea"

DELETE_HASHES = Statement(
    "users.delete_api_keys",
    f"""
    DELETE FROM {{schema}}.user_api_keys USING {{schema}}.user_credentials
    WHERE user_api_keys.{OF_USER} AND {_IS_STORED}
    RETURNING api_key_hash
    """,
    writes=True,
)
"""Deletes the user's hashes if the credentials are now the ciphertext `sealed`.

A statement of its own after the one that stored it: only so it sees, and waits for, hashes that others have stored
meanwhile.
"""

INSERT_HASHES = Statement(
    "users.set_credentials",
    f"""
    INSERT INTO {{schema}}.user_api_keys ({names(HASH_COLUMNS)})
    SELECT user_credentials.user_id, new.key_id, {parameter(user_api_keys, "generation")}, new.api_key_hash
    FROM {{schema}}.user_credentials CROSS JOIN {rows(user_api_keys, ("key_id", "api_key_hash"))}
    WHERE {_IS_STORED}
    RETURNING user_id
    """,
    writes=True,
)

_IS_OUTDATED = """(
        user_credentials.key_id <> %(current)s
        OR EXISTS (
            SELECT FROM {schema}.user_api_keys AS hashes
            WHERE hashes.user_id = user_credentials.user_id AND hashes.key_id <> ALL (%(ring)s::text[])
        )
    )"""

KEY_USE = Statement("users.key_use", "SELECT key_id, count(*) FROM {schema}.user_credentials GROUP BY key_id")
OUTDATED = Statement("users.key_use", f"SELECT count(*) FROM {{schema}}.user_credentials WHERE {_IS_OUTDATED}")


@cache
def outdated_page(after: bool) -> Statement:
    """Outdated credentials by user id; only behind a position, if so."""
    behind = "user_credentials.user_id > %(after)s::uuid AND " if after else ""
    return Statement(
        "users.rotate_keys",
        f"SELECT {_READ} FROM {_WITH_GENERATION} WHERE {behind}{_IS_OUTDATED}"
        " ORDER BY user_credentials.user_id LIMIT %(limit)s::bigint",
    )
