"""The contract of functions run in a transaction."""

from __future__ import annotations

from decimal import Decimal
from threading import Event

import pytest

from metacore.domain.people.users import User, UserPatch
from metacore.domain.trading.decisions import Selection
from metacore.errors import (
    LockTimeoutError,
    RetryableError,
)
from metacore.sync.services.trading import TradingService
from metacore.sync.storage.storage import Storage, Transaction
from metacore.testing.contract.base import Contract, Opening
from metacore.testing.contract.transactions import SomeError
from metacore.testing.factories import (
    BalanceDeltaFactory,
    NewUserFactory,
)
from metacore.testing.loop_threads import PATIENCE
from metacore.testing.runners import Runner

ONE, ZERO = Decimal(1), Decimal(0)


class RunContract(Contract):
    """Of `Storages.run`, and of services that run in a transaction."""

    def test_run_gives_what_the_function_returns_and_commits(self, storage: Storage, user: User) -> None:
        updated = storage.run(lambda tx: tx.users.update(user.id, UserPatch(username="run")))
        assert updated.username == "run"
        assert storage.users.get(user.id) == updated

    def test_run_stores_nothing_on_an_error_and_passes_it_on(self, storage: Storage, user: User) -> None:
        error, calls = SomeError(), []

        def fail(tx: Transaction) -> None:
            calls.append(tx.users.update(user.id, UserPatch(username="lost")))
            raise error

        with pytest.raises(SomeError) as caught:
            storage.run(fail)
        assert caught.value is error
        assert len(calls) == 1
        assert storage.users.get(user.id) == user

    @pytest.mark.parametrize("error", [RetryableError("again"), LockTimeoutError("again")], ids=repr)
    def test_run_calls_again_in_a_new_transaction_on_a_retryable_error(
        self, storage: Storage, user: User, error: RetryableError
    ) -> None:
        seen = []

        def flaky(tx: Transaction) -> str:
            seen.append(tx.users.get(user.id).version)
            tx.users.update(user.id, UserPatch(username="run"))
            if len(seen) < 3:
                raise error
            return "done"

        assert storage.run(flaky) == "done"
        assert seen == [1, 1, 1]
        assert storage.users.get(user.id).version == 2

    @pytest.mark.parametrize("attempts", [1, 2, 3])
    def test_run_calls_as_often_as_attempts_say_and_raises_the_last_error(
        self, storage: Storage, user: User, attempts: int
    ) -> None:
        errors: list[RetryableError] = []

        def fail(tx: Transaction) -> None:
            tx.users.update(user.id, UserPatch(username="lost"))
            errors.append(RetryableError(f"attempt {len(errors)}"))
            raise errors[-1]

        with pytest.raises(RetryableError) as caught:
            storage.run(fail, attempts=attempts)
        assert len(errors) == attempts
        assert caught.value is errors[-1]
        assert storage.users.get(user.id) == user

    def test_run_on_a_transaction_calls_once_in_a_savepoint(self, storage: Storage, user: User) -> None:
        calls = []

        def fail(tx: Transaction) -> None:
            calls.append(tx.users.update(user.id, UserPatch(username="lost")))
            raise RetryableError("again")

        with storage.transaction() as tx:
            with pytest.raises(RetryableError):
                tx.run(fail)
            assert len(calls) == 1
            assert tx.users.get(user.id) == user
            assert tx.run(lambda inner: inner.users.update(user.id, UserPatch(username="run"))).version == 2
            assert storage.users.get(user.id) == user
        assert storage.users.get(user.id).username == "run"

    def test_only_the_outermost_run_calls_again(self, storage: Storage, user: User) -> None:
        outer, inner = [], []

        def fail(tx: Transaction) -> None:
            inner.append(tx)
            raise RetryableError("again")

        def call(tx: Transaction) -> None:
            outer.append(tx)
            tx.run(fail)

        with pytest.raises(RetryableError):
            storage.run(call, attempts=2)
        assert (len(outer), len(inner)) == (2, 2)

    def test_run_outlasts_a_lock(self, open_storage: Opening, runner: Runner) -> None:
        storage = open_storage(lock_timeout=0.05)
        user = storage.users.create(NewUserFactory.build())
        storage.balances.put(user.id, "USDT", ONE, ZERO)
        locked, refused = Event(), Event()

        def hold() -> None:
            with storage.transaction() as tx:
                tx.balances.get_many([(user.id, "USDT")], for_update=True)
                locked.set()
                assert refused.wait(PATIENCE)

        def insist(tx: Transaction) -> None:
            try:
                tx.balances.apply([BalanceDeltaFactory.build(user_id=user.id, delta_free=ONE)])
            except LockTimeoutError:
                refused.set()
                raise

        def wait_and_insist() -> None:
            assert locked.wait(PATIENCE)
            storage.run(insist, attempts=50)

        assert runner.together(hold, wait_and_insist) == [None, None]
        assert storage.balances.get(user.id, "USDT").free == 2

    @pytest.mark.parametrize("name", ["TradingService", "AccountService"])
    def test_a_service_waits_for_a_lock_once(self, open_storage: Opening, runner: Runner, name: str) -> None:
        storage = open_storage(lock_timeout=0.05)
        user = storage.users.create(NewUserFactory.build())
        is_held, tried = Event(), Event()

        def hold() -> None:
            with storage.transaction() as tx:
                tx.load(Selection(users=frozenset({user.id}), exclusive_users=True))
                is_held.set()
                assert tried.wait(PATIENCE)

        def call() -> None:
            service = runner.service(name, storage)
            assert is_held.wait(PATIENCE)
            try:
                if name == "TradingService":
                    service.deposit(user.id, "USDT", ONE, "waits")
                else:
                    service.grant_permissions(user.id, ["waits"])
            finally:
                tried.set()

        held, error = runner.together(hold, call)
        assert held is None
        assert isinstance(error, LockTimeoutError)
        assert storage.stats().operations["load"] == 2

    def test_run_calls_a_service_within_it_again(self, open_storage: Opening, runner: Runner) -> None:
        storage = open_storage(lock_timeout=0.05)
        user = storage.users.create(NewUserFactory.build())
        is_held, refused = Event(), Event()

        def hold() -> None:
            with storage.transaction() as tx:
                tx.load(Selection(users=frozenset({user.id}), exclusive_users=True))
                is_held.set()
                assert refused.wait(PATIENCE)

        def insist(tx: Transaction) -> None:
            trading: TradingService = runner.service("TradingService", tx)
            try:
                trading.deposit(user.id, "USDT", ONE, "insists")
            except LockTimeoutError:
                refused.set()
                raise

        def wait_and_insist() -> None:
            assert is_held.wait(PATIENCE)
            storage.run(insist, attempts=50)

        assert runner.together(hold, wait_and_insist) == [None, None]
        assert storage.balances.get(user.id, "USDT").free == 1
