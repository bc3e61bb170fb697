"""The tables against the models that they store, and what they refuse by themselves."""

from datetime import UTC, datetime

import psycopg
import pytest
import sqlalchemy
from psycopg import sql

from metacore import (
    Balance,
    BalanceEntry,
    BarPart,
    DeadLetter,
    Event,
    Holding,
    InvalidDataError,
    Login,
    NewTrade,
    NewUser,
    Order,
    OrderUpdate,
    Portfolio,
    Reservation,
    Session,
    Settings,
    Trade,
    User,
    UserTransfer,
)
from metacore.domain.messages.claims import KeyProgress
from metacore.domain.messages.inbox import InboxMessage, InboxPosition
from metacore.postgres import SchemaDeployer
from metacore.postgres.client.errors import translate
from metacore.postgres.tables import METADATA, NOT_NEGATIVE, OWNERS, UNIQUE_FIELDS
from metacore.postgres.tables.columns import sql_type, uncomputed
from metacore.postgres.tables.domains import AMOUNT, KEY
from metacore.sync import connect

MODELS = {
    "users": User,
    "orders": Order,
    "order_updates": OrderUpdate,
    "trades": Trade,
    "balances": Balance,
    "balance_entries": BalanceEntry,
    "portfolios": Portfolio,
    "portfolio_holdings": Holding,
    "bar_parts": BarPart,
    "dead_letters": DeadLetter,
    "inbox_messages": InboxMessage,
    "inbox_positions": InboxPosition,
    "logins": Login,
    "outbox_events": Event,
    "outbox_progress": KeyProgress,
    "reservations": Reservation,
    "sessions": Session,
    "user_transfers": UserTransfer,
}

BY_TOPIC = ("outbox_events", "outbox_keys", "outbox_progress", "outbox_waits", "outbox_wakeups")
BY_CONSUMER = ("inbox_messages", "inbox_positions")

NOT_COLUMNS = {"portfolios": {"holdings"}}
NOT_FIELDS = {"outbox_progress": {"version"}}


COLUMNS = [column for table in METADATA.sorted_tables for column in table.columns]


def constraints(kind):
    return {
        constraint.name: constraint
        for table in METADATA.sorted_tables
        for constraint in table.constraints
        if isinstance(constraint, kind)
    }


@pytest.mark.parametrize("name", MODELS)
def test_columns_are_the_fields(name):
    fields = MODELS[name].model_fields.keys() - NOT_COLUMNS.get(name, set())
    assert set(uncomputed(METADATA.tables[name])) == fields | NOT_FIELDS.get(name, set())


@pytest.mark.parametrize("name", MODELS)
def test_a_column_may_be_empty_where_the_field_may_be_none(name):
    model = MODELS[name]
    for column in METADATA.tables[name].columns:
        if column.name in model.model_fields:
            assert column.nullable == (
                type(None) in getattr(model.model_fields[column.name].annotation, "__args__", ())
            )


def test_every_key_starts_with_what_rows_lie_by():
    others = (
        {"users": "id", "user_names": "kind", "dead_letters": "source", "bar_parts": "symbol"}
        | dict.fromkeys(BY_TOPIC, "topic")
        | dict.fromkeys(BY_CONSUMER, "consumer")
    )
    keys = {**constraints(sqlalchemy.PrimaryKeyConstraint), **constraints(sqlalchemy.UniqueConstraint)}
    for name, key in keys.items():
        first = next(iter(key.columns)).name
        expected = others.get(key.table.name, "user_id")
        assert first == ("order_uid" if key.table.name.startswith("order_record") else expected), name


def test_every_name_that_an_error_can_carry_is_explained():
    unique_indexes = {index.name for table in METADATA.sorted_tables for index in table.indexes if index.unique}
    keys = {*constraints(sqlalchemy.PrimaryKeyConstraint), *constraints(sqlalchemy.UniqueConstraint), *unique_indexes}
    assert UNIQUE_FIELDS.keys() == keys
    assert OWNERS.keys() == constraints(sqlalchemy.ForeignKeyConstraint).keys()
    assert constraints(sqlalchemy.CheckConstraint).keys() >= NOT_NEGATIVE


def test_what_belongs_to_a_row_goes_with_it():
    assert {key.ondelete for key in constraints(sqlalchemy.ForeignKeyConstraint).values()} == {"CASCADE"}


def test_the_database_computes_nothing_but_what_indexes_rest_on():
    computed = {
        f"{column.table.name}.{column.name}"
        for column in COLUMNS
        if column.server_default is not None or column.identity is not None
    }
    assert computed == {"orders.closed_as", "orders.is_holding"}


def test_amounts_are_exact_and_texts_are_ordered_by_code_point():
    amounts = {column.type.domain for column in COLUMNS if sql_type(column) == "numeric"}
    assert amounts == {AMOUNT}
    texts = [column for column in COLUMNS if isinstance(column.type, sqlalchemy.Text)]
    assert {column.type.collation for column in texts} == {"C"}


@pytest.fixture(scope="module")
def deployed(server):
    SchemaDeployer(server.url, "test_tables").deploy()
    return "test_tables"


@pytest.fixture
def bare(server, deployed):
    """A function that copies a table with no rules but those of its values, and returns one that inserts a value."""
    with psycopg.connect(server.url, autocommit=True) as connection:

        def copy(table):
            original, columns = sql.Identifier(deployed, table), METADATA.tables[table].columns
            connection.execute(sql.SQL("CREATE TEMPORARY TABLE bare (LIKE {} INCLUDING CONSTRAINTS)").format(original))
            nullable = [sql.SQL("ALTER {} DROP NOT NULL").format(sql.Identifier(column.name)) for column in columns]
            connection.execute(sql.SQL("ALTER TABLE bare {}").format(sql.SQL(", ").join(nullable)))

            def insert(column, value):
                query = sql.SQL("INSERT INTO bare ({0}) VALUES (%s) RETURNING {0}").format(sql.Identifier(column))
                return connection.execute(query, [value]).fetchone()[0]

            return insert

        yield copy


def of_domain(domain):
    """The tables that have columns of `domain`, each with their names."""
    tables = {}
    for column in COLUMNS:
        if getattr(column.type, "domain", None) is domain:
            tables.setdefault(column.table.name, []).append(column.name)
    return tables.items()


@pytest.mark.parametrize(("table", "columns"), of_domain(AMOUNT))
def test_no_column_takes_what_is_no_amount(bare, table, columns):
    insert = bare(table)
    for column in columns:
        for value in ("NaN", "Infinity", "-Infinity", "1E-37", "0.1" + "0" * 36, "1E38", "-1E38"):
            with pytest.raises(psycopg.errors.CheckViolation) as caught:
                insert(column, value)
            assert caught.value.diag.constraint_name == "amount_exact"


def test_an_amount_is_stored_as_it_is(bare):
    insert = bare("balances")
    for value in ("9" * 38 + "." + "9" * 36, "0." + "0" * 35 + "1", "0", "1.50"):
        assert f"{insert('free', value):f}" == value


@pytest.mark.parametrize(("table", "columns"), of_domain(KEY))
def test_no_key_is_longer_than_a_model_allows(bare, table, columns):
    insert = bare(table)
    for column in columns:
        with pytest.raises(psycopg.errors.CheckViolation) as caught:
            insert(column, "🚀" * 256)
        assert caught.value.diag.constraint_name == "key_short"
        assert insert(column, "🚀" * 255) == "🚀" * 255


def test_the_widest_keys_fit_their_indexes(server, deployed):
    """Characters of four bytes, and no two alike, which nothing compresses."""
    wide = ["".join(chr(0x10000 + 1000 * row + place) for place in range(255)) for row in range(4)]
    user = NewUser(exchange=wide[0], uid=wide[1], username=wide[2], email=wide[3])
    trade = NewTrade(
        user_id=user.id,
        exchange_trade_id=wide[0],
        symbol=wide[1],
        exchange_order_id=wide[2],
        side="BUY",
        price=1,
        quantity=1,
        traded_at=datetime.now(UTC),
    )
    with connect(server.url, settings=Settings(schema=deployed)) as storage:
        storage.users.create(user)
        storage.trades.create(trade)
        storage.balances.put(user.id, wide[0], 1, 0)
        storage.portfolios.put(user.id, wide[0].lower(), 1)
        assert storage.trades.get_by_exchange_trade_id(user.id, wide[1], wide[0])[0].exchange_order_id == wide[2]
        assert storage.trades.create_many([trade]).duplicates == 1
        storage.users.delete(user.id)


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("users", "kyc_status", "Primary"),
        ("orders", "side", "HOLD"),
        ("orders", "type", ""),
        ("orders", "time_in_force", "GTD"),
        ("orders", "status", "new"),
        ("orders", "held_amount", "-1"),
        ("orders", "held_amount", "1"),
        ("order_updates", "outcome", "DUPLICATE"),
        ("order_updates", "source", "FIX"),
        ("order_updates", "seq", 0),
        ("trades", "state", "COVERED"),
        ("balances", "free", "-0.000000000000000001"),
        ("balances", "locked", "-0.000000000000000001"),
        ("balance_entries", "free_after", "-1"),
        ("balance_entries", "locked_after", "-1"),
        ("balance_entries", "reason", "GIFT"),
        ("balance_entries", "seq", 0),
        ("reservations", "held_amount", "-1"),
        ("reservations", "amount", "0"),
        ("reservations", "state", "pending"),
        ("user_transfers", "amount", "0"),
        ("portfolio_holdings", "quantity", "0"),
        ("logins", "failures", -1),
        ("logins", "password_hash", "x" * 1025),
        ("bar_parts", "count", 0),
        ("bar_parts", "low", "0"),
        ("bar_parts", "starts_at", "2026-01-31T12:00:01Z"),
        ("sessions", "token_hash", b"x" * 31),
        ("sessions", "generation", 0),
        ("sessions", "ended_at", "2026-01-01T00:00:00Z"),
    ],
)
def test_a_row_that_no_model_has_is_refused(bare, table, column, value):
    with pytest.raises(psycopg.errors.CheckViolation):
        bare(table)(column, value)


@pytest.mark.parametrize(("table", "column"), [("balances", "free"), ("balance_entries", "locked_after")])
def test_the_error_of_a_stored_balance_below_zero_asks_for_an_audit(bare, table, column):
    with pytest.raises(psycopg.errors.CheckViolation) as caught:
        bare(table)(column, "-1")
    error = translate(caught.value, "balances.apply", "metacore")
    assert isinstance(error, InvalidDataError)
    assert error.field == caught.value.diag.constraint_name in NOT_NEGATIVE
    assert "balances.audit" in str(error)
