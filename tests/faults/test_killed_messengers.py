"""Relays and consumers killed while facts are committed. METACORE_KILLS=60 makes a long run of the short one."""

import os
import random
import threading
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path

from metacore.domain.messages.feed import balance_key
from metacore.sync import NewUser, Storage, TradingService, connect
from metacore.testing.loop_threads import PATIENCE

from .messengers import CONSUMER, CONSUMERS, GAPS, TOPIC, Messengers

KILLS = int(os.environ.get("METACORE_KILLS", "0"))
RELAYS, WRITERS, ASSETS = 2, 2, ("BTC", "MX", "USDT")


class Writer(threading.Thread):
    """Commits facts of one user until it is told to stop, and counts them."""

    def __init__(self, storage: Storage, stop: threading.Event) -> None:
        super().__init__()
        self.user_id = storage.users.create(NewUser()).id
        self.facts: Counter[str] = Counter()
        self._trading = TradingService(storage, feed=TOPIC)
        self._stop_event = stop

    def run(self) -> None:
        for number in range(10**6):
            asset = ASSETS[number % len(ASSETS)]
            self._trading.deposit(self.user_id, asset, Decimal(1), reference=str(number))
            self.facts[asset.lower()] += 1
            if self._stop_event.wait(0.005):
                return


def test_each_fact_has_its_effect_once_whoever_is_killed(
    clear_database: object, metacore_database_url: str, tmp_path: Path
) -> None:
    chance, stop = random.Random(KILLS), threading.Event()
    roles = [f"relay {number}" for number in range(RELAYS)] + [f"consumer {number}" for number in range(CONSUMERS)]
    with connect(metacore_database_url) as storage, Messengers(metacore_database_url, tmp_path) as messengers:
        writers = [Writer(storage, stop) for _ in range(WRITERS)]
        for role in roles:
            messengers.start(role)
        for writer in writers:
            writer.start()
        for _ in range(KILLS or 6):
            time.sleep(1 if KILLS else chance.uniform(0.1, 0.5))
            role = chance.choice(roles)
            messengers.kill(role)
            messengers.start(role)
        stop.set()
        for writer in writers:
            writer.join()
        deadline = time.monotonic() + PATIENCE
        while (lag := storage.outbox.lag(TOPIC)).events:
            assert time.monotonic() < deadline, lag
            time.sleep(0.05)
        assert not (tmp_path / GAPS).exists(), (tmp_path / GAPS).read_text()
        assert storage.dead_letters.count() == 0
        for writer in writers:
            assert storage.portfolios.get(writer.user_id).holdings == writer.facts
            for asset in ASSETS:
                key, facts = balance_key(writer.user_id, asset), writer.facts[asset.lower()]
                assert storage.inbox.accept(CONSUMER, TOPIC, key, facts + 2).expected == facts + 1
        print(f"{sum(sum(writer.facts.values()) for writer in writers)} facts over {KILLS or 6} kills")
