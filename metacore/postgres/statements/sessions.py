"""Statements of the storage of sessions."""

from __future__ import annotations

from metacore.postgres.client.codecs import SESSION, USER
from metacore.postgres.client.statement import Statement
from metacore.postgres.statements.sets import OF_USER, created, names
from metacore.postgres.tables.columns import ever
from metacore.postgres.tables.sessions import NOT_ENDED, sessions

_ALL = names(SESSION.columns, "sessions.")
_OF_USER = f"sessions.{OF_USER}"
_KEY = f"{_OF_USER} AND sessions.id = %(id)s::uuid"
_NOW = "%(now)s::timestamptz"

CREATE = Statement("sessions.create", f"{created(sessions, SESSION.columns)} RETURNING id", writes=True)

GET = Statement("sessions.get", f"SELECT {_ALL} FROM {{schema}}.sessions WHERE {_KEY}")

_IN_FORCE = "sessions.token_hash = %(presented_hash)s::bytea"
_ROTATED = {
    "token_hash": "%(next_hash)s::bytea",
    "previous_hash": "sessions.token_hash",
    "nonce": "%(nonce)s::bytea",
    "generation": "sessions.generation + 1",
    "rotated_at": _NOW,
    "idle_until": "least(%(idle_until)s::timestamptz, sessions.expires_at)",
}
_LIVES = f"sessions.ended_at IS NULL AND {_NOW} < sessions.idle_until"

RENEW = Statement(
    "sessions.rotate",
    f"""
    UPDATE {{schema}}.sessions SET {", ".join(f"{column} = {changed}" for column, changed in _ROTATED.items())}
    FROM {{schema}}.users
    WHERE {_KEY} AND users.id = %(user_id)s::uuid AND {_LIVES} AND {_IN_FORCE}
    RETURNING {_ALL}, {names(USER.columns, "users.")}
    """,
    writes=True,
)
"""Rotates where the secret in force is presented, as it nearly always is: the session and its user. Nothing otherwise:
`LOCK` and `ROTATE` tell why.
"""

LOCK = Statement("sessions.rotate", f"SELECT {_ALL} FROM {{schema}}.sessions WHERE {_KEY} FOR NO KEY UPDATE")
"""Who comes at the same time waits, and finds it as it is then: what it was tells the outcome."""

_REPEATED = "sessions.previous_hash = %(presented_hash)s::bytea AND sessions.rotated_at >= %(fresh_since)s::timestamptz"


def _if_in_force(changed: str, column: str) -> str:
    return f"{column} = CASE WHEN {_IN_FORCE} THEN {changed} ELSE sessions.{column} END"


ROTATE = Statement(
    "sessions.rotate",
    f"""
    UPDATE {{schema}}.sessions
    SET {", ".join(_if_in_force(changed, column) for column, changed in _ROTATED.items())},
        ended_at = CASE WHEN {_IN_FORCE} THEN NULL ELSE {_NOW} END,
        end_reason = CASE WHEN {_IN_FORCE} THEN NULL ELSE %(reason)s END
    WHERE {_KEY} AND {_LIVES} AND ({_IN_FORCE} OR ({_REPEATED}) IS NOT TRUE)
    RETURNING {_ALL}
    """,
    writes=True,
)
"""Rotates where the secret in force is presented, and ends where a secret is used again: `Presented.rotate` as SQL."""

END = Statement(
    "sessions.end",
    f"UPDATE {{schema}}.sessions SET ended_at = {_NOW}, end_reason = %(reason)s"
    f" WHERE {_KEY} AND sessions.ended_at IS NULL RETURNING id",
    writes=True,
)

_OTHERS = f"{_OF_USER} AND {NOT_ENDED} AND sessions.id IS DISTINCT FROM %(keep)s::uuid"

LOCK_ALL = Statement(
    "sessions.end_all", f"SELECT id FROM {{schema}}.sessions WHERE {_OTHERS} ORDER BY id FOR NO KEY UPDATE"
)
"""In one order, so that two who end all close no circle."""

END_ALL = Statement(
    "sessions.end_all",
    f"UPDATE {{schema}}.sessions SET ended_at = {_NOW}, end_reason = %(reason)s WHERE {_OTHERS} RETURNING id",
    writes=True,
)

LIST = Statement(
    "sessions.list",
    f"SELECT {_ALL} FROM {{schema}}.sessions WHERE {_OF_USER} AND {NOT_ENDED} AND idle_until > {_NOW}"
    " ORDER BY created_at DESC, id DESC",
)

OLD = Statement(
    "sessions.purge",
    f"""
    SELECT user_id, id FROM {{schema}}.sessions
    WHERE {ever("expires_at")} AND expires_at < %(before)s::timestamptz
    ORDER BY expires_at, user_id, id LIMIT %(limit)s::bigint
    """,
)
"""The first to expire, of all users."""

PURGE = Statement(
    "sessions.purge",
    f"DELETE FROM {{schema}}.sessions WHERE {_OF_USER} AND sessions.id = ANY (%(ids)s::uuid[]) RETURNING id",
    writes=True,
)
"""Deletes sessions of one user."""
