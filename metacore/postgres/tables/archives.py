"""The table of archives: which parts of users' history were taken out."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, PrimaryKeyConstraint, Table

from metacore.postgres.tables.columns import METADATA, belongs_to, id_column, integer_column, key_column, time_column
from metacore.postgres.tables.rights import KEPT

archives = Table(
    "archives",
    METADATA,
    id_column("user_id"),
    integer_column("number"),
    key_column("digest"),
    integer_column("orders"),
    integer_column("order_updates"),
    integer_column("trades"),
    integer_column("entries"),
    time_column("created_at"),
    PrimaryKeyConstraint("user_id", "number", name="archives_pkey"),
    belongs_to("archives", "users", ["user_id"], ["id"]),
    CheckConstraint("number >= 1", name="archives_number_from_one"),
    info={"entity": "archive", "rights": KEPT},
)
