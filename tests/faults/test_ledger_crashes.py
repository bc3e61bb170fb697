"""PostgreSQL killed while many users reserve, post, void, expire and hand over: no unit is lost, made, or moved twice.

METACORE_CRASHES=10 makes a long run of the short one.
"""

import os
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from metacore.errors import OutcomeUnknownError, RetryableError, StorageUnavailableError
from metacore.ids import new_id
from metacore.postgres import EmbeddedPostgres, SchemaDeployer
from metacore.sync import (
    LedgerService,
    NewReservation,
    NewUser,
    ReservationState,
    Storage,
    TradingService,
    connect,
)

CRASHES = int(os.environ.get("METACORE_CRASHES", "2"))
USERS, WORKERS = 6, 6
ASSETS = ("USD", "SHIRT", "MUG")
OPENING = 100_000
PAST = "2020-01-01T00:00:00Z"


class Worker(threading.Thread):
    """Moves amounts between users until it is told to stop, and notes what was acknowledged."""

    def __init__(self, storage: Storage, users: list[UUID], seed: int, stop: threading.Event) -> None:
        super().__init__()
        self.ledger, self.users, self.stop = LedgerService(storage), users, stop
        self.chance = random.Random(seed)
        self.moved: Counter[tuple[UUID, str]] = Counter()
        """What each balance gained, in all."""
        self.left: Counter[str] = Counter()
        """What was posted to nobody."""
        self.states: dict[tuple[UUID, UUID], ReservationState] = {}
        self.calls = 0
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            while not self.stop.is_set():
                self.chance.choice((self.hand_over, self.reserve, self.sweep))()
        except BaseException as error:  # noqa: BLE001 - the main thread raises it
            self.error = error

    def hand_over(self) -> None:
        giver, taker = self.chance.sample(self.users, 2)
        asset, amount, reference = self.chance.choice(ASSETS), self.chance.randint(1, 5), new_id().hex
        self.acknowledged(lambda: self.ledger.transfer(giver, taker, asset, Decimal(amount), reference))
        self.move(giver, taker, asset, amount)

    def reserve(self) -> None:
        owners = self.chance.sample(self.users, 2)
        due = self.chance.choice((None, PAST))
        made = [
            NewReservation(user_id=owner, asset=asset, amount=3, reference=new_id().hex, expires_at=due)
            for owner in owners
            for asset in self.chance.sample(ASSETS, 2)
        ]
        self.acknowledged(lambda: self.ledger.reserve_all(made))
        if due is not None:
            self.states |= {reservation.key: ReservationState.EXPIRED for reservation in made}
            return
        for reservation in made:
            self.resolve(reservation)

    def resolve(self, reservation: NewReservation) -> None:
        key, owner, asset = reservation.key, reservation.user_id, reservation.asset
        way = self.chance.choice(("post", "hand over", "void", "leave"))
        if way == "post":
            self.acknowledged(lambda: self.ledger.post(*key, Decimal(2)))
            self.moved[owner, asset] -= 2
            self.left[asset] += 2
        elif way == "hand over":
            taker = self.chance.choice([user for user in self.users if user != owner])
            self.acknowledged(lambda: self.ledger.post(*key, to=taker))
            self.move(owner, taker, asset, 3)
        elif way == "void":
            self.acknowledged(lambda: self.ledger.void(*key))
        ends = {"void": ReservationState.VOIDED, "leave": ReservationState.PENDING}
        self.states[key] = ends.get(way, ReservationState.POSTED)

    def sweep(self) -> None:
        self.acknowledged(self.ledger.expire_due)

    def move(self, giver: UUID, taker: UUID, asset: str, amount: int) -> None:
        self.moved[giver, asset] -= amount
        self.moved[taker, asset] += amount

    def acknowledged(self, call: Callable[[], Any]) -> None:
        """Call it again and again until it answers."""
        while True:
            try:
                call()
            except (OutcomeUnknownError, StorageUnavailableError, RetryableError):
                time.sleep(0.02)
            else:
                self.calls += 1
                return


def test_the_sum_of_all_users_is_what_it_was_less_what_was_posted_away(
    work_through_crashes: Callable[..., None],
) -> None:
    chance = random.Random(CRASHES)
    with tempfile.TemporaryDirectory() as directory, EmbeddedPostgres(Path(directory) / "data") as server:
        SchemaDeployer(server.url).deploy()
        with connect(server.url) as storage:
            users = [storage.users.create(NewUser()).id for _ in range(USERS)]
            for user in users:
                for asset in ASSETS:
                    TradingService(storage).deposit(user, asset, Decimal(OPENING), reference=asset)
            stop = threading.Event()
            workers = [Worker(storage, users, seed, stop) for seed in range(WORKERS)]
            work_through_crashes(server, storage, workers, stop, [chance.uniform(0.4, 0.7) for _ in range(CRASHES)])
            while LedgerService(storage).expire_due():
                """Until none is left."""
            moved, left = Counter[tuple[UUID, str]](), Counter[str]()
            for worker in workers:
                moved.update(worker.moved)
                left.update(worker.left)
            states = {key: state for worker in workers for key, state in worker.states.items()}
            stored = {row.key: row for user in users for row in storage.reservations.stream(user)}
            assert {key: row.state for key, row in stored.items()} == states
            totals = Counter[str]()
            for user in users:
                assert not storage.balances.audit(user)
                for balance in storage.balances.list(user):
                    pending = [row for row in stored.values() if row.is_pending and row.balance_key == balance.key]
                    assert balance.locked == sum(row.amount for row in pending)
                    assert balance.total == OPENING + moved[balance.key]
                    totals[balance.asset] += int(balance.total)
            assert totals == {asset: OPENING * USERS - left[asset] for asset in ASSETS}
            assert set(states.values()) == set(ReservationState)
            print(f"{sum(worker.calls for worker in workers)} calls, {len(states)} reservations, {CRASHES} crashes")
