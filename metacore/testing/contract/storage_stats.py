"""The contract of what a storage counts."""

from __future__ import annotations

from decimal import Decimal

import pytest

from metacore.domain.people.users import UserPatch
from metacore.domain.trading.decisions import Changes, Selection
from metacore.errors import AlreadyExistsError, InvalidDataError, LockTimeoutError, NotFoundError, RetryableError
from metacore.sync.storage.storage import Transaction
from metacore.testing.contract.base import Contract, Opening
from metacore.testing.contract.samples import NOBODY
from metacore.testing.contract.storage import OPERATIONS
from metacore.testing.factories import BalanceDeltaFactory, NewOrderFactory, NewTradeFactory, NewUserFactory


class StatsContract(Contract):
    """Of `Storage.stats`."""

    def test_stats_count_operations_by_name(self, open_storage: Opening) -> None:
        storage = open_storage()
        user = storage.users.create(NewUserFactory.build())
        order = storage.orders.create(NewOrderFactory.build(user_id=user.id))
        for _ in range(3):
            storage.users.get(user.id)
            storage.orders.get(*order.key)
        storage.balances.put(user.id, "USDT", Decimal(1), Decimal(0))
        with storage.transaction() as tx:
            tx.users.get(user.id)
        counted = {"users.create": 1, "orders.create": 1, "users.get": 4, "orders.get": 3, "balances.put": 1}
        assert storage.stats().operations.items() >= counted.items()

    def test_stats_count_errors_by_name(self, open_storage: Opening) -> None:
        storage = open_storage()
        user = storage.users.create(NewUserFactory.build())
        for _ in range(2):
            with pytest.raises(AlreadyExistsError):
                storage.users.create(NewUserFactory.build(id=user.id))
        storage.users.get(user.id)
        assert storage.stats().errors == {"users.create": 2}

    def test_stats_count_each_call_once_and_each_that_raises(self, open_storage: Opening) -> None:
        storage = open_storage()
        called = [name for name in OPERATIONS if name not in ("transaction", "run")]
        raised = []
        for name in called:
            try:
                OPERATIONS[name](storage)
            except NotFoundError:
                raised.append(name)
        assert storage.stats().operations == dict.fromkeys(called, 1)
        assert storage.stats().errors == dict.fromkeys(raised, 1)
        assert {"orders.get", "orders.create_many", "balances.apply"} < set(raised)

    def test_stats_count_alike_in_transactions_and_what_is_refused_before_it_is_asked(
        self, open_storage: Opening
    ) -> None:
        storage = open_storage()
        user = storage.users.create(NewUserFactory.build())
        with storage.transaction() as tx:
            tx.users.update(user.id, UserPatch())
            tx.trades.create_many(NewTradeFactory.build(user_id=user.id) for _ in range(3))
            assert len(list(tx.trades.stream(user.id))) == 3
            tx.load(Selection(users=frozenset([user.id])))
            tx.save(Changes(balance_deltas=(BalanceDeltaFactory.build(user_id=user.id),)))
            with pytest.raises(InvalidDataError):
                tx.trades.list(user.id, limit=0)
        names = ("users.create", "users.update", "trades.create_many", "trades.stream", "load", "save", "trades.list")
        assert storage.stats().operations == dict.fromkeys(names, 1)
        assert storage.stats().errors == {"trades.list": 1}

    def test_stats_tell_how_long_what_they_count_took(self, open_storage: Opening) -> None:
        storage = open_storage()
        user = storage.users.create(NewUserFactory.build())
        for _ in range(3):
            storage.users.get(user.id)
        with pytest.raises(NotFoundError):
            storage.users.get(NOBODY)
        latencies = storage.stats().latencies
        assert {name: latency.count for name, latency in latencies.items()} == storage.stats().operations
        assert 0 < latencies["users.get"].longest < latencies["users.get"].total < 60

    def test_stats_count_what_run_tries_again(self, open_storage: Opening) -> None:
        storage = open_storage()
        errors: list[Exception] = [RetryableError("once"), LockTimeoutError("and again")]

        def fail(_: Transaction) -> str:
            if errors:
                raise errors.pop()
            return "done"

        assert storage.run(fail) == "done"
        assert storage.stats().retries == {"RetryableError": 1, "LockTimeoutError": 1}

    def test_stats_have_the_figures_of_a_pool_or_none(self, open_storage: Opening) -> None:
        storage = open_storage(pool_min_size=1, pool_max_size=1)
        storage.users.list()
        pool = storage.stats().pool
        assert pool is None or (pool["pool_size"], pool["pool_max"]) == (1, 1)
