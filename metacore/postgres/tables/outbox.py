"""The tables of events to be told.

Who appends locks a row of `outbox_keys`, which nobody changes; who tells changes `outbox_progress`: neither waits for
the other. What a change replaces stays for as long as a snapshot is held that could see it, and would be walked again
and again by who looks for the newest. So each change of a key's progress has a `version`, one more than the last, and
an index gives the newest of a key first, as it does of its events.

Two tables say where to look: `outbox_wakeups` at keys that have something new, now, and `outbox_waits` at several keys,
from a time on: when the lease of a claim runs out, or an event is to be tried again. Rows are added, and deleted by who
looks; none is changed. Both are read from a time on before which there is nothing any more, so that deleted rows, which
stay in an index for as long as a snapshot is held, are not walked again and again.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, Column, Index, PrimaryKeyConstraint, Table, text

from metacore.postgres.tables.columns import (
    METADATA,
    ever,
    id_column,
    integer_column,
    json_column,
    key_column,
    short,
    text_column,
    texts_column,
    time_column,
    uid_column,
)
from metacore.postgres.tables.rights import DELETED, REPLACED, UPDATED


def _found_by(table: str) -> tuple[Column[Any] | CheckConstraint, ...]:
    return uid_column("topic"), uid_column("key"), short(table, "topic"), short(table, "key")


outbox_keys = Table(
    "outbox_keys",
    METADATA,
    *_found_by("outbox_keys"),
    PrimaryKeyConstraint("topic", "key", name="outbox_keys_pkey"),
    info={"entity": "outbox key", "rights": UPDATED, "sharded_by": "topic", "beside": "outbox_events"},
)

outbox_events = Table(
    "outbox_events",
    METADATA,
    id_column("id"),
    *_found_by("outbox_events"),
    key_column("type"),
    json_column("payload"),
    json_column("headers"),
    integer_column("seq"),
    time_column("occurred_at"),
    time_column("recorded_at"),
    PrimaryKeyConstraint("topic", "key", "seq", name="outbox_events_pkey"),
    info={"entity": "event", "rights": REPLACED, "sharded_by": "topic"},
)
Index(
    "outbox_events_id_key",
    outbox_events.c.topic,
    outbox_events.c.id,
    unique=True,
    postgresql_where=text("id IS NOT NULL"),
)
Index("outbox_events_recorded_idx", outbox_events.c.recorded_at, postgresql_where=text(ever("recorded_at")))

outbox_progress = Table(
    "outbox_progress",
    METADATA,
    *_found_by("outbox_progress"),
    integer_column("version"),
    integer_column("done_seq"),
    integer_column("claimed_seq"),
    id_column("claim_id", nullable=True),
    time_column("not_before", nullable=True),
    integer_column("failures"),
    text_column("error", nullable=True),
    PrimaryKeyConstraint("topic", "key", "version", name="outbox_progress_pkey"),
    info={"entity": "outbox progress", "rights": UPDATED, "sharded_by": "topic", "beside": "outbox_events"},
)

outbox_wakeups = Table(
    "outbox_wakeups",
    METADATA,
    uid_column("topic"),
    time_column("due"),
    uid_column("key"),
    integer_column("seq"),
    PrimaryKeyConstraint("topic", "due", "key", "seq", name="outbox_wakeups_pkey"),
    short("outbox_wakeups", "topic"),
    short("outbox_wakeups", "key"),
    info={"entity": "outbox wakeup", "rights": DELETED, "sharded_by": "topic", "beside": "outbox_events"},
)
"""`due` is only what rows are read in the order of: they are to be looked at, whatever it is. `seq` tells rows of a key
apart, so that nobody who adds one waits for who looks at another: it is that of an event that was appended, or one that
was left when a claim was done, which is counted from `REST` on.
"""

REST = 2**62

outbox_waits = Table(
    "outbox_waits",
    METADATA,
    uid_column("topic"),
    time_column("due"),
    id_column("id"),
    texts_column("keys"),
    PrimaryKeyConstraint("topic", "due", "id", name="outbox_waits_pkey"),
    short("outbox_waits", "topic"),
    info={"entity": "outbox wait", "rights": DELETED, "sharded_by": "topic", "beside": "outbox_events"},
)
"""`id` is that of the claim whose lease it is, or its own."""
