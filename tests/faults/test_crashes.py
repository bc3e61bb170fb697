"""PostgreSQL killed in mid-settlement. METACORE_CRASHES=10 makes a long run of the short one."""

import os
import random
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from metacore.domain.trading.reports import Outcome
from metacore.errors import OutcomeUnknownError, RetryableError, StorageUnavailableError
from metacore.postgres import EmbeddedPostgres, SchemaDeployer
from metacore.sync import NewTrade, NewUser, Storage, TradeState, TradingService, connect
from metacore.testing.factories import NewOrderFactory

CRASHES = int(os.environ.get("METACORE_CRASHES", "3"))
WORKERS = 4


class Worker(threading.Thread):
    """Sends fills of one order until it is told to stop, each again and again until it is acknowledged."""

    def __init__(self, storage: Storage, stop: threading.Event) -> None:
        super().__init__()
        self.storage, self.stop = storage, stop
        self.trading = TradingService(storage)
        self.user_id = storage.users.create(NewUser()).id
        self.trading.deposit(self.user_id, "USDT", Decimal(1_000_000), reference="opening")
        order = NewOrderFactory.build(
            user_id=self.user_id,
            symbol="BTCUSDT",
            base_asset="BTC",
            quote_asset="USDT",
            side="BUY",
            type="LIMIT",
            price="1",
            quantity="1000000",
        )
        self.order_id = self.trading.place_order(order).id
        self.acknowledged: list[NewTrade] = []
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            while not self.stop.is_set():
                self.settle(len(self.acknowledged))
        except BaseException as error:  # noqa: BLE001 - the main thread raises it
            self.error = error

    def settle(self, number: int) -> None:
        trade = NewTrade(
            user_id=self.user_id,
            order_id=self.order_id,
            exchange_trade_id=str(number),
            symbol="BTCUSDT",
            side="BUY",
            price="1",
            quantity="1",
            commission="0.001",
            commission_asset="BTC",
            traded_at=datetime.now(UTC),
        )
        while True:
            try:
                outcome = self.trading.settle_trade(trade).outcome
            except (OutcomeUnknownError, StorageUnavailableError, RetryableError):
                time.sleep(0.02)
            else:
                assert outcome in (Outcome.SETTLED, Outcome.DUPLICATE)
                self.acknowledged.append(trade)
                return


def test_no_acknowledged_trade_is_lost_and_none_is_applied_twice(work_through_crashes: Callable[..., None]) -> None:
    chance = random.Random(CRASHES)
    with tempfile.TemporaryDirectory() as directory, EmbeddedPostgres(Path(directory) / "data") as server:
        SchemaDeployer(server.url).deploy()
        with connect(server.url) as storage:
            stop = threading.Event()
            workers = [Worker(storage, stop) for _ in range(WORKERS)]
            work_through_crashes(server, storage, workers, stop, [chance.uniform(0.2, 0.5) for _ in range(CRASHES)])
            for worker in workers:
                stored = list(storage.trades.stream(worker.user_id))
                assert {trade.state for trade in stored} == {TradeState.SETTLED}
                assert sorted(trade.exchange_trade_id for trade in stored) == sorted(
                    trade.exchange_trade_id for trade in worker.acknowledged
                )
                order = storage.orders.get(worker.user_id, worker.order_id)
                assert order.settled_quantity == len(worker.acknowledged)
                assert storage.balances.get(worker.user_id, "BTC").free == len(worker.acknowledged) * Decimal("0.999")
                assert not storage.balances.audit(worker.user_id)
            print(f"{sum(len(w.acknowledged) for w in workers)} trades acknowledged over {CRASHES} crashes")
