"""Statements of the storage of events to be told: each about one topic."""

from __future__ import annotations

from metacore.postgres.client.codecs import EVENT, KEY_PROGRESS
from metacore.postgres.client.statement import Statement
from metacore.postgres.statements.sets import array, assignments, looked_up, names, ordered, rows, without
from metacore.postgres.tables.columns import ever
from metacore.postgres.tables.outbox import REST, outbox_events, outbox_progress, outbox_waits, outbox_wakeups

_TOPIC = "topic = %(topic)s"
_KEYS = f"unnest({array('keys', 'text')})"

COUNT = Statement(
    "outbox.append",
    f"""
    INSERT INTO {{schema}}.outbox_keys (topic, key, last_seq)
    SELECT %(topic)s, named.key, named.count
    FROM unnest({array("keys", "text")}, {array("counts", "bigint")}) AS named (key, count)
    ORDER BY named.key COLLATE "C"
    ON CONFLICT (topic, key) DO UPDATE SET last_seq = outbox_keys.last_seq + excluded.last_seq
    RETURNING key, last_seq
    """,
    writes=True,
)
"""Counts on, and so locks, keys in one order; the statements after it know by that which seq each event has."""

_LAST = looked_up(["last_seq"], "outbox_keys", f"{_TOPIC} AND outbox_keys.key = named.key", "last")
_GIVEN = without(EVENT.columns, "topic", "key", "seq", "recorded_at")

APPEND = Statement(
    "outbox.append",
    f"""
    INSERT INTO {{schema}}.outbox_events (topic, key, seq, recorded_at, {names(_GIVEN)})
    SELECT %(topic)s, new.key, counted.seqs[new.position] - new.back, %(now)s::timestamptz, {names(_GIVEN, "new.")}
    FROM (
        SELECT array_agg(last.last_seq ORDER BY named.position) AS seqs
        FROM {_KEYS} WITH ORDINALITY AS named (key, position) {_LAST}
    ) AS counted, {rows(outbox_events, ("key", *_GIVEN), position="bigint", back="bigint")}
    RETURNING 1
    """,
    writes=True,
)
"""Each event has the `position`, from 1, of its key among those named, and tells how many of its key come after it."""

WAKE_NEW = Statement(
    "outbox.append",
    f"""
    INSERT INTO {{schema}}.outbox_wakeups (topic, due, key, seq)
    SELECT %(topic)s, %(now)s::timestamptz, named.key, last.last_seq - named.count + 1
    FROM unnest({array("keys", "text")}, {array("counts", "bigint")}) AS named (key, count) {_LAST}
    RETURNING 1
    """,
    writes=True,
)

DUE = Statement(
    "outbox.claim",
    f"""
    SELECT due, key, seq FROM {{schema}}.outbox_wakeups
    WHERE {_TOPIC} AND due >= %(start)s::timestamptz
    ORDER BY due, key, seq LIMIT %(limit)s::bigint FOR UPDATE SKIP LOCKED
    """,
)

OVER = Statement(
    "outbox.claim",
    f"""
    SELECT due, keys, id FROM {{schema}}.outbox_waits
    WHERE {_TOPIC} AND due >= %(start)s::timestamptz AND due <= %(now)s::timestamptz
    ORDER BY due, id LIMIT %(limit)s::bigint FOR UPDATE SKIP LOCKED
    """,
)
"""The waits that are over."""

DROP = Statement(
    "outbox.claim",
    f"""
    DELETE FROM {{schema}}.outbox_wakeups
    WHERE {_TOPIC} AND due = ANY (%(due)s::timestamptz[]) AND (due, key, seq) IN (
        SELECT dropped.due, dropped.key, dropped.seq
        FROM {rows(outbox_wakeups, ("due", "key", "seq"), "dropped")}
    )
    RETURNING 1
    """,
    writes=True,
)

END = Statement(
    "outbox.claim",
    f"""
    DELETE FROM {{schema}}.outbox_waits
    WHERE {_TOPIC} AND due = ANY (%(due)s::timestamptz[]) AND (due, id) IN (
        SELECT ended.due, ended.id FROM {rows(outbox_waits, ("due", "id"), "ended")}
    )
    RETURNING 1
    """,
    writes=True,
)

WAIT = Statement(
    "outbox.claim",
    """
    INSERT INTO {schema}.outbox_waits (topic, due, id, keys)
    VALUES (%(topic)s, %(due)s::timestamptz, %(id)s::uuid, %(keys)s::text[])
    RETURNING 1
    """,
    writes=True,
)

ENSURE = Statement(
    "outbox.claim",
    f"""
    INSERT INTO {{schema}}.outbox_progress (topic, key, done_seq, claimed_seq, failures)
    SELECT %(topic)s, named.key, 0, 0, 0 FROM {ordered(outbox_progress, ("key",))}
    ON CONFLICT (topic, key) DO NOTHING RETURNING 1
    """,
    writes=True,
)

_NAMED = f"{_TOPIC} AND outbox_progress.key = named.key"

LOCK = Statement(
    "outbox.claim",
    f"SELECT found.* FROM {ordered(outbox_progress, ('key',))}"
    f" {looked_up(KEY_PROGRESS.columns, 'outbox_progress', _NAMED, lock=True)}",
)

_FREE = f"{_NAMED} AND (not_before IS NULL OR not_before <= %(now)s::timestamptz)"

TAKE = Statement(
    "outbox.claim",
    f"""
    INSERT INTO {{schema}}.outbox_progress (topic, key, done_seq, claimed_seq, claim_id, not_before, failures)
    SELECT %(topic)s, named.key, progress.done_seq, least(progress.done_seq + %(per_key)s::bigint, last.last_seq),
        %(claim_id)s::uuid, %(until)s::timestamptz, progress.failures
    FROM {ordered(outbox_progress, ("key",))}
    {looked_up(["done_seq", "failures"], "outbox_progress", _FREE, "progress")} {_LAST}
    WHERE last.last_seq > progress.done_seq
    ON CONFLICT (topic, key) DO UPDATE SET {assignments(("claimed_seq", "claim_id", "not_before"), "excluded")}
    RETURNING 1
    """,
    writes=True,
)
"""Claims of these keys, which are locked, those that nobody has, and that have events that are not done."""

_MINE = f"{_NAMED} AND outbox_progress.claim_id = %(claim_id)s::uuid"

TAKEN = Statement(
    "outbox.claim",
    f"""
    SELECT found.* FROM {ordered(outbox_progress, ("key",))}
    {looked_up(["done_seq", "claimed_seq"], "outbox_progress", _MINE, "progress")}
    CROSS JOIN LATERAL (
        SELECT {names(EVENT.columns)} FROM {{schema}}.outbox_events
        WHERE {_TOPIC} AND outbox_events.key = named.key
            AND outbox_events.seq > progress.done_seq AND outbox_events.seq <= progress.claimed_seq
        ORDER BY outbox_events.seq OFFSET 0
    ) AS found
    """,
)
"""The events that a claim has of these keys."""

LEASE = Statement(
    "outbox.claim",
    f"""
    INSERT INTO {{schema}}.outbox_waits (topic, due, id, keys)
    SELECT %(topic)s, %(until)s::timestamptz, %(claim_id)s::uuid, array_agg(named.key)
    FROM {ordered(outbox_progress, ("key",))} {looked_up(["key"], "outbox_progress", _MINE, "progress")}
    HAVING count(*) > 0
    RETURNING 1
    """,
    writes=True,
)
"""Has the keys of a claim looked at when its lease runs out."""

END_CLAIM = Statement(
    "outbox.done",
    f"""
    DELETE FROM {{schema}}.outbox_waits
    WHERE {_TOPIC} AND due = %(due)s::timestamptz AND id = %(claim_id)s::uuid AND keys <@ %(keys)s::text[]
    RETURNING 1
    """,
    writes=True,
)

_STATE = without(KEY_PROGRESS.columns, "topic")
_CHANGED = without(_STATE, "key")

SAVE = Statement(
    "outbox.done",
    f"""
    INSERT INTO {{schema}}.outbox_progress (topic, {names(_STATE)})
    SELECT %(topic)s, {names(_STATE, "new.")} FROM {rows(outbox_progress, _STATE)}
    ON CONFLICT (topic, key) DO UPDATE SET {assignments(_CHANGED, "excluded")}
    RETURNING 1
    """,
    writes=True,
)

WAKE_REST = Statement(
    "outbox.done",
    f"""
    INSERT INTO {{schema}}.outbox_wakeups (topic, due, key, seq)
    SELECT %(topic)s, %(now)s::timestamptz, named.key, rest.seq + {REST}
    FROM {rows(outbox_progress, ("key", "done_seq"), "named")}
    CROSS JOIN LATERAL (
        SELECT seq FROM {{schema}}.outbox_events
        WHERE {_TOPIC} AND outbox_events.key = named.key AND outbox_events.seq > named.done_seq
        ORDER BY seq LIMIT 1
    ) AS rest
    RETURNING 1
    """,
    writes=True,
)
"""Has keys looked at that have more events than were claimed."""

GET = Statement(
    "outbox.park",
    f"SELECT {names(EVENT.columns)} FROM {{schema}}.outbox_events"
    f" WHERE {_TOPIC} AND key = %(key)s AND seq = %(seq)s::bigint",
)

READ = Statement(
    "outbox.read",
    f"SELECT {names(EVENT.columns)} FROM {{schema}}.outbox_events"
    f" WHERE {_TOPIC} AND key = %(key)s AND seq > %(after_seq)s::bigint ORDER BY seq LIMIT %(limit)s::bigint",
)

_WAITING = (
    f"SELECT key FROM {{schema}}.outbox_wakeups WHERE {_TOPIC}"
    f" UNION SELECT unnest(keys) FROM {{schema}}.outbox_waits WHERE {_TOPIC}"
)
_OF_WAITING = "outbox_progress.key = waiting.key"

LAG = Statement(
    "outbox.lag",
    f"""
    SELECT counted.last_seq - coalesce(progress.done_seq, 0), first.recorded_at
    FROM ({_WAITING}) AS waiting
    CROSS JOIN LATERAL (
        SELECT last_seq FROM {{schema}}.outbox_keys WHERE {_TOPIC} AND outbox_keys.key = waiting.key OFFSET 0
    ) AS counted
    LEFT JOIN LATERAL (
        SELECT done_seq FROM {{schema}}.outbox_progress WHERE {_TOPIC} AND {_OF_WAITING} OFFSET 0
    ) AS progress ON true
    CROSS JOIN LATERAL (
        SELECT recorded_at FROM {{schema}}.outbox_events
        WHERE {_TOPIC} AND outbox_events.key = waiting.key AND seq > coalesce(progress.done_seq, 0)
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
        WHERE outbox_progress.topic = old.topic AND outbox_progress.key = old.key OFFSET 0
    ) AS progress
    WHERE {ever("old.recorded_at")} AND old.recorded_at < %(before)s::timestamptz AND old.seq <= progress.done_seq
    ORDER BY old.recorded_at, old.topic, old.key, old.seq LIMIT %(limit)s::bigint
    """,
)
"""The oldest events that are done, of all topics."""

PURGE = Statement(
    "outbox.purge",
    f"DELETE FROM {{schema}}.outbox_events WHERE {_TOPIC} AND key = %(key)s AND seq = ANY (%(seqs)s::bigint[])"
    " RETURNING 1",
    writes=True,
)
"""Deletes events of one key."""
