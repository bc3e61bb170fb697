"""Statements of the storage of what has come in."""

from __future__ import annotations

from metacore.postgres.client.statement import Statement
from metacore.postgres.tables.columns import ever

_POSITION = "consumer = %(consumer)s AND topic = %(topic)s AND key = %(key)s"

ENSURE = Statement(
    "inbox.accept",
    "INSERT INTO {schema}.inbox_positions (consumer, topic, key, seq)"
    " VALUES (%(consumer)s, %(topic)s, %(key)s, 0) ON CONFLICT (consumer, topic, key) DO NOTHING RETURNING 1",
    writes=True,
)

POSITION = Statement("inbox.accept", f"SELECT seq FROM {{schema}}.inbox_positions WHERE {_POSITION} FOR UPDATE")
"""Locks it: who comes at the same time waits, and finds it as it is then."""

ACCEPT = Statement(
    "inbox.accept",
    f"UPDATE {{schema}}.inbox_positions SET seq = inbox_positions.seq + 1"
    f" WHERE {_POSITION} AND seq = %(seq)s::bigint - 1 RETURNING 1",
    writes=True,
)
"""Moves it on, if the message is the next one."""

ONCE = Statement(
    "inbox.once",
    "INSERT INTO {schema}.inbox_messages (consumer, message_id, accepted_at)"
    " VALUES (%(consumer)s, %(message_id)s, %(accepted_at)s::timestamptz)"
    " ON CONFLICT (consumer, message_id) DO NOTHING RETURNING 1",
    writes=True,
)

OLD = Statement(
    "inbox.purge",
    f"""
    SELECT consumer, message_id FROM {{schema}}.inbox_messages
    WHERE {ever("accepted_at")} AND accepted_at < %(before)s::timestamptz
    ORDER BY accepted_at, consumer, message_id LIMIT %(limit)s::bigint
    """,
)
"""The oldest ids, of all consumers."""

PURGE = Statement(
    "inbox.purge",
    "DELETE FROM {schema}.inbox_messages"
    " WHERE consumer = %(consumer)s AND message_id = ANY (%(message_ids)s::text[]) RETURNING 1",
    writes=True,
)
"""Deletes ids of one consumer."""
