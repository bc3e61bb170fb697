"""Statements of the storage of what has come in."""

from __future__ import annotations

from metacore.postgres.client.statement import Statement
from metacore.postgres.statements.sets import looked_up, ordered, rows
from metacore.postgres.tables.columns import ever
from metacore.postgres.tables.inbox import inbox_positions

_NAMED = "consumer = %(consumer)s AND inbox_positions.topic = named.topic AND inbox_positions.key = named.key"
_KEYS = ordered(inbox_positions, ("topic", "key"))
_RUNS = {"first": "bigint", "last": "bigint"}

ENSURE = Statement(
    "inbox.accept",
    f"""
    INSERT INTO {{schema}}.inbox_positions (consumer, topic, key, seq)
    SELECT %(consumer)s, run.topic, run.key, CASE WHEN run.first = 1 THEN run.last ELSE 0 END
    FROM {rows(inbox_positions, ("topic", "key"), "run", **_RUNS)} ORDER BY run.topic COLLATE "C", run.key COLLATE "C"
    ON CONFLICT (consumer, topic, key) DO NOTHING RETURNING topic, key
    """,
    writes=True,
)
"""Makes the positions that are not there, where their runs of messages leave them; gives their keys."""

POSITIONS = Statement(
    "inbox.accept",
    f"SELECT named.topic, named.key, found.seq FROM {_KEYS} {looked_up(['seq'], 'inbox_positions', _NAMED, lock=True)}",
)
"""Locks them: who comes at the same time waits, and finds them as they are then."""

ACCEPT = Statement(
    "inbox.accept",
    f"""
    INSERT INTO {{schema}}.inbox_positions (consumer, topic, key, seq)
    SELECT %(consumer)s, named.topic, named.key, named.last
    FROM {rows(inbox_positions, ("topic", "key"), "named", **_RUNS)} {looked_up(["seq"], "inbox_positions", _NAMED)}
    WHERE found.seq >= named.first - 1 AND found.seq < named.last
    ON CONFLICT (consumer, topic, key) DO UPDATE SET seq = excluded.seq RETURNING 1
    """,
    writes=True,
)
"""Moves on those that are locked, and whose run of messages has the next one."""

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
