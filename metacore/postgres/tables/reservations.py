"""The table of reservations."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, PrimaryKeyConstraint, Table, text

from metacore.domain.trading.reservations import ReservationState
from metacore.postgres.tables.columns import (
    METADATA,
    amount_column,
    belongs_to,
    ever,
    filtered,
    id_column,
    integer_column,
    key_column,
    name_column,
    not_negative,
    time_column,
)
from metacore.postgres.tables.rights import UPDATED

PENDING_RESERVATIONS = "state = 'PENDING' AND expires_at IS NOT NULL"
"""Which rows `reservations_due_idx` has: those that expire."""

HOLDING_RESERVATIONS = "held_amount > 0"
"""Which rows `reservations_holding_idx` has."""

LISTED_RESERVATIONS = ever("created_at")
"""Which rows `reservations_newest_idx` has: all."""

RESERVATIONS_BY_STATE = filtered("created_at")
"""Which rows `reservations_state_idx` has: all."""

reservations = Table(
    "reservations",
    METADATA,
    id_column("id"),
    id_column("user_id"),
    key_column("asset"),
    amount_column("amount"),
    key_column("reference"),
    time_column("expires_at", nullable=True),
    name_column("state", ReservationState),
    amount_column("held_amount"),
    amount_column("posted_amount"),
    id_column("posted_to", nullable=True),
    time_column("resolved_at", nullable=True),
    integer_column("version"),
    time_column("created_at"),
    time_column("updated_at"),
    PrimaryKeyConstraint("user_id", "id", name="reservations_pkey"),
    belongs_to("reservations", "users", ["user_id"], ["id"]),
    not_negative("reservations", "held_amount"),
    CheckConstraint("amount > 0", name="reservations_amount_positive"),
    CheckConstraint("held_amount <= amount", name="reservations_held_within"),
    CheckConstraint("posted_amount BETWEEN 0 AND amount", name="reservations_posted_within"),
    CheckConstraint(
        "(state = 'PENDING') = (resolved_at IS NULL) AND (state = 'PENDING' OR held_amount = 0)"
        " AND (state = 'POSTED') = (posted_amount > 0) AND (state = 'POSTED' OR posted_to IS NULL)",
        name="reservations_resolved_as_a_whole",
    ),
    info={"entity": "reservation", "rights": UPDATED},
)

Index(
    "reservations_reference_key",
    reservations.c.user_id,
    reservations.c.asset,
    reservations.c.reference,
    unique=True,
    postgresql_where=text("reference IS NOT NULL"),
)
Index(
    "reservations_newest_idx",
    reservations.c.user_id,
    reservations.c.created_at.desc(),
    reservations.c.id.desc(),
    postgresql_where=text(LISTED_RESERVATIONS),
)
Index(
    "reservations_state_idx",
    reservations.c.user_id,
    reservations.c.state,
    reservations.c.created_at.desc(),
    reservations.c.id.desc(),
    postgresql_where=text(RESERVATIONS_BY_STATE),
)
Index(
    "reservations_due_idx",
    reservations.c.expires_at,
    reservations.c.user_id,
    reservations.c.id,
    postgresql_where=text(PENDING_RESERVATIONS),
)
Index("reservations_holding_idx", reservations.c.user_id, postgresql_where=text(HOLDING_RESERVATIONS))
