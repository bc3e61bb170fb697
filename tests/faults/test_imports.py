"""What imports wait for in PostgreSQL, and what they do not."""

from threading import Event

import pytest

from metacore.domain.trading.decisions import Selection
from metacore.domain.values.imports import ImportResult
from metacore.postgres.storages.turns import turn_key
from metacore.sync import NewUser
from metacore.testing.factories import NewOrderFactory, NewTradeFactory
from metacore.testing.loop_threads import PATIENCE

USERS, ROWS, ROUNDS = 8, 5, 10

FREE_USER = "SELECT id FROM metacore.users WHERE id = %s FOR NO KEY UPDATE SKIP LOCKED"


def orders_of(users):
    return [NewOrderFactory.build(user_id=user_id) for user_id in users]


@pytest.mark.parametrize("number", [0, 1, USERS // 2, USERS - 1])
def test_users_are_locked_in_ascending_order(open_storage, runner, server, number):
    with open_storage(lock_timeout=60) as storage:
        users = sorted(storage.users.create(NewUser()).id for _ in range(USERS))
        is_held = Event()

        def hold() -> set:
            with storage.transaction() as tx:
                tx.load(Selection(users=frozenset({users[number]}), exclusive_users=True))
                is_held.set()
                server.wait_until_waiting(1)
                return {user_id for user_id in users if server.tells(FREE_USER, user_id)}

        def store() -> object:
            assert is_held.wait(PATIENCE)
            return storage.orders.create_many(orders_of(users[::-1]))

        free, _ = runner.together(hold, store)
        assert free == set(users[number + 1 :])
        assert len(storage.orders.list(users[0]).items) == 1


def test_imports_of_users_in_different_orders_make_no_deadlock(open_storage, runner, server):
    with open_storage(lock_timeout=60) as storage:
        users = [storage.users.create(NewUser()).id for _ in range(USERS)]
        for _ in range(ROUNDS):
            orders = [order for user_id in users for order in orders_of([user_id] * ROWS)]
            overlapping = orders[ROWS:]
            ways = (orders, overlapping[::-1], overlapping, orders[::-1])
            results = runner.together(
                *(lambda way=way: storage.orders.create_many(way) for way in ways),
                lambda: storage.trades.create_many(NewTradeFactory.build(user_id=user_id) for user_id in users[::-1]),
            )
            assert sum(result.inserted for result in results if isinstance(result, ImportResult)) == len(orders) + USERS
        assert server.deadlocks() == 0


def test_advisory_locks_of_others_do_not_hold_it_up(open_storage, server):
    with open_storage(lock_timeout=5) as storage:
        users = [storage.users.create(NewUser()).id for _ in range(USERS)]
        for user_id in users:
            server.connection.execute("SELECT pg_advisory_lock(%s)", [turn_key("metacore", user_id)])
        server.connection.execute(
            "SELECT pg_advisory_lock(hashtext('metacore.orders'), n) FROM generate_series(0, 1023) n"
        )
        assert storage.orders.create_many(orders_of(users)).inserted == USERS
        with storage.transaction() as tx:
            assert tx.trades.create_many(NewTradeFactory.build(user_id=user_id) for user_id in users).inserted == USERS


def test_it_holds_up_nobody_who_shares_the_user(open_storage, runner):
    with open_storage(lock_timeout=5) as storage:
        user_id = storage.users.create(NewUser()).id
        storage.balances.put(user_id, "USDT", 10**6, 0)
        with storage.transaction() as tx:
            tx.orders.create_many(orders_of([user_id]))
            placed = runner.service("TradingService", storage).place_order(NewOrderFactory.build(user_id=user_id))
            assert storage.orders.create(NewOrderFactory.build(user_id=user_id))
        assert len(storage.orders.list(user_id).items) == 3
        assert storage.orders.get(user_id, placed.id) == placed
