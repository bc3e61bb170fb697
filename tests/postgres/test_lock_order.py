"""In which order an operation about several users, topics or symbols locks what it is about, however they are named.

What one statement locks, and in which order, its plan says: `test_statement_plans.py`.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from metacore.domain.people.users import UserPatch
from metacore.domain.trading.balances import AccountBalance
from metacore.domain.trading.decisions import Changes, Selection
from metacore.domain.trading.order_ids import OrderIds
from metacore.domain.trading.orders import Order
from metacore.domain.trading.reservations import Reservation
from metacore.domain.trading.trades import Trade
from metacore.postgres.client.wire import Wire
from metacore.sync import LedgerService, connect
from metacore.sync.storage.storage import Storage
from metacore.testing.clock import START, ManualClock
from metacore.testing.factories import (
    BalanceDeltaFactory,
    BarPartFactory,
    NewEventFactory,
    NewOrderFactory,
    NewOrderUpdateFactory,
    NewReservationFactory,
    NewSessionFactory,
    NewTradeFactory,
    NewUserFactory,
)

RANKS = {name: rank for rank, name in enumerate(("users", "orders", "reservations", "trades", "balances"))}
"""The tables in the order in which their rows are locked."""

FOR_UPDATE = r"FROM \S+\.(\w+) WHERE (?:(?!FROM).)*\bFOR (?:NO KEY |KEY )?(?:UPDATE|SHARE)"

LATER = START + timedelta(days=365)
ONE = Decimal(1)

Calls = list[tuple[str, dict[str, Any]]]


@dataclass
class Rows:
    """What three users have, those with greater ids first."""

    orders: list[Order]
    trades: list[Trade]
    reservations: list[Reservation]

    @property
    def users(self) -> list[Any]:
        return [order.user_id for order in self.orders]

    def deltas(self) -> list[Any]:
        return [BalanceDeltaFactory.build(user_id=user, asset=asset) for user in self.users for asset in "BA"]


def parsed(array: str) -> list[str]:
    return array.strip("{}").split(",")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def storage(metacore_database_url: str, clock: ManualClock) -> Iterator[Storage]:
    with connect(metacore_database_url, clock=clock) as storage:
        yield storage


@pytest.fixture
def rows(storage: Storage) -> Rows:
    users = sorted((storage.users.create(NewUserFactory.build()).id for _ in range(3)), reverse=True)
    orders = [storage.orders.create(NewOrderFactory.build(user_id=user)) for user in users]
    storage.balances.apply(BalanceDeltaFactory.build(user_id=user, asset=asset) for user in users for asset in "AB")
    reserve = LedgerService(storage).reserve
    held = [reserve(NewReservationFactory.build(user_id=user, asset="A", amount=ONE)) for user in users]
    return Rows(orders, [storage.trades.create(NewTradeFactory.build(of=order)) for order in orders], held)


@pytest.fixture
def calls(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> Calls:
    """The text and the values of each call from now on; no values of one that makes them late, all of it locked."""
    made: Calls = []
    exchange = Wire.exchange

    def recording(self: Wire, schema: str, calls: Any, *around: Any) -> Any:
        made.extend((st.text(schema).decode(), {} if callable(values) else values) for st, values in calls)
        return exchange(self, schema, calls, *around)

    monkeypatch.setattr(Wire, "exchange", recording)
    return made


def load(storage: Storage, rows: Rows, **selection: Any) -> None:
    with storage.transaction() as tx:
        tx.load(
            Selection(
                users=frozenset(rows.users),
                orders=tuple((order.user_id, OrderIds(client_order_id=order.client_order_id)) for order in rows.orders),
                locked_balances=tuple((user, asset) for user in rows.users for asset in "BA"),
                **selection,
            )
        )


def save(storage: Storage, rows: Rows) -> None:
    with storage.transaction() as tx:
        tx.save(
            Changes(
                orders=tuple(order.changed(version=2) for order in rows.orders),
                trades=tuple(trade.changed(version=2) for trade in rows.trades),
                reservations=tuple(held.changed(version=2) for held in rows.reservations),
                balance_deltas=tuple(rows.deltas()),
                user_patches={rows.users[1]: UserPatch(username="renamed")},
            )
        )


def lock(storage: Storage, rows: Rows, name: str) -> None:
    keys = {"orders": [order.key for order in rows.orders], "balances": [(user, "A") for user in rows.users]}[name]
    with storage.transaction() as tx:
        getattr(tx, name).get_many(keys, for_update=True)


LOCKING: dict[str, Callable[[Storage, Rows], object]] = {
    "load what is named": lambda storage, rows: load(
        storage, rows, reservations=tuple(held.key for held in rows.reservations)
    ),
    "load all that holds funds": lambda storage, rows: load(storage, rows, holding=True, exclusive_users=True),
    "save": save,
    "lock orders": lambda storage, rows: lock(storage, rows, "orders"),
    "lock balances": lambda storage, rows: lock(storage, rows, "balances"),
    "apply": lambda storage, rows: storage.balances.apply(rows.deltas()),
    "replace all": lambda storage, rows: storage.balances.replace_all(
        rows.users[0], [AccountBalance(asset="B", free=ONE)]
    ),
    "append updates": lambda storage, rows: storage.order_updates.append_many(
        NewOrderUpdateFactory.build(of=order) for order in rows.orders
    ),
}


def test_rows_are_locked_by_table_and_then_by_user_each_once(storage: Storage, rows: Rows, calls: Calls) -> None:
    unordered = {}
    for name, work in LOCKING.items():
        calls.clear()
        work(storage, rows)
        found = ((re.search(FOR_UPDATE, text, re.DOTALL), values) for text, values in calls)
        locked = [(RANKS[match[1]], values["user_id"]) for match, values in found if match]
        if not locked or locked != sorted(set(locked)):
            unordered[name] = locked
    assert unordered == {}


def test_turns_are_queued_for_in_one_order(storage: Storage, rows: Rows, calls: Calls) -> None:
    load(storage, rows)
    storage.balances.apply(rows.deltas())
    turns = [list(map(int, parsed(values["keys"]))) for text, values in calls if "advisory" in text]
    assert [len(keys) for keys in turns] == [3, 3]
    assert turns == [sorted(keys) for keys in turns]


def add_bars(storage: Storage, rows: Rows, clock: ManualClock) -> None:
    minutes = [START.replace(second=0, microsecond=0) + timedelta(minutes=number) for number in (2, 1)]
    storage.bars.add(BarPartFactory.build(symbol=symbol, starts_at=at) for symbol in "BA" for at in minutes)


def purge_bars(storage: Storage, rows: Rows, clock: ManualClock) -> None:
    minutes = enumerate("BA")
    at = START.replace(second=0, microsecond=0)
    storage.bars.add(BarPartFactory.build(symbol=name, starts_at=at + timedelta(minutes=n)) for n, name in minutes)
    assert storage.bars.purge("live", LATER)


def purge_sessions(storage: Storage, rows: Rows, clock: ManualClock) -> None:
    for number, user in enumerate(rows.users):
        storage.sessions.create(NewSessionFactory.build(user_id=user, expires_at=START + timedelta(days=10 + number)))
    assert storage.sessions.purge(LATER) == 3


def purge_inbox(storage: Storage, rows: Rows, clock: ManualClock) -> None:
    for consumer in "ba":
        storage.inbox.once(consumer, "id")
        clock.advance()
    assert storage.inbox.purge(LATER) == 2


def claim_events(storage: Storage, rows: Rows, clock: ManualClock) -> None:
    clock.advance(hours=1)
    storage.outbox.append(NewEventFactory.build(topic=topic) for topic in "ba")
    assert len(storage.outbox.claim(["b", "a"]).keys) == 2


def purge_outbox(storage: Storage, rows: Rows, clock: ManualClock) -> None:
    for topic in "dc":
        clock.advance(hours=1)
        storage.outbox.append([NewEventFactory.build(topic=topic)])
    claim = storage.outbox.claim(["c", "d"])
    storage.outbox.done(claim.id, {(each.topic, each.key): each.events[-1].seq for each in claim.keys})
    assert storage.outbox.purge(LATER) == 2


WRITING: dict[str, tuple[Callable[[Storage, Rows, ManualClock], None], str, str]] = {
    "bars.add": (add_bars, 'INSERT INTO "metacore".bar_parts', "symbol"),
    "bars.purge": (purge_bars, 'DELETE FROM "metacore".bar_parts', "symbol"),
    "sessions.purge": (purge_sessions, 'DELETE FROM "metacore".sessions', "user_id"),
    "inbox.purge": (purge_inbox, 'DELETE FROM "metacore".inbox_messages', "consumer"),
    "outbox.append": (claim_events, 'INSERT INTO "metacore".outbox_keys', "topic"),
    "outbox.claim": (claim_events, "WITH claimed AS", "topic"),
    "outbox.purge": (purge_outbox, 'DELETE FROM "metacore".outbox_events', "topic"),
}
"""What makes several calls of a statement, what that begins with, and what each of these calls is about."""


def test_what_is_written_by_several_calls_is_written_in_one_order(
    storage: Storage, rows: Rows, calls: Calls, clock: ManualClock
) -> None:
    unordered = {}
    for name, (work, beginning, owner) in WRITING.items():
        calls.clear()
        work(storage, rows, clock)
        written: dict[str, list[dict[str, Any]]] = {}
        for text, values in calls:
            if beginning in text and owner in values:
                written.setdefault(text, []).append(values)
        for several in written.values():
            owners = [values[owner] for values in several]
            minutes = [parsed(values.get("starts_at", "")) for values in several]
            if len(set(owners)) < 2 or owners != sorted(owners) or minutes != [sorted(each) for each in minutes]:
                unordered[name] = owners, minutes
        assert written, name
    assert unordered == {}
