"""The minutes as other programs read them: a view for each mode, and how long minutes are kept."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

import psycopg

from common.purging import keep_purged
from metacore import ConfigurationError, MetacoreError, Storage, Transaction

VIEWS = {"live": "market_minutes", "test": "market_minutes_test"}

_PURGE_EVERY = 600
_LOCK = 6_022_140_857
# As `metacore` rounds, at 18 places and half to even: what the database rounds by itself goes half away from zero.
_VIEW = """
CREATE VIEW {schema}.{name} AS
WITH minutes AS (
    SELECT symbol, exchange, starts_at,
        min(low) AS low, max(high) AS high, sum(count) AS count, sum(sum) * 1e18 AS total
    FROM {schema}.bar_parts WHERE feed = '{feed}' GROUP BY symbol, exchange, starts_at
), divided AS (
    SELECT *, div(total, count) AS whole, 2 * mod(total, count) AS twice FROM minutes
)
SELECT symbol::text AS pair_name, exchange::text AS exchange, starts_at AS timestamp,
    trim_scale((whole + (twice > count OR twice = count AND mod(whole, 2) = 1)::integer) * 1e-18) AS average_price,
    low AS min_price, high AS max_price, count::bigint AS count
FROM divided
"""

_logger = logging.getLogger(__name__)


async def require_views(storage: Storage, schema: str) -> None:
    """Make the views that are not there. Who may not make any has to be given them, and is told so in the log."""

    async def make(transaction: Transaction) -> None:
        connection = transaction.connection
        await connection.execute("SELECT pg_catalog.pg_advisory_xact_lock(%s)", [_LOCK])
        for feed, name in VIEWS.items():
            found = await connection.execute("SELECT to_regclass(%s)", [f"{schema}.{name}"])
            row = await found.fetchone()
            if row is None or row[0] is None:
                await connection.execute(_VIEW.format(schema=schema, name=name, feed=feed).encode())

    try:
        await storage.run(make)
    except ConfigurationError:
        return  # kept in no PostgreSQL
    except (MetacoreError, psycopg.Error) as error:
        _logger.warning("the views of minutes are not there, and cannot be made: %s", type(error).__name__)


async def purge(storage: Storage, keep: timedelta, stop: asyncio.Event) -> None:
    """Delete minutes that are older than that, some at a time, now and then, until the event is set."""

    async def purge_all(limit: int) -> int:
        before = storage.now() - keep
        return max([await storage.bars.purge(feed, before, limit) for feed in VIEWS])

    await keep_purged("minutes", purge_all, _PURGE_EVERY, stop)
