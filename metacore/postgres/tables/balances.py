"""The tables of balances and their journal."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, PrimaryKeyConstraint, Table, func, text

from metacore.domain.trading.balances import FACTS, UNIQUELY_REFERENCED, EntryReason
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
    text_column,
    time_column,
)
from metacore.postgres.tables.domains import quoted
from metacore.postgres.tables.rights import KEPT, UPDATED

REFERENCED_ENTRIES = f"reason IN ({quoted(sorted(UNIQUELY_REFERENCED))}) AND reference IS NOT NULL"
"""Which rows `balance_entries_reference_key` has: a deposit or withdrawal is booked once for each reference."""

FACT_ENTRIES = f"reason IN ({quoted(sorted(FACTS))})"
"""Which rows tell of facts: what an account snapshot may know of."""

LISTED_ENTRIES = ever("occurred_at")
"""Which rows `balance_entries_newest_idx` has: all."""

FREQUENT = frozenset({EntryReason.HOLD, EntryReason.RELEASE, EntryReason.TRADE, EntryReason.COMMISSION})
"""The reasons of the entries that orders and their fills bring: most of all, so that a list soon finds some."""

RARE_ENTRIES = f"reason IN ({quoted(sorted(set(EntryReason) - FREQUENT))}) AND {filtered('occurred_at')}"
"""Which rows `balance_entries_reason_idx` has, for lists of one reason."""

UNEXPLAINED_BALANCES = "unexplained <> 0"
"""Which rows `balances_unexplained_idx` has."""

balances = Table(
    "balances",
    METADATA,
    key_column("asset"),
    amount_column("free"),
    amount_column("locked"),
    id_column("user_id"),
    amount_column("unexplained"),
    integer_column("last_seq"),
    text_column("head"),
    integer_column("version"),
    time_column("created_at"),
    time_column("updated_at"),
    PrimaryKeyConstraint("user_id", "asset", name="balances_pkey"),
    belongs_to("balances", "users", ["user_id"], ["id"]),
    not_negative("balances", "free"),
    not_negative("balances", "locked"),
    info={"entity": "balance", "rights": UPDATED},
)

Index(
    "balances_name_idx",
    balances.c.user_id,
    func.lower(balances.c.asset),
    unique=True,
    postgresql_where=text("lower(asset) IS NOT NULL"),
)

Index(
    "balances_unexplained_idx",
    balances.c.user_id,
    balances.c.asset,
    postgresql_where=text(UNEXPLAINED_BALANCES),
)

balance_entries = Table(
    "balance_entries",
    METADATA,
    id_column("user_id"),
    key_column("asset"),
    amount_column("delta_free"),
    amount_column("delta_locked"),
    amount_column("delta_unexplained"),
    name_column("reason", EntryReason),
    key_column("reference", nullable=True),
    time_column("occurred_at"),
    integer_column("seq"),
    amount_column("free_after"),
    amount_column("locked_after"),
    amount_column("unexplained_after"),
    text_column("hash"),
    time_column("created_at"),
    PrimaryKeyConstraint("user_id", "asset", "seq", name="balance_entries_pkey"),
    belongs_to("balance_entries", "balances", ["user_id", "asset"], ["user_id", "asset"]),
    not_negative("balance_entries", "free_after"),
    not_negative("balance_entries", "locked_after"),
    CheckConstraint("seq >= 1", name="balance_entries_seq_from_one"),
    info={"entity": "balance entry", "rights": KEPT},
)

Index(
    "balance_entries_reference_key",
    balance_entries.c.user_id,
    balance_entries.c.reason,
    balance_entries.c.reference,
    unique=True,
    postgresql_where=text(REFERENCED_ENTRIES),
)
Index(
    "balance_entries_newest_idx",
    balance_entries.c.user_id,
    balance_entries.c.occurred_at.desc(),
    balance_entries.c.asset.desc(),
    balance_entries.c.seq.desc(),
    postgresql_where=text(LISTED_ENTRIES),
)
Index(
    "balance_entries_reason_idx",
    balance_entries.c.user_id,
    balance_entries.c.reason,
    balance_entries.c.occurred_at.desc(),
    balance_entries.c.asset.desc(),
    balance_entries.c.seq.desc(),
    postgresql_where=text(RARE_ENTRIES),
)
