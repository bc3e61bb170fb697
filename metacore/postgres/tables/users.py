"""The table of users."""

from __future__ import annotations

from sqlalchemy import Index, PrimaryKeyConstraint, Table, text

from metacore.domain.people.users import KycStatus
from metacore.postgres.tables.columns import (
    METADATA,
    ever,
    flag_column,
    id_column,
    integer_column,
    key_column,
    name_column,
    texts_column,
    time_column,
)
from metacore.postgres.tables.rights import UPDATED

LISTED_USERS = ever("created_at")
"""Which rows `users_newest_idx` has: all."""

INACTIVE_USERS = "NOT is_active"
"""Which rows `users_inactive_idx` has."""

users = Table(
    "users",
    METADATA,
    id_column("id"),
    key_column("exchange"),
    key_column("uid", nullable=True),
    key_column("username", nullable=True),
    key_column("email", nullable=True),
    integer_column("telegram_id", nullable=True),
    name_column("kyc_status", KycStatus),
    flag_column("can_trade"),
    flag_column("can_withdraw"),
    flag_column("can_deposit"),
    key_column("account_type"),
    texts_column("permissions"),
    flag_column("is_active"),
    time_column("balances_as_of", nullable=True),
    time_column("balances_synced_at", nullable=True),
    time_column("balances_since", nullable=True),
    texts_column("balances_contrary"),
    time_column("archived_until", nullable=True),
    integer_column("version"),
    time_column("created_at"),
    time_column("updated_at"),
    PrimaryKeyConstraint("id", name="users_pkey"),
    info={"entity": "user", "rights": UPDATED, "may_delete": True, "sharded_by": "id"},
)

Index("users_newest_idx", users.c.created_at.desc(), users.c.id.desc(), postgresql_where=text(LISTED_USERS))
Index("users_inactive_idx", users.c.created_at.desc(), users.c.id.desc(), postgresql_where=text(INACTIVE_USERS))
