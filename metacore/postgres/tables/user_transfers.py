"""The table of transfers between users."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, PrimaryKeyConstraint, Table

from metacore.postgres.tables.columns import METADATA, amount_column, belongs_to, id_column, key_column, time_column
from metacore.postgres.tables.rights import KEPT

user_transfers = Table(
    "user_transfers",
    METADATA,
    id_column("user_id"),
    key_column("reference"),
    id_column("to_user_id"),
    key_column("asset"),
    amount_column("amount"),
    time_column("occurred_at"),
    PrimaryKeyConstraint("user_id", "reference", name="user_transfers_pkey"),
    belongs_to("user_transfers", "users", ["user_id"], ["id"]),
    CheckConstraint("amount > 0", name="user_transfers_amount_positive"),
    CheckConstraint("user_id <> to_user_id", name="user_transfers_between_two"),
    info={"entity": "transfer", "rights": KEPT},
)
