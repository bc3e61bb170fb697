"""The contract of savepoints."""

from __future__ import annotations

import pytest

from metacore.domain.people.users import User, UserPatch
from metacore.errors import NotFoundError
from metacore.sync.storage.storage import Storage, Transaction
from metacore.testing.contract.base import Contract
from metacore.testing.contract.transactions import ONE, ZERO, SomeError, everything, write_everywhere
from metacore.testing.factories import BalanceDeltaFactory, NewOrderFactory, NewOrderUpdateFactory, NewUserFactory


class SavepointContract(Contract):
    """Of `Transaction.transaction`: a part of it that can be undone alone."""

    def test_a_savepoint_left_normally_is_part_of_it(self, storage: Storage, user: User) -> None:
        with storage.transaction() as tx:
            with tx.transaction() as inner:
                order = write_everywhere(inner, user)
            assert tx.orders.get(*order.key) == order
            with pytest.raises(NotFoundError):
                storage.orders.get(*order.key)
        assert storage.orders.get(*order.key) == order

    def test_an_error_that_leaves_a_savepoint_undoes_it_alone(self, storage: Storage, user: User) -> None:
        error = SomeError()
        with storage.transaction() as tx:
            tx.users.update(user.id, UserPatch(email="outer@example.com"))
            before = everything(tx, user)
            with pytest.raises(SomeError) as caught, tx.transaction() as inner:
                write_everywhere(inner, user)
                raise error
            assert caught.value is error
            assert everything(tx, user) == before
            tx.users.update(user.id, UserPatch(is_active=False))
        stored = storage.users.get(user.id)
        assert (stored.email, stored.username, stored.is_active) == ("outer@example.com", user.username, False)
        assert storage.orders.list(user.id).items == ()

    def test_an_error_that_leaves_it_undoes_its_savepoints(self, storage: Storage, user: User) -> None:
        before = everything(storage, user)
        with pytest.raises(SomeError), storage.transaction() as tx:
            with tx.transaction() as inner:
                write_everywhere(inner, user)
            raise SomeError
        assert everything(storage, user) == before

    def test_savepoints_nest(self, storage: Storage, user: User) -> None:
        def rename(tx: Transaction, name: str) -> None:
            tx.users.update(user.id, UserPatch(username=name))

        with storage.transaction() as first:
            with first.transaction() as second:
                rename(second, "second")
                with pytest.raises(SomeError), second.transaction() as third:
                    rename(third, "third")
                    with third.transaction() as fourth:
                        rename(fourth, "fourth")
                    raise SomeError
                assert second.users.get(user.id).username == "second"
                with second.transaction() as third:
                    assert third.users.get(user.id).username == "second"
            with first.transaction() as another:
                another.users.update(user.id, UserPatch(is_active=False))
        stored = storage.users.get(user.id)
        assert (stored.username, stored.is_active, stored.version) == ("second", False, 3)

    def test_what_is_done_within_a_savepoint_by_the_transaction_around_it_is_undone_with_it(
        self, storage: Storage, user: User
    ) -> None:
        with storage.transaction() as tx:
            tx.balances.apply([BalanceDeltaFactory.build(user_id=user.id, asset="USDT", delta_free=ONE)])
            before = everything(tx, user)
            with pytest.raises(SomeError), tx.transaction() as first, first.transaction():
                write_everywhere(tx, user)
                tx.balances.apply([BalanceDeltaFactory.build(user_id=user.id, asset="USDT", delta_free=ONE)])
                raise SomeError
            assert everything(tx, user) == before
            tx.balances.apply([BalanceDeltaFactory.build(user_id=user.id, asset="USDT", delta_free=ONE)])
        assert storage.balances.get(user.id, "USDT").free == 2
        assert storage.users.get(user.id) == user
        assert not storage.balances.audit(user.id)

    def test_a_savepoint_undone_gives_back_unique_values_and_seqs(self, storage: Storage, user: User) -> None:
        with storage.transaction() as tx:
            order = tx.orders.create(NewOrderFactory.build(user_id=user.id))
            with pytest.raises(SomeError), tx.transaction() as inner:
                inner.users.create(NewUserFactory.build(username="taken"))
                inner.order_updates.append(NewOrderUpdateFactory.build(of=order))
                inner.balances.put(user.id, "USDT", ONE, ZERO)
                raise SomeError
            tx.users.create(NewUserFactory.build(username="taken"))
            assert tx.order_updates.append(NewOrderUpdateFactory.build(of=order)).seq == 1
            tx.balances.put(user.id, "USDT", ONE, ZERO)
        assert storage.balances.get(user.id, "USDT").last_seq == 1
        assert storage.balances.audit(user.id) == []
