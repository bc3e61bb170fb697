"""Statements of the storage of balances and their journal."""

from __future__ import annotations

from functools import cache

from metacore.postgres.client.codecs import BALANCE, BALANCE_ENTRY, ORDER
from metacore.postgres.client.statement import Statement
from metacore.postgres.statements.sets import (
    OF_USER,
    assignments,
    behind,
    created,
    equal,
    looked_up,
    matching,
    names,
    ordered,
    rows,
    without,
)
from metacore.postgres.tables.balances import (
    LISTED_ENTRIES,
    RARE_ENTRIES,
    UNEXPLAINED_BALANCES,
    balance_entries,
    balances,
)

GET = Statement(
    "balances.get",
    f"SELECT {names(BALANCE.columns)} FROM {{schema}}.balances WHERE user_id = %(user_id)s::uuid AND asset = %(asset)s",
)

GET_NAMED = Statement(
    "balances.get_or_zero",
    f"SELECT {names(BALANCE.columns)} FROM {{schema}}.balances"
    ' WHERE user_id = %(user_id)s::uuid AND lower(asset) = lower(%(asset)s COLLATE "C")',
)
"""The balance that has this name, in whatever case: there is one."""

LOCK_ORDER = 'lower(asset COLLATE "C")'
"""The order in which balances are stored and locked, whoever names them in whatever case."""

GET_MANY = Statement(
    "balances.get_many",
    f"SELECT found.* FROM {ordered(balances, ['asset'])} "
    + looked_up(BALANCE.columns, "balances", f"balances.{OF_USER} AND balances.asset = named.asset"),
)
SAME_NAME = f'balances.{OF_USER} AND lower(balances.asset) = lower(named.asset COLLATE "C")'
"""The condition that a balance is that of a named asset, in whatever case it is named."""


@cache
def lock_many(skip_locked: bool = False) -> Statement:
    """Lock the balances that have these names, in whatever case: there is one of each. Without those that another
    transaction has locked, if so.
    """
    return Statement(
        "balances.get_many",
        f"""
        SELECT found.* FROM (SELECT asset FROM {rows(balances, ["asset"])} ORDER BY {LOCK_ORDER}) AS named
            {looked_up(BALANCE.columns, "balances", SAME_NAME, lock=True, skip_locked=skip_locked)}
        ORDER BY found.asset
        """,
    )


@cache
def list_all(nonzero: bool, unexplained: bool) -> Statement:
    """All balances of a user by asset; only with something free or locked, only with something unexplained, if so."""
    where = ["user_id = %(user_id)s::uuid"]
    if nonzero:
        where.append("(free <> 0 OR locked <> 0)")
    if unexplained:
        where.append(UNEXPLAINED_BALANCES)
    return Statement(
        "balances.list",
        f"SELECT {names(BALANCE.columns)} FROM {{schema}}.balances WHERE {' AND '.join(where)} ORDER BY asset",
    )


@cache
def unexplained(after: bool) -> Statement:
    """A page of the balances with something unexplained, by user and asset; only behind a position, if so."""
    where = [UNEXPLAINED_BALANCES]
    if after:
        where.append("(user_id, asset) > (%(user_id)s::uuid, %(asset)s)")
    return Statement(
        "balances.unexplained",
        f"SELECT {names(BALANCE.columns)} FROM {{schema}}.balances WHERE {' AND '.join(where)}"
        " ORDER BY user_id, asset LIMIT %(limit)s::bigint",
    )


LOCK_ALL = Statement(
    "balances.list",
    f"SELECT {names(BALANCE.columns)} FROM {{schema}}.balances WHERE user_id = %(user_id)s::uuid"
    f" ORDER BY {LOCK_ORDER} FOR UPDATE",
)

ENSURE = Statement(
    "balances.ensure",
    f"""
    INSERT INTO {{schema}}.balances
        (user_id, asset, free, locked, unexplained, last_seq, head, version, created_at, updated_at)
    SELECT users.id, new.asset, 0, 0, 0, 0, '', 1, %(now)s::timestamptz, %(now)s::timestamptz
    FROM {{schema}}.users CROSS JOIN {rows(balances, ["asset"])} WHERE users.id = %(user_id)s::uuid
    ORDER BY {LOCK_ORDER}
    ON CONFLICT DO NOTHING
    RETURNING user_id, asset
    """,
    writes=True,
)
"""Stores the missing balances of an existing user as zero, in the order in which they are locked; not one whose name
another has in another case.
"""

ENTERED = without(BALANCE_ENTRY.columns, "user_id", "created_at")
"""The columns that differ between entries that are stored together."""

INSERT_ENTRIES = Statement(
    "balance_entries.insert",
    f"""
    INSERT INTO {{schema}}.balance_entries (user_id, created_at, {names(ENTERED)})
    SELECT users.id, %(created_at)s::timestamptz, {names(ENTERED, "new.")}
    FROM {{schema}}.users CROSS JOIN {rows(balance_entries, ENTERED)} WHERE users.id = %(user_id)s::uuid
    """,
    writes=True,
)

INSERT_ENTRY = Statement("balance_entries.insert", created(balance_entries, BALANCE_ENTRY.columns), writes=True)

_LEFT = ("free", "locked", "unexplained", "last_seq", "head", "updated_at")
"""What an entry leaves of its balance."""

FOLLOW_ENTRIES = Statement(
    "balances.follow_entries",
    f"""
    INSERT INTO {{schema}}.balances ({names(BALANCE.columns)})
    SELECT {names(BALANCE.columns, "new.")} FROM {rows(balances, ["asset", "last_seq"], "named")} CROSS JOIN LATERAL (
        SELECT user_id, asset, free_after AS free, locked_after AS locked, unexplained_after AS unexplained,
            seq AS last_seq, hash AS head, 1 AS version, created_at, created_at AS updated_at
        FROM {{schema}}.balance_entries
        WHERE balance_entries.{OF_USER} AND balance_entries.asset = named.asset AND seq = named.last_seq OFFSET 0
    ) AS new
    ON CONFLICT (user_id, asset) DO UPDATE SET {assignments(_LEFT, "excluded")}, version = balances.version + 1
    """,
    writes=True,
)
"""Makes balances of one user what their newest entries left, by the `last_seq` of these.

The balance is there, and found by its key: an UPDATE would join the two sets, and might read all balances of the user.
"""

HEADS = Statement(
    "balances.heads",
    "SELECT asset, last_seq, head FROM {schema}.balances WHERE user_id = %(user_id)s::uuid AND last_seq > 0"
    " ORDER BY asset",
)

KNOWN_USER = Statement("balances.known_user", "SELECT id FROM {schema}.users WHERE id = %(user_id)s::uuid")


@cache
def audit_orders(after: bool) -> Statement:
    """Orders by id, each with the sum of its SETTLED trades; only behind a position, if so."""
    behind = " AND orders.id > %(after_id)s::uuid" if after else ""
    return Statement(
        "balances.audit",
        f"""
        SELECT {names(ORDER.columns, "orders.")}, coalesce((
            SELECT sum(trades.quantity) FROM {{schema}}.trades
            WHERE trades.{OF_USER} AND trades.order_id = orders.id AND trades.state = 'SETTLED'
        ), 0)
        FROM {{schema}}.orders WHERE orders.user_id = %(user_id)s::uuid{behind}
        ORDER BY orders.id LIMIT %(limit)s::bigint
        """,
    )


@cache
def page(of_asset: bool, after: bool) -> Statement:
    """A page of the journal, oldest first; only of one asset, only behind a position, if so."""
    where = ["user_id = %(user_id)s::uuid"]
    if of_asset:
        where.append("asset = %(asset)s")
    if after:
        where.append("(asset, seq) > (%(after_asset)s, %(after_seq)s::bigint)")
    return Statement(
        "balances.entries",
        f"SELECT {names(BALANCE_ENTRY.columns)} FROM {{schema}}.balance_entries WHERE {' AND '.join(where)}"
        " ORDER BY asset, seq LIMIT %(limit)s::bigint",
    )


@cache
def journal(filters: tuple[str, ...], rare: bool, after: bool) -> Statement:
    """A page of the journal, newest first, of the entries that match `filters`; only behind a position, if so. `rare`
    says whether the reason among the filters is one of few entries.
    """
    where = [equal(balance_entries, "user_id"), RARE_ENTRIES if rare and "reason" in filters else LISTED_ENTRIES]
    if filters:
        where.append(matching(balance_entries, filters, "occurred_at"))
    if after:
        where.append(behind(balance_entries, "occurred_at", "asset", "seq"))
    return Statement(
        "balances.journal",
        f"""
        SELECT {names(BALANCE_ENTRY.columns)} FROM {{schema}}.balance_entries
        WHERE {" AND ".join(where)}
        ORDER BY occurred_at DESC, asset DESC, seq DESC LIMIT %(limit)s::bigint
        """,
    )
