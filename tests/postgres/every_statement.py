"""Every statement of `metacore.postgres.statements`, and a schema full of rows to plan them on."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from importlib import import_module
from inspect import get_annotations, isfunction, signature
from itertools import combinations, product
from pkgutil import iter_modules
from typing import Any

import psycopg

from metacore import Settings
from metacore.domain.people.credentials import Credentials
from metacore.domain.people.users import UserPatch
from metacore.domain.trading.archiving import History
from metacore.domain.trading.balances import EntryFilter
from metacore.domain.trading.orders import CLOSED, OrderFilter
from metacore.domain.trading.trades import TradeFilter, TradeState
from metacore.postgres import statements
from metacore.postgres.client.statement import Statement
from metacore.postgres.statements.imports import Import
from metacore.postgres.statements.transactions import COLUMNS
from metacore.postgres.tables.columns import METADATA, uncomputed
from metacore.sync import LedgerService, TradingService, connect
from metacore.testing.factories import (
    BarPartFactory,
    DeadLetterFactory,
    NewEventFactory,
    NewOrderFactory,
    NewReservationFactory,
    NewSessionFactory,
    NewTradeFactory,
    NewUserFactory,
    OrderRecordFactory,
)

SCHEMA, ROWS = "planned", 2000
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
NAMING = frozenset({"kinds", "by_id", "by_reference"})
"""Arguments that say how rows are named: a statement about named rows is made of one of them."""
PLANNED = ("SELECT", "WITH", "INSERT", "UPDATE", "DELETE")

FILTERS = {
    "balances.journal": tuple(EntryFilter.model_fields),
    "orders.page": tuple(OrderFilter.model_fields),
    "trades.page": tuple(TradeFilter.model_fields),
}
ARGUMENTS: dict[tuple[str, str], Any] = {
    **{(name, "filters"): [*combinations(fields, 1), fields, ()] for name, fields in FILTERS.items()},
    ("bars.page", "filters"): [named for n in range(4) for named in combinations(("exchange", "since", "until"), n)],
    ("orders.page", "closed"): range(len(CLOSED) + 1),
    ("trades.page", "state"): [None, *TradeState],
    ("users.page", "active"): [None, True, False],
    ("users.change", "columns"): [("username",), tuple(UserPatch.model_fields)],
    **{
        (f"transactions.{name}", "kinds"): [kinds for n in range(4) for kinds in combinations(COLUMNS, n)]
        for name in ("lock_orders", "unsettled", "stale_updates", "update_seqs", "lock_stored_balances")
    },
}
"""What the makers of statements are called with, beside flags, which are both false and true."""


def made(name: str, maker: Any) -> Iterator[tuple[str, Statement]]:
    """What `maker` makes of each combination of its arguments."""
    types = get_annotations(maker.__wrapped__, eval_str=True)
    names = list(signature(maker).parameters)
    choices = [(False, True) if types[each] is bool else ARGUMENTS[name, each] for each in names]
    for values in product(*choices):
        arguments = dict(zip(names, values, strict=True))
        if not {*arguments} & NAMING or any(arguments.get(each) for each in (*NAMING, "holding")):
            yield f"{name}({', '.join(map(str, values))})", maker(*values)


def found() -> Iterator[tuple[str, Statement | Import]]:
    """All statements there are, by module and name."""
    for module in iter_modules(statements.__path__):
        whole = import_module(f"{statements.__name__}.{module.name}")
        for name, value in vars(whole).items():
            key = f"{module.name}.{name}"
            if isinstance(value, Statement | Import):
                yield key, value
            elif isinstance(value, dict | tuple | list):
                values = value.items() if isinstance(value, dict) else enumerate(value)
                yield from ((f"{key}[{at}]", item) for at, item in values if isinstance(item, Statement | Import))
            elif hasattr(value, "cache_info") and value.__module__ == whole.__name__:
                yield from made(key, value)
            elif isfunction(value) and value.__module__ == whole.__name__ and not name.startswith("_"):
                assert get_annotations(value)["return"] != "Statement", f"{key} makes a statement each time: cache it"


def explained() -> Iterator[tuple[str, Statement]]:
    for name, value in found():
        if isinstance(value, Import):
            parts = ((f"{name}.{part}", item) for part, item in vars(value).items() if isinstance(item, Statement))
            yield from parts
        else:
            yield name, value


def is_planned(statement: Statement) -> bool:
    first = statement.text(SCHEMA).split(None, 1)[0].decode().upper()
    assert first in (*PLANNED, "SET", "DROP", "CREATE", "COPY", "DECLARE", "FETCH", "CLOSE"), first
    return first in PLANNED


# What each copy of a row has of its own.
OWN = """jsonb_build_object(
    'id', copy.id, 'uid', copy.id, 'username', copy.id, 'email', copy.id, 'telegram_id', NULL, 'user_id', copy.id,
    'order_id', copy.id, 'order_uid', copy.id, 'track_number', copy.id, 'value', copy.id,
    'api_key_hash', '\\x' || md5(copy.id::text) || md5(copy.id::text))"""
OWN_OF = {
    "bar_parts": "jsonb_build_object('symbol', copy.id)",
    "dead_letters": "jsonb_build_object('source', copy.id)",
    "inbox_messages": "jsonb_build_object('message_id', copy.id)",
    "inbox_positions": "jsonb_build_object('key', copy.id)",
    **dict.fromkeys(
        ("outbox_events", "outbox_keys", "outbox_progress", "outbox_waits", "outbox_wakeups"),
        "jsonb_build_object('topic', copy.id, 'key', copy.id)",
    ),
}
"""The same for tables where others have names by these words."""


def fill(url: str, admin: psycopg.Connection) -> None:
    """One row of each table, by the storages, and copies of it for other users."""
    with connect(url, settings=Settings(schema=SCHEMA, encryption_keys={"k1": bytes(range(32))})) as storage:
        user = storage.users.create(NewUserFactory.build())
        storage.users.set_credentials(user.id, Credentials(api_key="key", api_secret="secret"))
        trading = TradingService(storage)
        trading.deposit(user.id, "USDT", 10**9, "opening")
        order = trading.place_order(NewOrderFactory.build(user_id=user.id, quote_asset="USDT", side="BUY"))
        storage.trades.create(NewTradeFactory.build(of=order))
        LedgerService(storage).reserve(NewReservationFactory.build(user_id=user.id, amount=1, expires_at=LONG_AGO))
        receiver = storage.users.create(NewUserFactory.build())
        LedgerService(storage).transfer(user.id, receiver.id, "USDT", Decimal(1), "transfer")
        storage.portfolios.put(user.id, "BTCUSDT", 1)
        storage.order_records.save(OrderRecordFactory.build(count=1))
        storage.archives.take(History(user_id=user.id), "digest")
        storage.dead_letters.put(DeadLetterFactory.build())
        storage.bars.add([BarPartFactory.build()])
        storage.outbox.append([NewEventFactory.build()])
        storage.outbox.claim(["trading"])
        storage.outbox.append([NewEventFactory.build()])
        storage.inbox.accept("consumer", "trading", "order", 1)
        storage.inbox.once("consumer", "id")
        storage.logins.set_password(user.id, "hash")
        storage.sessions.create(NewSessionFactory.build(user_id=user.id))
    admin.execute("CREATE TEMP TABLE copies AS SELECT gen_random_uuid() AS id FROM generate_series(1, %s)", [ROWS])
    for table in METADATA.sorted_tables:
        names = ", ".join(f'"{name}"' for name in uncomputed(table))
        columns = ", ".join(f'made."{name}"' for name in uncomputed(table))
        admin.execute(
            f"INSERT INTO {table.name} ({names}) SELECT {columns} FROM {table.name} AS one, copies AS copy,"
            f" jsonb_populate_record(one, {OWN_OF.get(table.name, OWN)}) AS made ON CONFLICT DO NOTHING"
        )
        assert admin.execute(f"SELECT count(*) FROM {table.name}").fetchone()[0] > ROWS, table.name
    admin.execute(f"ANALYZE {', '.join(table.name for table in METADATA.sorted_tables)}")
