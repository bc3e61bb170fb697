"""Statements by which transactions queue for users, in front of the locks of their rows."""

from __future__ import annotations

from metacore.postgres.client.statement import Statement
from metacore.postgres.statements.sets import array

_KEYS = f"FROM unnest({array('keys', 'bigint')}) AS turns (key)"
SHARED = Statement("turn", f"SELECT pg_advisory_xact_lock_shared(key) {_KEYS}")
ALONE = Statement("turn", f"SELECT pg_advisory_xact_lock(key) {_KEYS}")

ONE_SHARED = "(SELECT pg_advisory_xact_lock_shared(%(turn)s::bigint) OFFSET 0) AS turn"
"""A FROM item by which one statement queues for its one user."""
