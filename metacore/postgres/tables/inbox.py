"""The tables of what has come in. Positions are changed in place: no index knows how far they are."""

from __future__ import annotations

from sqlalchemy import Index, PrimaryKeyConstraint, Table, text

from metacore.postgres.tables.columns import METADATA, ever, integer_column, short, time_column, uid_column
from metacore.postgres.tables.rights import REPLACED, UPDATED

inbox_messages = Table(
    "inbox_messages",
    METADATA,
    uid_column("consumer"),
    uid_column("message_id"),
    time_column("accepted_at"),
    PrimaryKeyConstraint("consumer", "message_id", name="inbox_messages_pkey"),
    short("inbox_messages", "consumer"),
    short("inbox_messages", "message_id"),
    info={"entity": "inbox message", "rights": REPLACED, "sharded_by": "consumer"},
)
Index("inbox_messages_accepted_idx", inbox_messages.c.accepted_at, postgresql_where=text(ever("accepted_at")))

inbox_positions = Table(
    "inbox_positions",
    METADATA,
    uid_column("consumer"),
    uid_column("topic"),
    uid_column("key"),
    integer_column("seq"),
    PrimaryKeyConstraint("consumer", "topic", "key", name="inbox_positions_pkey"),
    short("inbox_positions", "consumer"),
    short("inbox_positions", "topic"),
    short("inbox_positions", "key"),
    info={"entity": "inbox position", "rights": UPDATED, "sharded_by": "consumer", "beside": "inbox_messages"},
)
