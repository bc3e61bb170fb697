"""The contract of the last operation of a transaction, which ends it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from metacore.domain.people.users import User
from metacore.domain.trading.balances import Balance, BalanceDelta, BalanceKey
from metacore.domain.trading.decisions import Changes
from metacore.errors import NotFoundError, TransactionAbortedError
from metacore.sync.storage.storage import Storage, Storages, Transaction
from metacore.testing.contract.base import Contract
from metacore.testing.contract.samples import NOBODY
from metacore.testing.contract.transactions import SomeError
from metacore.testing.factories import BalanceDeltaFactory, NewUserFactory


def _lock(storages: Storages, user: User) -> None:
    storages.balances.get_many([(user.id, "USDT")], for_update=True)


class LastContract(Contract):
    """Of `Transaction.save` as the `last` operation."""

    @pytest.fixture
    def delta(self, user: User) -> BalanceDelta:
        return BalanceDeltaFactory.build(user_id=user.id)

    @pytest.mark.parametrize("locks", [False, True], ids=["unlocked", "locked"])
    def test_it_ends_the_transaction_and_an_error_after_it_undoes_nothing(
        self, storage: Storage, user: User, delta: BalanceDelta, locks: bool
    ) -> None:
        saved: Mapping[BalanceKey, Balance] = {}
        with pytest.raises(SomeError), storage.transaction() as tx:
            if locks:
                _lock(tx, user)
            saved = tx.save(Changes(balance_deltas=(delta,)), last=True)
            assert storage.balances.get(user.id, "USDT") == saved[user.id, "USDT"]
            for use in (lambda: tx.users.get(user.id), lambda: tx.save(Changes())):
                with pytest.raises(TransactionAbortedError):
                    use()
            raise SomeError
        assert storage.balances.get(user.id, "USDT") == saved[user.id, "USDT"]

    def test_of_nothing_it_ends_the_transaction_too(self, storage: Storage, user: User) -> None:
        with storage.transaction() as tx:
            created = tx.users.create(NewUserFactory.build())
            assert tx.save(Changes(), last=True) == {}
            with pytest.raises(TransactionAbortedError):
                tx.users.get(user.id)
        assert storage.users.get(created.id) == created

    def test_of_a_savepoint_it_ends_the_savepoint(self, storage: Storage, user: User, delta: BalanceDelta) -> None:
        def work(tx: Transaction) -> None:
            _lock(tx, user)
            with pytest.raises(SomeError), tx.transaction() as savepoint:
                savepoint.save(Changes(balance_deltas=(delta,)), last=True)
                with pytest.raises(TransactionAbortedError):
                    tx.users.list()
                raise SomeError
            assert tx.balances.get(user.id, "USDT").version == 2

        with pytest.raises(SomeError), storage.transaction() as tx:
            work(tx)
            raise SomeError
        assert not storage.balances.list(user.id)
        storage.run(work)
        assert storage.balances.get(user.id, "USDT").version == 2

    def test_around_an_open_savepoint_it_ends_nothing(self, storage: Storage, user: User, delta: BalanceDelta) -> None:
        with storage.transaction() as tx:
            with pytest.raises(SomeError), tx.transaction():
                tx.save(Changes(balance_deltas=(delta,)), last=True)
                assert tx.balances.get(user.id, "USDT").version == 2
                raise SomeError
            assert not tx.balances.list(user.id)

    def test_one_that_saves_nothing_ends_nothing(self, storage: Storage, user: User) -> None:
        with storage.transaction() as tx:
            with pytest.raises(NotFoundError):
                tx.save(Changes(balance_deltas=(BalanceDeltaFactory.build(user_id=NOBODY),)), last=True)
            created = tx.users.create(NewUserFactory.build())
        assert storage.users.get(created.id) == created
