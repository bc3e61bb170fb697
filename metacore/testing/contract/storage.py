"""The contract of a storage as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from typing import Any

import pytest

from metacore.domain.people.users import NewUser, User, UserPatch
from metacore.errors import ConfigurationError, InvalidDataError, NotFoundError, StorageUnavailableError
from metacore.sync.storage.storage import Storage
from metacore.testing.cases import each_case
from metacore.testing.clock import START
from metacore.testing.contract.base import Backend, Contract, Opening
from metacore.testing.contract.operations import operations_of_storages
from metacore.testing.contract.samples import NOBODY
from metacore.testing.factories import BalanceDeltaFactory, NewOrderFactory, NewUserFactory
from metacore.testing.runners import AsyncRunner, Runner


def _begin(storage: Storage) -> None:
    with storage.transaction() as tx:
        tx.users.get(NOBODY)


OPERATIONS: dict[str, Callable[[Storage], object]] = {
    **operations_of_storages(),
    "transaction": _begin,
    "run": lambda storage: storage.run(lambda tx: tx.users.list()),
    "ping": lambda storage: storage.ping(),
}
"""Every operation of a storage, on what does not exist."""

every_operation = each_case("operation", OPERATIONS)


class StorageContract(Contract):
    """Of `metacore.storage.storage.Storage`, without its transactions."""

    def test_ping_returns_if_it_answers(self, storage: Storage) -> None:
        assert storage.ping() is None

    def test_what_is_no_connection_in_a_transaction_cannot_be_bound(self, storage: Storage) -> None:
        nothing: Any = "postgresql://"
        with pytest.raises((ConfigurationError, InvalidDataError)):
            storage.bind(nothing)

    def test_now_is_the_time_of_its_clock(self, storage: Storage, clock: Any) -> None:
        assert storage.now() == START
        clock.advance(microseconds=1)
        assert storage.now() == START + timedelta(microseconds=1)

    def test_times_are_in_utc_whatever_the_clock_tells(self, backend: Backend, runner: Runner) -> None:
        tokyo = datetime(2026, 2, 1, 8, 59, 59, 999999, tzinfo=timezone(timedelta(hours=9)))
        backend.clear()
        with runner.opened(backend.connect(clock=lambda: tokyo)) as storage:
            user = storage.users.create(NewUserFactory.build())
            assert storage.now() == user.created_at == storage.users.get(user.id).created_at == tokyo
            assert storage.now().tzinfo is user.created_at.tzinfo is UTC
            assert storage.users.get(user.id).created_at.utcoffset() == timedelta(0)

    @each_case("reading", [START.replace(tzinfo=None), 1.5, None, "2026-02-01"])
    def test_a_clock_that_tells_no_time_is_refused_and_nothing_stored(
        self, backend: Backend, runner: Runner, reading: Any
    ) -> None:
        backend.clear()
        with runner.opened(backend.connect(clock=lambda: reading)) as storage:
            with pytest.raises(ConfigurationError) as caught:
                storage.users.create(NewUserFactory.build())
            assert caught.value.setting == "clock"
            assert storage.users.list().items == ()

    def test_without_a_clock_it_is_now(self, backend: Backend, runner: Runner) -> None:
        backend.clear()
        with runner.opened(backend.connect()) as storage:
            before = datetime.now(UTC)
            user = storage.users.create(NewUserFactory.build())
            assert before <= user.created_at <= datetime.now(UTC)
            assert storage.users.get(user.id) == user

    def test_it_may_be_shared_by_all_tasks_or_threads(self, storage: Storage, runner: Runner) -> None:
        def work() -> User:
            user = storage.users.create(NewUserFactory.build())
            for _ in range(5):
                storage.balances.apply([BalanceDeltaFactory.build(user_id=user.id)])
                with storage.transaction() as tx:
                    tx.orders.create(NewOrderFactory.build(user_id=user.id))
                user = storage.users.update(user.id, UserPatch(is_active=not user.is_active))
            return user

        users = [user for user in runner.together(*[work] * 12) if isinstance(user, User)]
        assert len(users) == 12
        assert [storage.users.get(user.id) for user in users] == users
        assert {len(storage.orders.list(user.id).items) for user in users} == {5}
        assert {storage.balances.get(user.id, "USDT").free for user in users} == {5000}

    def test_an_operation_waits_for_a_connection_when_all_are_in_use(
        self, open_storage: Opening, runner: Runner
    ) -> None:
        storage = open_storage(pool_max_size=2)
        users = [storage.users.create(NewUserFactory.build()) for _ in range(3)]

        def read() -> int:
            with storage.transaction() as tx:
                return len([tx.users.get(user.id) for user in users * 5])

        assert runner.together(*[read] * 10) == [15] * 10

    @every_operation
    def test_before_it_is_opened_every_operation_raises(
        self, backend: Backend, runner: Runner, operation: Callable[[Storage], object]
    ) -> None:
        with pytest.raises(StorageUnavailableError):
            operation(runner.blocking(backend.connect()))

    def test_once_closed_every_operation_raises(self, open_storage: Opening) -> None:
        storage = open_storage()
        storage.close()
        for operation in OPERATIONS.values():
            with pytest.raises(StorageUnavailableError):
                operation(storage)

    def test_closing_again_does_nothing(self, open_storage: Opening, backend: Backend, runner: Runner) -> None:
        storage = open_storage()
        storage.close()
        storage.close()
        runner.blocking(backend.connect()).close()

    def test_it_opens_once(self, open_storage: Opening) -> None:
        storage = open_storage()
        with pytest.raises(StorageUnavailableError):
            storage.open()
        assert storage.users.list().items == ()
        storage.close()
        with pytest.raises(StorageUnavailableError):
            storage.open()

    def test_it_opens_and_closes_without_a_block(self, backend: Backend, runner: Runner) -> None:
        storage = runner.blocking(backend.connect())
        try:
            assert storage.open() is storage
            storage.users.list()
        finally:
            storage.close()
        with pytest.raises(StorageUnavailableError):
            storage.users.list()

    def test_leaving_its_block_closes_it_and_passes_an_error_on(self, backend: Backend, runner: Runner) -> None:
        with pytest.raises(KeyError), runner.opened(backend.connect()) as storage:
            raise KeyError
        with pytest.raises(StorageUnavailableError):
            storage.users.list()

    def test_a_transaction_open_at_the_close_stores_nothing(self, open_storage: Opening, runner: Runner) -> None:
        storage = open_storage()
        user = storage.users.create(NewUserFactory.build())
        with pytest.raises(StorageUnavailableError), storage.transaction() as tx:
            tx.users.update(user.id, UserPatch(username="lost"))
            storage.close()
            tx.users.get(user.id)

    def test_after_a_fork_every_operation_raises(self, storage: Storage, runner: Runner) -> None:
        storage.users.list()
        for name in ("users.create", "orders.get", "balances.apply", "trades.stream", "transaction", "run", "ping"):
            assert runner.forked(partial(OPERATIONS[name], storage)) == "StorageClosedError", name
        assert storage.users.list().items == ()

    def test_closing_it_in_a_fork_leaves_it_open_where_it_was_opened(
        self, open_storage: Opening, runner: Runner
    ) -> None:
        storage = open_storage(pool_max_size=1)
        user = storage.users.create(NewUserFactory.build())
        with storage.transaction() as tx:
            tx.users.update(user.id, UserPatch(username="kept"))
            assert runner.forked(storage.close) == ""
        assert storage.users.get(user.id).username == "kept"

    def test_the_with_of_the_other_world_is_refused(self, backend: Backend, runner: Runner) -> None:
        with pytest.raises(TypeError):
            runner.enter_wrongly(backend.connect())

    def test_what_does_not_exist_is_named(self, storage: Storage) -> None:
        with pytest.raises(NotFoundError) as caught:
            storage.users.get(NOBODY)
        assert (caught.value.entity, caught.value.key) == ("user", NOBODY)

    def test_models_are_made_with_ids_of_their_own(self, storage: Storage) -> None:
        ids = [NewUser().id for _ in range(1000)]
        assert ids == sorted(set(ids))
        assert {made.version for made in ids} == {7}


class EventLoopContract(Contract):
    """Of asynchronous storages alone; on a blocking one its tests are skipped, and say so."""

    @pytest.fixture(autouse=True)
    def _needs_event_loop(self, runner: Runner) -> None:
        if not runner.has_event_loop:
            pytest.skip("a blocking storage lives in no event loop")

    @pytest.fixture
    def elsewhere(self) -> Iterator[AsyncRunner]:
        """Another event loop."""
        with closing(AsyncRunner()) as runner:
            yield runner

    @every_operation
    def test_in_another_event_loop_every_operation_raises(
        self, storage: Storage, elsewhere: AsyncRunner, operation: Callable[[Storage], object]
    ) -> None:
        storage.users.list()
        with pytest.raises(StorageUnavailableError):
            operation(elsewhere.blocking(storage))
        assert storage.users.list().items == ()
