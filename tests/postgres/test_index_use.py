"""Every operation finds its rows by an index: in tables that are worth one, none is read whole.

The server's own count of sequential scans tells, so the plan that runs is the plan that is tried. By its sixth call a
statement is prepared, and the server may choose a plan without its values.
"""

from decimal import Decimal
from itertools import count, islice

import psycopg
import pytest

from metacore import Settings, UserPatch
from metacore.postgres import SchemaDeployer
from metacore.postgres.client.statement import Statement
from metacore.postgres.statements.sets import names
from metacore.postgres.tables import METADATA
from metacore.postgres.tables.columns import uncomputed
from metacore.sync import TradingService, connect
from metacore.testing.factories import (
    AccountSnapshotFactory,
    ExecutionReportFactory,
    NewOrderFactory,
    NewOrderUpdateFactory,
    NewTradeFactory,
    NewUserFactory,
    OrderRecordFactory,
)

from .blocks import FLUSH

SCHEMA = "filled"
CALLS = 8

ORDERS = uncomputed(METADATA.tables["orders"])

# Each row of the first user again for 2,500 others.
COPIES = f"""
CREATE TEMP TABLE copies AS SELECT gen_random_uuid() AS id FROM generate_series(1, 2500);
INSERT INTO users SELECT copy.* FROM users AS original, copies, jsonb_populate_record(original, jsonb_build_object(
    'id', copies.id, 'uid', copies.id, 'username', copies.id, 'email', copies.id, 'telegram_id', NULL)) AS copy;
INSERT INTO user_names SELECT kind, copies.id, copies.id FROM user_names, copies;
INSERT INTO balances SELECT copy.* FROM balances AS original, copies,
    jsonb_populate_record(original, jsonb_build_object('user_id', copies.id)) AS copy;
INSERT INTO balance_entries SELECT copy.* FROM balance_entries AS original, copies,
    jsonb_populate_record(original, jsonb_build_object('user_id', copies.id)) AS copy;
INSERT INTO orders ({names(ORDERS)}) SELECT {names(ORDERS, "copy.")} FROM orders AS original, copies,
    jsonb_populate_record(original, jsonb_build_object('user_id', copies.id, 'id', gen_random_uuid())) AS copy;
INSERT INTO trades SELECT copy.* FROM trades AS original, copies, jsonb_populate_record(original, jsonb_build_object(
    'user_id', copies.id, 'id', gen_random_uuid(), 'order_id', gen_random_uuid())) AS copy;
INSERT INTO portfolios SELECT copy.* FROM portfolios AS original, copies,
    jsonb_populate_record(original, jsonb_build_object('user_id', copies.id)) AS copy;
INSERT INTO portfolio_holdings SELECT copy.* FROM portfolio_holdings AS original, copies,
    jsonb_populate_record(original, jsonb_build_object('user_id', copies.id)) AS copy;
INSERT INTO order_records SELECT copy.* FROM order_records AS original, copies,
    jsonb_populate_record(original, jsonb_build_object('order_uid', copies.id, 'track_number', copies.id)) AS copy;
INSERT INTO order_record_deliveries SELECT copy.* FROM order_record_deliveries AS original, copies,
    jsonb_populate_record(original, jsonb_build_object('order_uid', copies.id)) AS copy;
INSERT INTO order_record_payments SELECT copy.* FROM order_record_payments AS original, copies,
    jsonb_populate_record(original, jsonb_build_object('order_uid', copies.id)) AS copy;
INSERT INTO order_record_items SELECT copy.* FROM order_record_items AS original, copies,
    jsonb_populate_record(original, jsonb_build_object('order_uid', copies.id)) AS copy;
ANALYZE users, user_names, balances, balance_entries, orders, trades, portfolios, portfolio_holdings, order_records,
    order_record_deliveries, order_record_payments, order_record_items;
"""

SCANS = """
SELECT relname, seq_scan FROM pg_stat_user_tables WHERE schemaname = %s AND n_live_tup > 2000
"""

numbers = count()


def placed(storage, user):
    return TradingService(storage).place_order(NewOrderFactory.build(user_id=user.id))


def renamed(storage, user):
    return storage.users.update(user.id, UserPatch(username=f"user {next(numbers)}", can_trade=True))


def trade(storage, user):
    return NewTradeFactory.build(of=placed(storage, user), user_id=user.id)


def report(storage, user):
    return ExecutionReportFactory.build(of=placed(storage, user), user_id=user.id)


OPERATIONS = {
    "users.get": lambda s, u: s.users.get(u.id),
    "users.get_by_uid": lambda s, u: s.users.get_by_uid(u.uid),
    "users.get_by_username": lambda s, u: s.users.get_by_username(renamed(s, u).username),
    "users.get_by_email": lambda s, u: s.users.get_by_email(u.email),
    "users.get_by_telegram_id": lambda s, u: s.users.get_by_telegram_id(u.telegram_id),
    "users.list": lambda s, u: s.users.list(limit=3),
    "users.update": renamed,
    "users.delete": lambda s, u: s.users.delete(s.users.create(NewUserFactory.build()).id),
    "orders.get": lambda s, u: s.orders.get(u.id, u.order.id),
    "orders.get_by_client_order_id": lambda s, u: s.orders.get_by_client_order_id(u.id, u.order.client_order_id),
    "orders.get_by_exchange_order_id": lambda s, u: s.orders.get_by_exchange_order_id(u.id, u.order.exchange_order_id),
    "orders.get_many": lambda s, u: s.orders.get_many([(u.id, u.order.id)]),
    "orders.list": lambda s, u: s.orders.list(u.id, limit=3),
    "orders.list_open": lambda s, u: s.orders.list_open(u.id),
    "orders.create_many": lambda s, u: s.orders.create_many([NewOrderFactory.build(user_id=u.id) for _ in range(3)]),
    "order_updates.append": lambda s, u: s.order_updates.append(NewOrderUpdateFactory.build(of=u.order, user_id=u.id)),
    "trades.get": lambda s, u: s.trades.get(u.id, u.trade.id),
    "trades.get_many": lambda s, u: s.trades.get_many([(u.id, u.trade.id)]),
    "trades.list": lambda s, u: s.trades.list(u.id, limit=3),
    "trades.list_by_order": lambda s, u: s.trades.list_by_order(u.id, u.order.id),
    "trades.list_pending": lambda s, u: s.trades.list_pending(u.id),
    "trades.stream": lambda s, u: list(islice(s.trades.stream(u.id), 3)),
    "trades.create_many": lambda s, u: s.trades.create_many([trade(s, u) for _ in range(3)]),
    "balances.get": lambda s, u: s.balances.get(u.id, "BTC"),
    "balances.get_many": lambda s, u: s.balances.get_many([(u.id, "BTC"), (u.id, "USDT")]),
    "balances.list": lambda s, u: s.balances.list(u.id),
    "balances.put": lambda s, u: s.balances.put(u.id, "ETH", Decimal(next(numbers)), Decimal(0)),
    "balances.journal": lambda s, u: s.balances.journal(u.id, limit=3),
    "balances.audit": lambda s, u: s.balances.audit(u.id),
    "portfolios.get": lambda s, u: s.portfolios.get(u.id),
    "portfolios.add": lambda s, u: s.portfolios.add(u.id, "BTCUSDT", Decimal(1)),
    "portfolios.holders": lambda s, u: s.portfolios.holders("BTCUSDT", limit=3),
    "order_records.get": lambda s, u: s.order_records.get(u.record.order_uid),
    "order_records.save": lambda s, u: s.order_records.save(OrderRecordFactory.build()),
    "order_records.list": lambda s, u: s.order_records.list(limit=3),
    "order_records.list_by_customer": lambda s, u: s.order_records.list_by_customer("nobody", limit=3),
    "deposit": lambda s, u: TradingService(s).deposit(u.id, "USDT", Decimal(2), f"in-{next(numbers)}"),
    "withdraw": lambda s, u: TradingService(s).withdraw(u.id, "USDT", Decimal(1), f"out-{next(numbers)}"),
    "place_order": placed,
    "cancel_order": lambda s, u: TradingService(s).cancel_order(u.id, placed(s, u).id),
    "apply_report": lambda s, u: TradingService(s).apply_report(report(s, u)),
    "apply_reports": lambda s, u: TradingService(s).apply_reports([report(s, u) for _ in range(3)]),
    "settle_trade": lambda s, u: TradingService(s).settle_trade(trade(s, u)),
    "settle_trades": lambda s, u: TradingService(s).settle_trades([trade(s, u) for _ in range(3)]),
    "settle_pending": lambda s, u: TradingService(s).settle_pending(u.id),
    "sync_account": lambda s, u: TradingService(s).sync_account(u.id, AccountSnapshotFactory.build()),
}


class Known:
    """The user whose rows are looked for, with an order, a trade and a record that are stored."""

    def __init__(self, storage):
        trading = TradingService(storage)
        self.user = storage.users.create(NewUserFactory.build())
        self.id, self.uid = self.user.id, self.user.uid
        self.email, self.telegram_id = self.user.email, self.user.telegram_id
        for asset in ("USDT", "BTC", "ETH"):
            trading.deposit(self.id, asset, Decimal(10**9), f"opening-{asset}")
        self.order = placed(storage, self)
        self.trade = trading.settle_trade(NewTradeFactory.build(of=self.order, user_id=self.id)).trade
        storage.portfolios.put(self.id, "BTCUSDT", Decimal(1))
        self.record = OrderRecordFactory.build()
        storage.order_records.save(self.record)


@pytest.fixture(scope="module")
def filled(server):
    settings = Settings(schema=SCHEMA, pool_max_size=1)
    with psycopg.connect(server.url, autocommit=True, options=f"-c search_path={SCHEMA}") as admin:
        SchemaDeployer(server.url, SCHEMA).deploy()
        with connect(server.url, settings=settings) as storage:
            known = Known(storage)
            admin.execute(COPIES)
            admin.execute(FLUSH)
            yield admin, known, storage
        admin.execute(f"DROP SCHEMA {SCHEMA} CASCADE")


def test_no_operation_reads_a_table_whole(filled):
    admin, known, storage = filled
    scans = dict(admin.execute(SCANS, (SCHEMA,)).fetchall())
    assert len(scans) == 12
    whole = {}
    for name, operation in OPERATIONS.items():
        for _ in range(CALLS):
            operation(storage, known)
        storage._session.fetch(Statement("flush", FLUSH), {})
        before, scans = scans, dict(admin.execute(SCANS, (SCHEMA,)).fetchall())
        whole[name] = [table for table in before if scans[table] != before[table]]
    assert {name: tables for name, tables in whole.items() if tables} == {}
