"""The table of users."""

from __future__ import annotations

from sqlalchemy import Index, PrimaryKeyConstraint, Table

from metacore.domain.people.users import KycStatus
from metacore.postgres.tables.columns import (
    METADATA,
    flag_column,
    id_column,
    integer_column,
    key_column,
    name_column,
    texts_column,
    time_column,
    unique,
)
from metacore.postgres.tables.rights import DELETED

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
    integer_column("version"),
    time_column("created_at"),
    time_column("updated_at"),
    PrimaryKeyConstraint("id", name="users_pkey"),
    unique("users", "uid", "exchange", "uid"),
    unique("users", "username", "username"),
    unique("users", "email", "exchange", "email"),
    unique("users", "telegram_id", "exchange", "telegram_id"),
    info={"entity": "user", "rights": DELETED},
)

Index("users_newest_idx", users.c.created_at.desc(), users.c.id.desc())
