"""Who waits to have a user alone is not overtaken for ever by those who share it, nor they by him."""

import itertools
import random
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from threading import Event
from uuid import UUID, uuid4

import pytest

from metacore.domain.trading.decisions import Changes, Selection
from metacore.errors import InsufficientFundsError, NotFoundError
from metacore.postgres.storages.turns import MOST_USERS, turn_key
from metacore.sync import AccountBalance, AccountSnapshot, NewUser, Storage
from metacore.testing.factories import BalanceDeltaFactory, NewOrderFactory, NewTradeFactory
from metacore.testing.loop_threads import PATIENCE

LOCK_TIMEOUT = 3
"""Far more than a turn takes on a busy machine, and less than who is overtaken would wait."""

SYNCS, PLACERS = 8, 4

ADVISORY_LOCKS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted"
"""How many locks with a key of 64 bits are held: locks of another kind are those of an extension."""

Work = Callable[[Storage, UUID], object]


def snapshot(total=Decimal(10**9)):
    balances = (AccountBalance(asset="USDT", free=total, locked=Decimal(0)),)
    return AccountSnapshot(taken_at=datetime.now(UTC), balances=balances)


def account(storage, trading):
    user_id = storage.users.create(NewUser()).id
    trading.deposit(user_id, "USDT", Decimal(10**9), reference="opening")
    return user_id


SHARING: dict[str, Work] = {
    "load": lambda tx, user_id: tx.load(Selection(users=frozenset({user_id}))),
    "save": lambda tx, user_id: tx.save(Changes(balance_deltas=(BalanceDeltaFactory.build(user_id=user_id),))),
    "balances.apply": lambda tx, user_id: tx.balances.apply([BalanceDeltaFactory.build(user_id=user_id)]),
    "balances.put": lambda tx, user_id: tx.balances.put(user_id, "BTC", Decimal(2), Decimal(0)),
    "orders.create": lambda tx, user_id: tx.orders.create(NewOrderFactory.build(user_id=user_id)),
    "trades.create": lambda tx, user_id: tx.trades.create(NewTradeFactory.build(user_id=user_id)),
}
ALONE: dict[str, Work] = {
    "load": lambda tx, user_id: tx.load(Selection(users=frozenset({user_id}), exclusive_users=True)),
    "users.delete": lambda tx, user_id: tx.users.delete(user_id),
}


@pytest.mark.parametrize("sharing", SHARING)
@pytest.mark.parametrize("alone", ALONE)
def test_nobody_passes_by_who_waits_to_have_a_user_alone(open_storage, runner, server, sharing, alone):
    with open_storage(pool_max_size=3, lock_timeout=60) as storage:
        user_id = storage.users.create(NewUser()).id
        is_held, is_queued, order = Event(), Event(), []

        def hold() -> None:
            with storage.transaction() as tx:
                tx.load(Selection(users=frozenset({user_id})))
                is_held.set()
                server.wait_until_waiting(1)
                is_queued.set()
                server.wait_until_waiting(2)

        def wait() -> None:
            assert is_held.wait(PATIENCE)
            with storage.transaction() as tx:
                ALONE[alone](tx, user_id)
                order.append("alone")

        def share() -> None:
            assert is_queued.wait(PATIENCE)
            try:
                with storage.transaction() as tx:
                    SHARING[sharing](tx, user_id)
            except NotFoundError:
                """It was deleted."""
            finally:
                order.append("shared")

        runner.together(hold, wait, share)
        assert order == ["alone", "shared"]


def test_sync_account_comes_through_among_placements(open_storage, runner):
    with open_storage(pool_max_size=PLACERS + 1, lock_timeout=LOCK_TIMEOUT) as storage:
        trading, over = runner.service("TradingService", storage), Event()
        user_id = account(storage, trading)

        def place() -> int:
            number = 0
            while not over.is_set():
                trading.place_order(NewOrderFactory.build(user_id=user_id))
                number += 1
            return number

        def sync() -> int:
            try:
                for _ in range(SYNCS):
                    assert trading.sync_account(user_id, snapshot()).outcome == "APPLIED"
            finally:
                over.set()
            return SYNCS

        *placed, synced = runner.together(*[place] * PLACERS, sync)
        assert synced == SYNCS
        assert all(placed)
        assert not storage.balances.audit(user_id)


def test_placements_come_through_among_repeated_sync_account(open_storage, runner):
    with open_storage(pool_max_size=3, lock_timeout=LOCK_TIMEOUT) as storage:
        trading, over = runner.service("TradingService", storage), Event()
        user_id = account(storage, trading)

        def sync() -> int:
            number = 0
            while not over.is_set():
                trading.sync_account(user_id, snapshot())
                number += 1
            return number

        def place() -> int:
            try:
                for _ in range(SYNCS):
                    trading.place_order(NewOrderFactory.build(user_id=user_id))
            finally:
                over.set()
            return SYNCS

        *synced, placed = runner.together(sync, sync, place)
        assert placed == SYNCS
        assert all(synced)


def test_a_transaction_that_holds_locks_does_not_queue(open_storage, runner, server):
    with open_storage(pool_max_size=2, lock_timeout=60) as storage:
        trading = runner.service("TradingService", storage)
        user_id, other_id = account(storage, trading), account(storage, trading)
        is_held = Event()

        def work() -> int:
            with storage.transaction() as tx:
                within = runner.service("TradingService", tx)
                within.place_order(NewOrderFactory.build(user_id=user_id))
                is_held.set()
                server.wait_until_waiting(1)
                # Behind the one who waits, it would wait for itself.
                within.place_order(NewOrderFactory.build(user_id=user_id))
                tx.orders.create(NewOrderFactory.build(user_id=user_id))
                within.sync_account(user_id, snapshot())
                within.place_order(NewOrderFactory.build(user_id=other_id))
                return server.tells(ADVISORY_LOCKS)

        def sync() -> object:
            assert is_held.wait(PATIENCE)
            return trading.sync_account(user_id, snapshot()).outcome

        assert runner.together(work, sync) == [1, "STALE"]
        assert server.deadlocks() == 0
        assert not storage.balances.audit(user_id)


def test_a_savepoint_that_is_undone_gives_back_its_place(open_storage, runner, server):
    with open_storage() as storage:
        trading = runner.service("TradingService", storage)
        user_id, other_id = account(storage, trading), account(storage, trading)
        with storage.transaction() as tx:
            within = runner.service("TradingService", tx)
            with pytest.raises(InsufficientFundsError):
                within.withdraw(user_id, "USDT", Decimal(10**10), reference="too much")
            assert server.tells(ADVISORY_LOCKS) == 0
            within.place_order(NewOrderFactory.build(user_id=other_id))
            assert server.tells(ADVISORY_LOCKS) == 1
            tx.users.get(user_id)
            within.place_order(NewOrderFactory.build(user_id=user_id))
            assert server.tells(ADVISORY_LOCKS) == 1
        assert server.tells(ADVISORY_LOCKS) == 0


def test_as_many_users_as_a_server_has_room_for_queue(open_storage, runner, server):
    with open_storage() as storage:
        users = [storage.users.create(NewUser()).id for _ in range(MOST_USERS + 1)]
        for selected, queued in ((users[:2], 2), (users[:MOST_USERS], MOST_USERS), (users, 0)):
            with storage.transaction() as tx:
                assert len(tx.load(Selection(users=frozenset(selected))).users) == len(selected)
                assert server.tells(ADVISORY_LOCKS) == queued


def test_users_and_schemas_have_keys_of_their_own():
    user_id = uuid4()
    keys = {turn_key(schema, one) for schema in ("metacore", "other") for one in (user_id, uuid4())}
    assert len(keys) == 4
    assert all(-(2**63) <= key < 2**63 for key in keys)
    assert turn_key("metacore", user_id) == turn_key("metacore", user_id)


def test_no_deadlock_in_a_crowd_that_shares_users_and_has_them_alone(open_storage, runner, server):
    workers, seconds, kinds = 8, 1, ["place", "fill", "sync", "many", "own transaction", "short life"]
    with open_storage(pool_max_size=workers, lock_timeout=60) as storage:
        trading = runner.service("TradingService", storage)
        users = [account(storage, trading) for _ in range(4)]
        numbers, until = itertools.count(), time.monotonic() + seconds

        def worker(seed: int) -> Counter[str]:
            chance, done = random.Random(seed), Counter[str]()
            while time.monotonic() < until or len(done) < len(kinds):
                user_id, kind = chance.choice(users), chance.choice(kinds)
                order = NewOrderFactory.build(user_id=user_id)
                if kind == "place":
                    trading.place_order(order)
                elif kind == "fill":
                    placed = trading.place_order(order)
                    fills = [
                        NewTradeFactory.build(
                            of=placed, exchange_trade_id=str(next(numbers)), traded_at=datetime.now(UTC)
                        )
                        for _ in range(2)
                    ]
                    trading.settle_trades(fills)
                elif kind == "sync":
                    trading.sync_account(user_id, snapshot())
                elif kind == "many":
                    with storage.transaction() as tx:
                        chosen = frozenset(chance.sample(users, 3))
                        tx.load(Selection(users=chosen, exclusive_users=chance.random() < 0.5))
                        tx.balances.apply(BalanceDeltaFactory.build(user_id=one, asset="BTC") for one in chosen)
                elif kind == "own transaction":
                    with storage.transaction() as tx:
                        within = runner.service("TradingService", tx)
                        for one in sorted(chance.sample(users, 2)):
                            within.place_order(NewOrderFactory.build(user_id=one))
                else:
                    brief = account(storage, trading)
                    trading.place_orders([order, NewOrderFactory.build(user_id=brief)])
                    storage.users.delete(brief)
                done[kind] += 1
            return done

        done = runner.together(*(lambda seed=seed: worker(seed) for seed in range(workers)))
        assert [one for one in done if not isinstance(one, Counter)] == []
        assert server.deadlocks() == 0
        for user_id in users:
            assert not storage.balances.audit(user_id)
