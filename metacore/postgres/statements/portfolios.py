"""Statements of the storage of portfolios."""

from __future__ import annotations

from functools import cache

from metacore.postgres.client.statement import Statement
from metacore.postgres.statements.sets import OF_USER

GET = Statement(
    "portfolios.get",
    f"""
    SELECT users.id, held.symbols, held.quantities, coalesce(portfolios.version, 1),
        coalesce(portfolios.created_at, users.created_at), coalesce(portfolios.updated_at, users.created_at)
    FROM {{schema}}.users
    LEFT JOIN {{schema}}.portfolios ON portfolios.{OF_USER}
    CROSS JOIN LATERAL (
        SELECT array_agg(symbol::text ORDER BY symbol) AS symbols,
            array_agg(quantity::numeric ORDER BY symbol) AS quantities
        FROM {{schema}}.portfolio_holdings WHERE portfolio_holdings.{OF_USER}
    ) AS held
    WHERE users.id = %(user_id)s::uuid
    """,
)
"""The portfolio of a user who never held anything is the one that began with the user."""

ENSURE = Statement(
    "portfolios.ensure",
    """
    INSERT INTO {schema}.portfolios (user_id, version, created_at, updated_at)
    SELECT id, 1, created_at, created_at FROM {schema}.users WHERE id = %(user_id)s::uuid
    ON CONFLICT (user_id) DO NOTHING
    RETURNING user_id
    """,
    writes=True,
)

LOCK = Statement(
    "portfolios.lock", "SELECT user_id FROM {schema}.portfolios WHERE user_id = %(user_id)s::uuid FOR UPDATE"
)

HOLD = Statement(
    "portfolios.hold",
    """
    INSERT INTO {schema}.portfolio_holdings (user_id, symbol, quantity)
    VALUES (%(user_id)s::uuid, %(symbol)s, %(quantity)s::numeric)
    ON CONFLICT (user_id, symbol) DO UPDATE SET quantity = excluded.quantity
    RETURNING user_id
    """,
    writes=True,
)

DROP = Statement(
    "portfolios.drop",
    """
    DELETE FROM {schema}.portfolio_holdings
    WHERE user_id = %(user_id)s::uuid AND symbol = ANY (%(symbols)s::text[])
    """,
    writes=True,
)

CHANGE = Statement(
    "portfolios.change",
    """
    UPDATE {schema}.portfolios SET version = %(version)s::bigint, updated_at = %(updated_at)s::timestamptz
    WHERE user_id = %(user_id)s::uuid
    RETURNING user_id
    """,
    writes=True,
)

SYMBOLS = Statement("portfolios.symbols", "SELECT DISTINCT symbol FROM {schema}.portfolio_holdings ORDER BY symbol")


@cache
def holders(after: bool) -> Statement:
    """A page of the holdings of one symbol, by user; only behind a position, if so."""
    behind = "AND user_id > %(after)s::uuid" if after else ""
    return Statement(
        "portfolios.holders",
        f"""
        SELECT user_id, symbol, quantity FROM {{schema}}.portfolio_holdings
        WHERE symbol = %(symbol)s {behind}
        ORDER BY user_id LIMIT %(limit)s::bigint
        """,
    )
