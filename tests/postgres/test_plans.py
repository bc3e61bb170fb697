"""A plan that was made while the tables were small is as good when they are large, without any ANALYZE in between.

The blocks that the server touches for an operation tell, those of foreign keys' checks and cascades included, so the
plans that run are the plans that are tried. Some are touched more, because an index grows a level: a plan that has
gone bad touches hundreds.
"""

import re
from functools import partial
from pathlib import Path

import pytest

from metacore import Settings
from metacore.postgres.client.planning import PLANNING
from metacore.postgres.statements.sets import names
from metacore.postgres.tables import METADATA
from metacore.postgres.tables.columns import uncomputed
from metacore.sync import connect

from .blocks import FLUSH, blocks_of
from .planned_operations import OPERATIONS, Known

ROWS = 6000
CALLS = 3

# Half of the new rows are the user's own: none of them is found by what the user's own rows are found by. A temporary
# table would be told to all sessions, and might have them plan anew.
GROW = """
CREATE TABLE {rows} AS SELECT number, gen_random_uuid() AS new_id,
    CASE number % 2 WHEN 0 THEN '{user}'::uuid ELSE gen_random_uuid() END AS new_owner
FROM generate_series(1, {count}) AS number
"""
COPY = """
INSERT INTO {schema}.{table} ({columns}) SELECT {copied}
FROM (SELECT t FROM {schema}.{table} AS t LIMIT 1) AS one, {rows},
    jsonb_populate_record(one.t, jsonb_build_object({values})) AS copy WHERE {where}
"""
COPIES = {
    "users": "'id', new_owner, 'uid', new_id, 'username', new_id, 'email', new_id, 'telegram_id', number",
    "balances": "'user_id', new_owner, 'asset', new_id",
    "orders": "'user_id', new_owner, 'id', new_id, 'client_order_id', new_id, 'exchange_order_id', new_id,"
    " 'status', 'FILLED', 'held_amount', 0, 'created_at', '2020-01-01T00:00:00Z'",
    "order_updates": "'user_id', new_owner, 'order_id', new_id, 'seq', 1",
    "trades": "'user_id', new_owner, 'id', new_id, 'order_id', new_id, 'exchange_trade_id', new_id,"
    " 'order_key', new_id, 'traded_at', '2020-01-01T00:00:00Z'",
    "balance_entries": "'user_id', new_owner, 'asset', new_id, 'seq', 1, 'reference', new_id, 'occurred_at',"
    " '2020-01-01T00:00:00Z'",
    "portfolios": "'user_id', new_owner",
    "portfolio_holdings": "'user_id', new_owner, 'symbol', new_id",
    "user_credentials": "'user_id', new_owner",
    "order_records": "'order_uid', new_id, 'track_number', new_id, 'customer_id', new_id",
    "order_record_deliveries": "'order_uid', new_id",
    "order_record_payments": "'order_uid', new_id",
    "order_record_items": "'order_uid', new_id",
    "archives": "'user_id', new_owner",
    "reservations": "'id', new_id, 'reference', new_id, 'expires_at', '2200-01-01T00:00:00Z'",
    "user_transfers": "'reference', new_id",
    "bar_parts": "'symbol', new_id, 'starts_at', '2200-01-01T00:00:00Z', 'low_at', '2200-01-01T00:00:00Z',"
    " 'high_at', '2200-01-01T00:00:00Z', 'last_at', '2200-01-01T00:00:00Z'",
    "dead_letters": "'source', new_id, 'position', new_id",
    "inbox_messages": "'message_id', new_id, 'accepted_at', '2200-01-01T00:00:00Z'",
    "inbox_positions": "'key', new_id",
    "logins": "'user_id', new_owner",
    "sessions": "'user_id', new_owner, 'id', new_id, 'ended_at', '2020-01-01T00:00:00Z', 'end_reason', 'ended',"
    " 'expires_at', '2200-01-01T00:00:00Z'",
    "outbox_events": "'id', new_id, 'key', new_id, 'recorded_at', '2200-01-01T00:00:00Z'",
    "outbox_keys": "'key', new_id",
    "outbox_progress": "'key', new_id, 'done_seq', 0",
    "outbox_waits": "'id', new_id, 'due', '2200-01-01T00:00:00Z'",
    "outbox_wakeups": "'key', new_id, 'due', '2200-01-01T00:00:00Z'",
}
OF_OTHERS = {"users", "logins", "archives", "portfolios", "portfolio_holdings", "user_credentials"}


def grow(admin, schema, user_id):
    rows = f"{schema}.new"
    admin.execute(GROW.format(rows=rows, user=user_id, count=ROWS))
    for table, values in COPIES.items():
        where = "new.number % 2 = 1" if table in OF_OTHERS else "true"
        columns = uncomputed(METADATA.tables[table])
        named = {"columns": names(columns), "copied": names(columns, "copy.")}
        admin.execute(COPY.format(schema=schema, table=table, rows=rows, values=values, where=where, **named))
    admin.execute(FLUSH)


def cost_of(admin, storage, schema, operation, known):
    """The blocks that a call touches, when its statements are planned."""
    for _ in range(CALLS):
        operation(storage, known)
    return blocks_of(admin, storage, schema, partial(operation, storage, known))


@pytest.fixture
def small(request, admin, deployer, server, schema):
    """A storage on one connection, its schema, and a user with a row of each kind, in tables that nobody analyses."""
    deployer.deploy()
    for table in COPIES:
        admin.execute(f"ALTER TABLE {schema}.{table} SET (autovacuum_enabled = off)")
    settings = Settings(schema=schema, pool_max_size=1, encryption_keys={"k": bytes(range(32))})
    with connect(server.url, settings=settings) as storage:
        known = Known(storage)
        if request.param == "analysed when small":
            for table in COPIES:
                admin.execute(f"VACUUM ANALYZE {schema}.{table}")
        yield storage, known


# The oldest server has one way only: how tables were analysed decides alike on both.
@pytest.mark.parametrize(
    ("server", "small"),
    [(16, "never analysed"), (18, "never analysed"), (18, "analysed when small")],
    indirect=True,
)
def test_an_operation_touches_as_much_of_large_tables_as_of_small_ones(small, admin, schema):
    storage, known = small
    before = {name: cost_of(admin, storage, schema, fn, known) for name, fn in OPERATIONS.items()}
    grow(admin, schema, known.id)
    after = {name: cost_of(admin, storage, schema, fn, known) for name, fn in OPERATIONS.items()}
    assert {name: (before[name], after[name]) for name in before if after[name] > 2 * before[name] + 10} == {}


def test_the_operations_page_gives_a_role_the_same_settings():
    page = (Path(__file__).parents[2] / "docs" / "recipes" / "pgbouncer.md").read_text()
    settings = dict(re.findall(r"ALTER ROLE app SET (\w+) = '?(\w+)'?;", page))
    assert {name: settings.get(name) for name in PLANNING} == PLANNING
