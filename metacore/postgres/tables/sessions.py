"""The table of sessions. A rotation changes no column that an index has, so that it writes to none."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, PrimaryKeyConstraint, Table, text

from metacore.domain.people.sessions import HASH_LENGTH
from metacore.postgres.tables.columns import (
    METADATA,
    belongs_to,
    bytes_column,
    ever,
    id_column,
    integer_column,
    key_column,
    short,
    text_column,
    time_column,
)
from metacore.postgres.tables.rights import DELETED

NOT_ENDED = f"ended_at IS NULL AND {ever('created_at')}"
"""Which rows `sessions_not_ended_idx` has."""

_DIGESTS = ("token_hash", "previous_hash", "nonce")

sessions = Table(
    "sessions",
    METADATA,
    id_column("user_id"),
    id_column("id"),
    bytes_column("token_hash"),
    key_column("label", nullable=True),
    time_column("idle_until"),
    time_column("expires_at"),
    bytes_column("previous_hash", nullable=True),
    bytes_column("nonce", nullable=True),
    integer_column("generation"),
    time_column("rotated_at", nullable=True),
    time_column("ended_at", nullable=True),
    text_column("end_reason", nullable=True),
    time_column("created_at"),
    PrimaryKeyConstraint("user_id", "id", name="sessions_pkey"),
    belongs_to("sessions", "users", ["user_id"], ["id"]),
    *(CheckConstraint(f"octet_length({name}) = {HASH_LENGTH}", name=f"sessions_{name}_whole") for name in _DIGESTS),
    short("sessions", "end_reason"),
    CheckConstraint("idle_until <= expires_at", name="sessions_idle_within"),
    CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name="sessions_ended_as_a_whole"),
    CheckConstraint(
        "(generation = 1) = (previous_hash IS NULL) AND (previous_hash IS NULL) = (nonce IS NULL)"
        " AND (nonce IS NULL) = (rotated_at IS NULL) AND generation >= 1",
        name="sessions_rotated_as_a_whole",
    ),
    info={"entity": "session", "rights": DELETED},
)

Index(
    "sessions_not_ended_idx",
    sessions.c.user_id,
    sessions.c.created_at.desc(),
    sessions.c.id.desc(),
    postgresql_where=text(NOT_ENDED),
)
Index("sessions_expiry_idx", sessions.c.expires_at, postgresql_where=text(ever("expires_at")))
