"""The table of logins. Failures are counted in place: no index knows how many they are."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, PrimaryKeyConstraint, Table

from metacore.domain.people.logins import MAX_HASH_LENGTH
from metacore.postgres.tables.columns import METADATA, belongs_to, id_column, integer_column, text_column, time_column
from metacore.postgres.tables.rights import UPDATED

logins = Table(
    "logins",
    METADATA,
    id_column("user_id"),
    text_column("password_hash"),
    integer_column("failures"),
    time_column("locked_until", nullable=True),
    time_column("changed_at"),
    PrimaryKeyConstraint("user_id", name="logins_pkey"),
    belongs_to("logins", "users", ["user_id"], ["id"]),
    CheckConstraint(f"char_length(password_hash) <= {MAX_HASH_LENGTH}", name="logins_password_hash_short"),
    CheckConstraint("failures >= 0", name="logins_failures_not_negative"),
    info={"entity": "login", "rights": UPDATED},
)
