"""An audit reads journal and orders portion by portion, however many they are."""

from decimal import Decimal

import psycopg
import pytest

from metacore.sync import NewUser, TradingService, connect
from metacore.sync.postgres.storages import balances
from metacore.testing.factories import NewOrderFactory, NewTradeFactory


@pytest.fixture
def traded(metacore_database_url):
    with connect(metacore_database_url) as storage:
        user = storage.users.create(NewUser())
        trading = TradingService(storage)
        trading.deposit(user.id, "USDT", Decimal(1000), reference="opening")
        for number in range(5):
            new = NewOrderFactory.build(user_id=user.id, price=Decimal(10), quantity=Decimal(2))
            order = trading.place_order(new)
            for part in range(2):
                fields = {"exchange_trade_id": f"{number}-{part}", "quantity": Decimal(1), "commission": Decimal(0)}
                trading.settle_trade(NewTradeFactory.build(of=order, **fields))
        yield storage, user.id


@pytest.mark.parametrize("portion", [1, 2, 5, 10, 15, 5000])
def test_portions_do_not_matter(traded, metacore_database_url, monkeypatch, portion):
    storage, user_id = traded
    monkeypatch.setattr(balances, "_PORTION", portion)
    assert storage.balances.audit(user_id) == []
    with psycopg.connect(metacore_database_url, autocommit=True) as connection:
        connection.execute("UPDATE metacore.balance_entries SET free_after = 7 WHERE asset = 'BTC' AND seq = 4")
        connection.execute("UPDATE metacore.orders SET settled_quantity = 1, executed_quantity = 1")
        connection.execute("UPDATE metacore.trades SET state = 'PENDING' WHERE exchange_trade_id = '3-1'")
    findings = storage.balances.audit(user_id)
    assert [(row.rule, row.seq, row.expected, row.actual) for row in findings[:3]] == [
        ("JOURNAL_ADDS_UP", 4, 4, 7),
        ("JOURNAL_IS_CHAINED", 4, None, None),
        ("JOURNAL_ADDS_UP", 5, 8, 5),
    ]
    assert {(row.rule, row.expected, row.actual) for row in findings[3:]} == {
        ("SETTLED_IS_TRADES", 2, 1),
        ("EXECUTED_COVERS_SETTLED", 2, 1),
    }
    assert len({row.order_id for row in findings[3:]}) == 4
    assert all(type(row.expected) is Decimal for row in findings if row.rule != "JOURNAL_IS_CHAINED")


REWRITTEN = {
    "reason": "'ADJUSTMENT'",
    "reference": "'another'",
    "occurred_at": "occurred_at - interval '1 microsecond'",
    "created_at": "created_at + interval '1 day'",
    "hash": "repeat('0', 64)",
}


@pytest.mark.parametrize("column", REWRITTEN)
def test_an_entry_rewritten_where_nothing_adds_up_is_found(traded, metacore_database_url, column):
    storage, user_id = traded
    with psycopg.connect(metacore_database_url, autocommit=True) as connection:
        change = f"UPDATE metacore.balance_entries SET {column} = {REWRITTEN[column]}"
        connection.execute(f"{change} WHERE asset = 'BTC' AND seq = 4")
    findings = storage.balances.audit(user_id)
    assert {(row.rule, row.asset) for row in findings} == {("JOURNAL_IS_CHAINED", "BTC")}
    assert findings[0].seq == 4


def test_the_server_can_compute_the_hashes(traded, metacore_database_url):
    """What the docstring of `entry_hash` says, in another language."""
    moment = "(extract(epoch FROM {}) * 1000000)::bigint"
    texts = [
        "coalesce(lag(hash) OVER (PARTITION BY asset ORDER BY seq), '')",
        "replace(user_id::text, '-', '')",
        *("asset", "seq", "reason"),
        *("delta_free", "delta_locked", "delta_unexplained", "free_after", "locked_after", "unexplained_after"),
        *(moment.format("occurred_at"), moment.format("created_at"), "reference"),
    ]
    hashed = " || '\\x00'::bytea || ".join(f"convert_to(({text})::text, 'UTF8')" for text in texts)
    with psycopg.connect(metacore_database_url) as connection:
        rows = connection.execute(
            f"SELECT hash, encode(sha256({hashed}), 'hex') FROM metacore.balance_entries WHERE reference IS NOT NULL"
        ).fetchall()
    assert len(rows) > 10
    assert all(stored == computed for stored, computed in rows)
