"""Statements of the storage of events to be told, but those about claims: each about one topic."""

from __future__ import annotations

from metacore.postgres.client.codecs import EVENT
from metacore.postgres.client.statement import Statement
from metacore.postgres.statements.outbox_claims import OF_TOPIC, newest_of, progress_of
from metacore.postgres.statements.sets import array, names, ordered, rows, without
from metacore.postgres.tables.columns import ever
from metacore.postgres.tables.outbox import outbox_events, outbox_keys

LOCK_KEYS = Statement(
    "outbox.append",
    f"""
    WITH new AS (
        INSERT INTO {{schema}}.outbox_keys (topic, key)
        SELECT %(topic)s, named.key FROM {ordered(outbox_keys, ("key",))}
        ON CONFLICT (topic, key) DO UPDATE SET key = excluded.key WHERE false
        RETURNING key
    )
    INSERT INTO {{schema}}.outbox_progress (topic, key, version, done_seq, claimed_seq, failures)
    SELECT %(topic)s, new.key, 0, 0, 0, 0 FROM new
    RETURNING 1
    """,
    writes=True,
)
"""Locks keys, in one order, and makes those that are new; what nobody may change is locked, and not written anew."""

_APPENDED = without(EVENT.columns, "topic", "key", "seq", "recorded_at")

APPEND = Statement(
    "outbox.append",
    f"""
    INSERT INTO {{schema}}.outbox_events (topic, key, seq, recorded_at, {names(_APPENDED)})
    SELECT %(topic)s, new.key, last.seqs[new.position] + new.number, %(now)s::timestamptz, {names(_APPENDED, "new.")}
    FROM (
        SELECT array_agg(greatest(progress.done_seq, (
            SELECT seq FROM {{schema}}.outbox_events
            WHERE {OF_TOPIC} AND outbox_events.key = named.key ORDER BY seq DESC LIMIT 1
        )) ORDER BY named.position) AS seqs
        FROM unnest({array("keys", "text")}) WITH ORDINALITY AS named (key, position) {progress_of(["done_seq"])}
    ) AS last, {rows(outbox_events, ("key", *_APPENDED), position="bigint", number="bigint")}
    RETURNING 1
    """,
    writes=True,
)
"""Each event has the `position` of its key among those named, and its `number` among those of this key, both from 1.

They go on from the newest event that is stored or, where all are purged, from the newest that was done.
"""

WAKE_NEW = Statement(
    "outbox.append",
    f"""
    INSERT INTO {{schema}}.outbox_wakeups (topic, due, key, seq)
    SELECT %(topic)s, %(now)s::timestamptz, named.key, last.seq - named.count + 1
    FROM unnest({array("keys", "text")}, {array("counts", "bigint")}) AS named (key, count) {newest_of()}
    RETURNING key, seq
    """,
    writes=True,
)
"""Gives the `seq` of the first of the appended events of each key."""

GET = Statement(
    "outbox.park",
    f"SELECT {names(EVENT.columns)} FROM {{schema}}.outbox_events"
    f" WHERE {OF_TOPIC} AND key = %(key)s AND seq = %(seq)s::bigint",
)

READ = Statement(
    "outbox.read",
    f"SELECT {names(EVENT.columns)} FROM {{schema}}.outbox_events"
    f" WHERE {OF_TOPIC} AND key = %(key)s AND seq > %(after_seq)s::bigint ORDER BY seq LIMIT %(limit)s::bigint",
)

_WAITING = (
    f"SELECT key FROM {{schema}}.outbox_wakeups WHERE {OF_TOPIC}"
    f" UNION SELECT unnest(keys) FROM {{schema}}.outbox_waits WHERE {OF_TOPIC}"
)

LAG = Statement(
    "outbox.lag",
    f"""
    SELECT last.seq - progress.done_seq, first.recorded_at
    FROM ({_WAITING}) AS waiting {progress_of(["done_seq"], "waiting")} {newest_of("waiting")}
    CROSS JOIN LATERAL (
        SELECT recorded_at FROM {{schema}}.outbox_events
        WHERE {OF_TOPIC} AND outbox_events.key = waiting.key AND seq > progress.done_seq
        ORDER BY seq LIMIT 1
    ) AS first
    """,
)

OLD = Statement(
    "outbox.purge",
    f"""
    SELECT old.topic, old.key, old.seq FROM {{schema}}.outbox_events AS old
    CROSS JOIN LATERAL (
        SELECT done_seq FROM {{schema}}.outbox_progress
        WHERE outbox_progress.topic = old.topic AND outbox_progress.key = old.key ORDER BY version DESC LIMIT 1
    ) AS progress
    WHERE {ever("old.recorded_at")} AND old.recorded_at < %(before)s::timestamptz AND old.seq <= progress.done_seq
    ORDER BY old.recorded_at, old.topic, old.key, old.seq LIMIT %(limit)s::bigint
    """,
)
"""The oldest events that are done, of all topics."""

PURGE = Statement(
    "outbox.purge",
    f"DELETE FROM {{schema}}.outbox_events WHERE {OF_TOPIC} AND key = %(key)s AND seq = ANY (%(seqs)s::bigint[])"
    " RETURNING 1",
    writes=True,
)
"""Deletes events of one key."""
