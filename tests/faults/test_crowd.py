"""Many workers on few users and assets. METACORE_CROWD_SECONDS=30 makes a long run of the short one."""

import os
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from uuid import UUID

from metacore.config import Settings
from metacore.domain.trading.reports import Outcome
from metacore.errors import InsufficientFundsError, InvalidTransitionError
from metacore.sync import ExecutionReport, NewTrade, NewUser, Order, Storage, TradingService, connect
from metacore.testing.factories import NewOrderFactory, NewTradeFactory

from .conftest import Server

SECONDS = float(os.environ.get("METACORE_CROWD_SECONDS", "1"))
WORKERS, STEPS = 16, 20
"""Each takes so many steps at least, however slow the machine is."""
USERS = 3
_numbers = count()


class Worker(threading.Thread):
    """Does whatever a service does, and keeps its own account of what went through."""

    def __init__(self, storage: Storage, users: list[UUID], until: float, seed: int) -> None:
        super().__init__()
        self.trading, self.users, self.until = TradingService(storage), users, until
        self.chance = random.Random(seed)
        self.orders: list[Order] = []
        self.expected: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            while time.monotonic() < self.until or self.done.total() < STEPS:
                step = self.chance.choice([self.transfer, self.place, self.fill, self.fill, self.cancel])
                step()
                self.done[step.__name__] += 1
        except BaseException as error:  # noqa: BLE001 - the main thread raises it
            self.error = error

    def transfer(self) -> None:
        user_id, amount = self.chance.choice(self.users), Decimal(self.chance.randint(1, 500))
        asset = self.chance.choice(["USDT", "BTC"])
        try:
            if self.chance.random() < 0.6:
                self.trading.deposit(user_id, asset, amount, reference=str(next(_numbers)))
                self.expected[asset] += amount
            else:
                self.trading.withdraw(user_id, asset, amount, reference=str(next(_numbers)))
                self.expected[asset] -= amount
        except InsufficientFundsError:
            self.done["short of funds"] += 1

    def place(self) -> None:
        new = NewOrderFactory.build(
            user_id=self.chance.choice(self.users),
            symbol="BTCUSDT",
            base_asset="BTC",
            quote_asset="USDT",
            side=self.chance.choice(["BUY", "SELL"]),
            type="LIMIT",
            price=str(self.chance.randint(1, 9)),
            quantity=str(self.chance.randint(1, 20)),
        )
        try:
            self.orders.append(self.trading.place_order(new))
        except InsufficientFundsError:
            self.done["short of funds"] += 1

    def fill(self) -> None:
        if not self.orders:
            return
        order = self.chance.choice(self.orders)
        trade = NewTrade(
            user_id=order.user_id,
            order_id=order.id,
            exchange_trade_id=str(next(_numbers)),
            symbol=order.symbol,
            side=order.side,
            price=order.price,
            quantity=str(self.chance.randint(1, 3)),
            commission="0.01",
            commission_asset="USDT",
            traded_at=datetime.now(UTC),
        )
        if self.trading.settle_trade(trade).outcome is Outcome.SETTLED:
            sign = 1 if order.side == "BUY" else -1
            self.expected["BTC"] += sign * trade.quantity
            self.expected["USDT"] -= sign * trade.quantity * trade.price + trade.commission

    def cancel(self) -> None:
        if not self.orders:
            return
        order = self.orders.pop(self.chance.randrange(len(self.orders)))
        report = ExecutionReport(
            user_id=order.user_id, order_id=order.id, status="CANCELED", occurred_at=datetime.now(UTC)
        )
        try:
            self.trading.cancel_order(order.user_id, order.id)
            self.trading.apply_report(report)
        except InvalidTransitionError:
            self.done["closed already"] += 1


def test_money_is_kept_and_no_deadlock_reaches_a_caller(metacore_database_url: str, server: Server) -> None:
    with connect(metacore_database_url, settings=Settings(pool_max_size=WORKERS, lock_timeout=60)) as storage:
        users = [storage.users.create(NewUser()).id for _ in range(USERS)]
        until = time.monotonic() + SECONDS
        workers = [Worker(storage, users, until, seed) for seed in range(WORKERS)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
            if worker.error is not None:
                raise worker.error
        done = sum((worker.done for worker in workers), Counter())
        assert all(done[kind] for kind in ("transfer", "place", "fill", "cancel"))
        for asset in ("USDT", "BTC"):
            expected_total = sum((worker.expected[asset] for worker in workers), Decimal(0))
            kept = [
                balance.total for user in users for balance in storage.balances.list(user) if balance.asset == asset
            ]
            assert sum(kept, Decimal(0)) == expected_total
        for user in users:
            assert not storage.balances.audit(user)
        assert (storage.stats().pool or {})["pool_available"] == (storage.stats().pool or {})["pool_size"]
        assert server.deadlocks() == 0
        print(dict(done))


def all_at_once(trading: TradingService, trade: NewTrade) -> Counter[Outcome]:
    """How often each outcome came when all workers sent `trade` together."""
    outcomes: list[Outcome] = []
    barrier = threading.Barrier(WORKERS)

    def send() -> None:
        barrier.wait()
        outcomes.append(trading.settle_trade(trade).outcome)

    threads = [threading.Thread(target=send) for _ in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter(outcomes)


def test_a_fill_sent_by_all_at_once_settles_once(metacore_database_url: str) -> None:
    with connect(metacore_database_url, settings=Settings(pool_max_size=WORKERS, lock_timeout=60)) as storage:
        worker = Worker(storage, [storage.users.create(NewUser()).id], 0, 0)
        worker.trading.deposit(worker.users[0], "USDT", Decimal(10_000), reference="opening")
        while not worker.orders or worker.orders[-1].side != "BUY":
            worker.place()
        order = worker.orders[-1]
        for number in range(5):
            trade = NewTrade(
                user_id=order.user_id,
                order_id=order.id,
                exchange_trade_id=f"same-{number}",
                symbol=order.symbol,
                side=order.side,
                price=order.price,
                quantity="0.1",
                traded_at=datetime.now(UTC),
            )
            assert all_at_once(worker.trading, trade) == {Outcome.SETTLED: 1, Outcome.DUPLICATE: WORKERS - 1}
        assert not storage.balances.audit(order.user_id)


def test_who_is_first_to_use_an_asset_deadlocks_with_nobody(metacore_database_url: str, server: Server) -> None:
    settings = Settings(pool_min_size=WORKERS, pool_max_size=WORKERS)
    with connect(metacore_database_url, settings=settings) as storage, ThreadPoolExecutor(WORKERS) as threads:
        trading, barrier = TradingService(storage), threading.Barrier(WORKERS)
        for _ in range(10):
            user_id = storage.users.create(NewUser()).id
            trading.deposit(user_id, "USDT", Decimal(1000), reference="opening")
            buys = [
                NewOrderFactory.build(
                    user_id=user_id,
                    symbol="BTCUSDT",
                    base_asset="BTC",
                    quote_asset="USDT",
                    side="BUY",
                    type="LIMIT",
                    price="5",
                    quantity="10",
                )
                for _ in range(WORKERS - 1)
            ]
            orders = trading.place_orders(buys)

            def fill(order: Order) -> None:
                trade = NewTradeFactory.build(of=order, user_id=order.user_id, quantity="1", commission="0")
                barrier.wait()
                assert trading.settle_trade(trade).outcome is Outcome.SETTLED

            def deposit(user_id: UUID) -> None:
                barrier.wait()
                trading.deposit(user_id, "BTC", Decimal(1), reference="first")

            fills = [threads.submit(fill, order) for order in orders]
            threads.submit(deposit, user_id).result()
            for each in fills:
                each.result()
            assert not storage.balances.audit(user_id)
            assert storage.balances.get(user_id, "BTC").free == WORKERS
        assert server.deadlocks() == 0
