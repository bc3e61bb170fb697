"""Statements of the storage of what has come in."""

from __future__ import annotations

from metacore.postgres.client.statement import Statement
from metacore.postgres.statements.sets import looked_up, ordered, rows
from metacore.postgres.tables.columns import ever
from metacore.postgres.tables.inbox import inbox_positions

_NAMED = "consumer = %(consumer)s AND inbox_positions.topic = named.topic AND inbox_positions.key = named.key"
_KEYS = ordered(inbox_positions, ("topic", "key"))

ENSURE = Statement(
    "inbox.accept",
    f"""
    INSERT INTO {{schema}}.inbox_positions (consumer, topic, key, seq)
    SELECT %(consumer)s, named.topic, named.key, 0 FROM {_KEYS}
    ON CONFLICT (consumer, topic, key) DO NOTHING RETURNING 1
    """,
    writes=True,
)

POSITIONS = Statement(
    "inbox.accept",
    f"SELECT named.topic, named.key, found.seq FROM {_KEYS} {looked_up(['seq'], 'inbox_positions', _NAMED, lock=True)}",
)
"""Locks them: who comes at the same time waits, and finds them as they are then."""

ACCEPT = Statement(
    "inbox.accept",
    f"""
    INSERT INTO {{schema}}.inbox_positions (consumer, topic, key, seq)
    SELECT %(consumer)s, new.topic, new.key, new.seq FROM {rows(inbox_positions, ("topic", "key", "seq"))}
    ON CONFLICT (consumer, topic, key) DO UPDATE SET seq = excluded.seq
    WHERE inbox_positions.seq = excluded.seq - 1 RETURNING 1
    """,
    writes=True,
)
"""Moves on those whose message is the next one."""

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
