"""Turns: those who lock users queue for them first, so that nobody is overtaken for ever.

PostgreSQL lets who wants to share a row pass by who waits to have it alone: while the transactions of a user overlap,
`sync_account` and `delete` would not come through, nor would `lock_timeout` end them, which bounds the wait for each of
those. Advisory locks have turns. So a transaction queues for its users by them, shared or alone, in the round trip
in which it locks their rows, and keeps its place to its end.

This is politeness: what must not happen at once is kept apart by the locks of rows. So it may be left out, and is:

- A transaction queues once, before it has locked anything else. Who waits in the queue then holds nothing but places in
  it, taken by ascending key, that somebody who is past it could wait for. So no circle of waiting leads through the
  queue. Queueing later could close one: A holds a row, and waits behind C, who waits to be alone; C waits for B, who is
  past the queue, and B for A's row.
- For the same reason nobody changes a shared place for a place alone (`sync_account` in a transaction that has placed
  orders): two who do it would wait for each other's shared place. They wait for the row alone, as without a queue.
- A savepoint that is undone gives back its places with its locks; what comes after it may queue again.
- Many users at once are not queued for, since the server has room for some thousands of such locks in all.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from hashlib import blake2b
from uuid import UUID

from metacore.postgres.client.call import Call
from metacore.postgres.client.codecs import to_array
from metacore.postgres.client.session import Session
from metacore.postgres.client.statement import Statement
from metacore.postgres.statements import turns as statements

MOST_USERS = 64
"""How many users are queued for at most."""


def queue(session: Session, users: Collection[UUID], alone: bool = False) -> list[Call]:
    """The calls, one or none, that queue for `users`; the next ones of the same round trip lock their rows."""
    if session.holds_locks or not 0 < len(users) <= MOST_USERS:
        return []
    keys = to_array(sorted({turn_key(session.pool.schema, user_id) for user_id in users}))
    return [(statements.ALONE if alone else statements.SHARED, {"keys": keys})]


def queued(
    session: Session, user_id: UUID, change: Statement, queue_and_change: Statement, values: Mapping[str, str | None]
) -> list[Call]:
    """The calls that queue for a user and make a `change`: one call that does both, unless the row lies on another
    server, which knows nothing of the queue.
    """
    if session.holds_locks or session.pool.is_cluster:
        return [*queue(session, [user_id]), (change, values)]
    return [(queue_and_change, {**values, "turn": str(turn_key(session.pool.schema, user_id))})]


def turn_key(schema: str, user_id: UUID) -> int:
    """What a user's advisory lock is called by: 64 bits, others in each schema of a database."""
    number = user_id.int
    return ((number >> 64 ^ number) & _BITS ^ _schema_key(schema)) - _HALF


_HALF = 1 << 63
_BITS = 2 * _HALF - 1


@cache
def _schema_key(schema: str) -> int:
    return int.from_bytes(blake2b(schema.encode(), digest_size=8).digest(), "big")
