"""Statements about claims of keys that have events to be told: each about one topic."""

from __future__ import annotations

from collections.abc import Iterable

from metacore.postgres.client.codecs import EVENT, KEY_PROGRESS
from metacore.postgres.client.statement import Statement
from metacore.postgres.statements.sets import assignments, looked_up, names, ordered, rows, without
from metacore.postgres.tables.outbox import REST, outbox_progress, outbox_waits, outbox_wakeups

OF_TOPIC = "topic = %(topic)s"


def progress_of(columns: Iterable[str], of: str = "named", alias: str = "progress", lock: bool = False) -> str:
    """A FROM item `alias` of how far the key of the item `of`, before it, is done."""
    on = f"{OF_TOPIC} AND outbox_progress.key = {of}.key"
    return looked_up(columns, "outbox_progress", on, alias, lock, newest="version")


def newest_of(of: str = "named") -> str:
    """A FROM item `last` of the `seq` of the newest event of the key of the item `of`, before it, if it has one."""
    return looked_up(["seq"], "outbox_events", f"{OF_TOPIC} AND outbox_events.key = {of}.key", "last", newest="seq")


_NEXT = "version = outbox_progress.version + 1"

DUE = Statement(
    "outbox.claim",
    f"""
    SELECT due, key, seq FROM {{schema}}.outbox_wakeups
    WHERE {OF_TOPIC} AND due >= %(start)s::timestamptz
    ORDER BY due, key, seq LIMIT %(limit)s::bigint FOR UPDATE SKIP LOCKED
    """,
)

OVER = Statement(
    "outbox.claim",
    f"""
    SELECT due, keys, id FROM {{schema}}.outbox_waits
    WHERE {OF_TOPIC} AND due >= %(start)s::timestamptz AND due <= %(now)s::timestamptz
    ORDER BY due, id LIMIT %(limit)s::bigint FOR UPDATE SKIP LOCKED
    """,
)
"""The waits that are over."""

DROP = Statement(
    "outbox.claim",
    f"""
    DELETE FROM {{schema}}.outbox_wakeups
    WHERE {OF_TOPIC} AND due = ANY (%(due)s::timestamptz[]) AND (due, key, seq) IN (
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
    WHERE {OF_TOPIC} AND due = ANY (%(due)s::timestamptz[]) AND (due, id) IN (
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

LOCK = Statement(
    "outbox.claim",
    f"SELECT found.* FROM {ordered(outbox_progress, ('key',))}"
    f" {progress_of(KEY_PROGRESS.columns, alias='found', lock=True)}",
)

TAKE = Statement(
    "outbox.claim",
    f"""
    WITH claimed AS (
        INSERT INTO {{schema}}.outbox_progress (
            topic, key, version, done_seq, claimed_seq, claim_id, not_before, failures
        )
        SELECT %(topic)s, named.key, progress.version, progress.done_seq,
            least(progress.done_seq + %(per_key)s::bigint, last.seq),
            %(claim_id)s::uuid, %(until)s::timestamptz, progress.failures
        FROM {ordered(outbox_progress, ("key",))}
        {progress_of(["version", "done_seq", "not_before", "failures"])} {newest_of()}
        WHERE last.seq > progress.done_seq
            AND (progress.not_before IS NULL OR progress.not_before <= %(now)s::timestamptz)
        ON CONFLICT (topic, key, version)
        DO UPDATE SET {_NEXT}, {assignments(("claimed_seq", "claim_id", "not_before"), "excluded")}
        RETURNING key, done_seq, claimed_seq
    ), lease AS (
        INSERT INTO {{schema}}.outbox_waits (topic, due, id, keys)
        SELECT %(topic)s, %(until)s::timestamptz, %(claim_id)s::uuid, array_agg(key) FROM claimed HAVING count(*) > 0
    )
    SELECT found.* FROM claimed
    CROSS JOIN LATERAL (
        SELECT {names(EVENT.columns)} FROM {{schema}}.outbox_events
        WHERE {OF_TOPIC} AND outbox_events.key = claimed.key
            AND outbox_events.seq > claimed.done_seq AND outbox_events.seq <= claimed.claimed_seq
        ORDER BY outbox_events.seq OFFSET 0
    ) AS found
    """,
    writes=True,
)
"""Claims of these keys, which are locked, those that nobody has, and that have events that are not done: these events.

It has the keys looked at when the lease runs out.
"""

END_CLAIM = Statement(
    "outbox.done",
    f"""
    DELETE FROM {{schema}}.outbox_waits
    WHERE {OF_TOPIC} AND due = %(due)s::timestamptz AND id = %(claim_id)s::uuid AND keys <@ %(keys)s::text[]
    RETURNING 1
    """,
    writes=True,
)

_STATE = without(KEY_PROGRESS.columns, "topic")
_CHANGED = without(_STATE, "key")

SAVE = Statement(
    "outbox.done",
    f"""
    INSERT INTO {{schema}}.outbox_progress (topic, version, {names(_STATE)})
    SELECT %(topic)s, progress.version, {names(_STATE, "new.")}
    FROM {rows(outbox_progress, _STATE)} {progress_of(["version"], "new")}
    ON CONFLICT (topic, key, version) DO UPDATE SET {_NEXT}, {assignments(_CHANGED, "excluded")}
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
        WHERE {OF_TOPIC} AND outbox_events.key = named.key AND outbox_events.seq > named.done_seq
        ORDER BY seq LIMIT 1
    ) AS rest
    RETURNING 1
    """,
    writes=True,
)
"""Has keys looked at that have more events than were claimed."""
