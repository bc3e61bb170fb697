"""How many round trips each operation takes: what docs/performance.md says, counted on the wire."""

import re
import time
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from metacore import ExecutionReport, NewOrder, NewReservation, NewTrade, NewUser, Order, User, new_id
from metacore.config import Settings
from metacore.errors import InsufficientFundsError
from metacore.sync import LedgerService, Storage, TradingService, connect
from metacore.testing.factories import NewOrderFactory, NewTradeFactory, OrderRecordFactory

from .relays import Relay

DOCUMENT = Path(__file__).parents[2] / "docs" / "performance.md"
ROW = re.compile(r"^\| ([a-z_.]+(?:, [a-z ]+)?) \| (\d+) \|", re.MULTILINE)
BATCH, ONE, PATIENCE = 60, Decimal(1), 60


class Account(NamedTuple):
    """A user with funds and an order, another user, and what asks for their sake."""

    storage: Storage
    user: User
    other: User
    order: Order

    @property
    def trading(self) -> TradingService:
        return TradingService(self.storage)

    @property
    def ledger(self) -> LedgerService:
        return LedgerService(self.storage)

    def deposit(self, reference: str) -> object:
        return self.trading.deposit(self.user.id, "USDT", ONE, reference=reference)

    def transfer(self) -> object:
        return self.ledger.transfer(self.user.id, self.other.id, "USDT", ONE, reference=str(new_id()))

    def too_much(self) -> None:
        with suppress(InsufficientFundsError):
            self.trading.place_order(new_order(self.user, quantity=Decimal(10**9)))

    def fill(self) -> NewTrade:
        return NewTradeFactory.build(of=self.order, quantity=ONE, price=ONE, commission=ONE, commission_asset="BTC")

    def report(self, status: str) -> ExecutionReport:
        fields = {"user_id": self.user.id, "order_id": self.order.id, "status": status, "executed_quantity": 0}
        return ExecutionReport(**fields, source="REST", occurred_at=self.storage.now())

    def reservation(self) -> NewReservation:
        return NewReservation(user_id=self.user.id, asset="USDT", amount=ONE, reference=str(new_id()))


def new_order(user: User, **values: Any) -> NewOrder:
    sized = {"side": "BUY", "type": "LIMIT", "price": ONE, "quantity": Decimal(1000), **values}
    return NewOrderFactory.build(user_id=user.id, symbol="BTCUSDT", **sized)


OPERATIONS: dict[str, Callable[[Account], object]] = {
    "users.create": lambda a: a.storage.users.create(NewUser()),
    "users.get": lambda a: a.storage.users.get(a.user.id),
    "orders.create": lambda a: a.storage.orders.create(new_order(a.user)),
    "orders.get": lambda a: a.storage.orders.get(*a.order.key),
    "orders.list": lambda a: a.storage.orders.list(a.user.id),
    "balances.list": lambda a: a.storage.balances.list(a.user.id),
    "order_records.save": lambda a: a.storage.order_records.save(OrderRecordFactory.build()),
    "deposit": lambda a: a.deposit(str(new_id())),
    "deposit, told again": lambda a: a.deposit("first"),
    "place_order": lambda a: a.trading.place_order(new_order(a.user)),
    "place_order, short of funds": lambda a: a.too_much(),
    "place_orders": lambda a: a.trading.place_orders([new_order(a.user) for _ in range(BATCH)]),
    "apply_report": lambda a: a.trading.apply_report(a.report("NEW")),
    "settle_trade": lambda a: a.trading.settle_trade(a.fill()),
    "settle_trades": lambda a: a.trading.settle_trades([a.fill() for _ in range(BATCH)]),
    "reserve": lambda a: a.ledger.reserve(a.reservation()),
    "reserve_all": lambda a: a.ledger.reserve_all([a.reservation() for _ in range(BATCH)]),
    "transfer": lambda a: a.transfer(),
    "cancel_order": lambda a: a.trading.cancel_order(*a.order.key),
    "apply_report, which closes": lambda a: a.trading.apply_report(a.report("CANCELED")),
}


def account(storage: Storage) -> Account:
    user, other = (storage.users.create(NewUser()) for _ in range(2))
    trading = TradingService(storage)
    for asset in ("USDT", "BTC"):
        trading.deposit(user.id, asset, Decimal(10**6), reference=f"opening {asset}")
    trading.deposit(user.id, "USDT", ONE, reference="first")
    return Account(storage, user, other, trading.place_order(new_order(user)))


def connected(storage: Storage) -> bool:
    pool = storage.stats().pool
    return pool is not None and pool["pool_available"] == 1


def test_each_operation_takes_the_round_trips_that_are_documented(metacore_database_url: str) -> None:
    """By a connection that has not prepared its statements, and once more by the same."""
    counted = dict[str, list[int]]()
    alone = Settings(pool_min_size=1, pool_max_size=1)
    with (
        Relay(metacore_database_url) as relay,
        connect(metacore_database_url) as near,
        connect(relay.url, settings=alone) as far,
    ):
        give_up = time.monotonic() + PATIENCE
        while not connected(far):
            assert time.monotonic() < give_up
            time.sleep(0.001)
        accounts = [account(near), account(near)]
        for name, call in OPERATIONS.items():
            for prepared in accounts:
                before = relay.round_trips
                call(prepared._replace(storage=far))
                counted.setdefault(name, []).append(relay.round_trips - before)
    assert counted == {name: [int(number)] * 2 for name, number in ROW.findall(DOCUMENT.read_text())}
