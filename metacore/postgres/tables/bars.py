"""The table of the parts of bars."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, PrimaryKeyConstraint, Table, text

from metacore.postgres.tables.columns import (
    METADATA,
    amount_column,
    ever,
    filtered,
    id_column,
    integer_column,
    key_column,
    short,
    time_column,
    uid_column,
)
from metacore.postgres.tables.rights import REPLACED

_IN_THE_MINUTE = "{name} >= starts_at AND {name} < starts_at + interval '1 minute'"

bar_parts = Table(
    "bar_parts",
    METADATA,
    uid_column("symbol"),
    key_column("feed"),
    key_column("exchange"),
    time_column("starts_at"),
    id_column("part"),
    integer_column("count"),
    amount_column("sum"),
    amount_column("low"),
    time_column("low_at"),
    amount_column("high"),
    time_column("high_at"),
    amount_column("last"),
    time_column("last_at"),
    PrimaryKeyConstraint("symbol", "feed", "exchange", "starts_at", "part", name="bar_parts_pkey"),
    short("bar_parts", "symbol"),
    CheckConstraint("count > 0 AND count < 2147483648", name="bar_parts_count_possible"),
    CheckConstraint("low > 0 AND low <= last AND last <= high", name="bar_parts_last_between"),
    CheckConstraint("low * count <= sum AND sum <= high * count", name="bar_parts_average_between"),
    CheckConstraint("date_trunc('minute', starts_at, 'UTC') = starts_at", name="bar_parts_minute_whole"),
    *(
        CheckConstraint(_IN_THE_MINUTE.format(name=name), name=f"bar_parts_{name}_within")
        for name in ("low_at", "high_at", "last_at")
    ),
    info={"entity": "bar", "rights": REPLACED, "sharded_by": "symbol"},
)

OF_ALL, OLDEST = ever("starts_at"), filtered("starts_at")
"""Which statements use the indexes below: those about a symbol on all exchanges, and those that delete old minutes."""

Index(
    "bar_parts_all_idx",
    bar_parts.c.symbol,
    bar_parts.c.feed,
    bar_parts.c.starts_at.desc(),
    bar_parts.c.exchange.desc(),
    postgresql_where=text(OF_ALL),
)
Index(
    "bar_parts_oldest_idx",
    bar_parts.c.feed,
    bar_parts.c.starts_at,
    bar_parts.c.symbol,
    bar_parts.c.exchange,
    postgresql_where=text(OLDEST),
)
