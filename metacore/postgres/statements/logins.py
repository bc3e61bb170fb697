"""Statements of the storage of logins."""

from __future__ import annotations

from metacore.domain.people.logins import LOCKS
from metacore.postgres.client.codecs import LOGIN
from metacore.postgres.client.statement import Statement
from metacore.postgres.statements.names import FOUND
from metacore.postgres.statements.sets import OF_USER, assignments, created, names, without
from metacore.postgres.tables.logins import logins

_SELECT = f"SELECT {names(LOGIN.columns)} FROM {{schema}}.logins"
_ALL = names(LOGIN.columns, "logins.")
_OF_USER = f"logins.{OF_USER}"

REGISTER = Statement("logins.register", f"{created(logins, LOGIN.columns)} RETURNING user_id", writes=True)

GET = Statement("logins.get", f"{_SELECT} WHERE {_OF_USER}")
FIND = Statement("logins.find", f"{_SELECT} WHERE user_id = ({FOUND})")

SET = Statement(
    "logins.set_password",
    f"{created(logins, LOGIN.columns)}"
    f" ON CONFLICT (user_id) DO UPDATE SET {assignments(without(LOGIN.columns, 'user_id'), 'excluded')}"
    f" RETURNING {_ALL}",
    writes=True,
)
"""Stores nothing where the user does not exist."""

REPLACE = Statement(
    "logins.set_password",
    f"""
    UPDATE {{schema}}.logins
    SET password_hash = %(password_hash)s, failures = 0, locked_until = NULL, changed_at = %(changed_at)s::timestamptz
    WHERE {_OF_USER} AND password_hash = %(expected_hash)s
    RETURNING {_ALL}
    """,
    writes=True,
)

_LOCK = " ".join(
    f"WHEN logins.failures >= {failures} THEN %(lock_{failures})s::timestamptz"
    for failures, lock in reversed(tuple(enumerate(LOCKS)))
    if lock
)

FAIL = Statement(
    "logins.fail",
    f"""
    UPDATE {{schema}}.logins
    SET failures = logins.failures + 1, locked_until = CASE {_LOCK} END
    WHERE {_OF_USER}
    RETURNING {_ALL}
    """,
    writes=True,
)
"""Counts, and locks by the table of `Login.failed`. The moments go along: a cluster neither adds a time to what lies in
a column, nor takes by it from an array.
"""

ADMIT = Statement(
    "logins.admit",
    f"""
    UPDATE {{schema}}.logins
    SET failures = 0, locked_until = NULL, password_hash = coalesce(%(rehashed)s::text, logins.password_hash)
    WHERE {_OF_USER} AND password_hash = %(expected_hash)s
        AND (locked_until IS NULL OR locked_until <= %(now)s::timestamptz)
    RETURNING user_id
    """,
    writes=True,
)
