"""The contract of saving a decision that comes in parts."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from metacore.domain.trading.balances import BalanceDelta, EntryReason
from metacore.domain.trading.decisions import Changes, Selection
from metacore.domain.trading.order_ids import OrderIds
from metacore.errors import MetacoreError, StaleVersionError, TransactionAbortedError
from metacore.sync.storage.storage import Storage, Transaction
from metacore.testing.contract.base import Contract
from metacore.testing.contract.transactions import SomeError, everything
from metacore.testing.contract.transactions_changes import Rows
from metacore.testing.factories import (
    BalanceDeltaFactory,
    NewOrderFactory,
    NewOrderUpdateFactory,
    NewTradeFactory,
    NewUserFactory,
)


class PartsContract(Contract):
    """Of `Transaction.save` of several changes."""

    @pytest.fixture
    def rows(self, storage: Storage) -> Rows:
        user, other = (storage.users.create(NewUserFactory.build()) for _ in range(2))
        order = storage.orders.create(NewOrderFactory.build(user_id=user.id))
        trade = storage.trades.create(NewTradeFactory.build(of=order))
        storage.balances.apply([BalanceDeltaFactory.build(user_id=user.id)])
        return Rows(user, other, order, trade)

    @pytest.fixture
    def delta(self, rows: Rows) -> BalanceDelta:
        return BalanceDeltaFactory.build(user_id=rows.user.id, delta_free=Decimal(-1), reason=EntryReason.TRADE)

    def load(self, tx: Transaction, rows: Rows) -> None:
        tx.load(
            Selection(
                users=frozenset({rows.user.id}),
                orders=((rows.user.id, OrderIds(rows.order.id)),),
                trades=(rows.trade.key,),
                locked_balances=((rows.user.id, "USDT"),),
            )
        )

    @pytest.mark.parametrize("last", [False, True], ids=["more follows", "last"])
    def test_each_is_saved_on_top_of_those_before(
        self, storage: Storage, rows: Rows, delta: BalanceDelta, last: bool
    ) -> None:
        def parts() -> Iterator[Changes]:
            for version in (2, 3, 4):
                yield Changes(
                    orders=(rows.order.changed(version=version), rows.new_order.changed(version=version - 1)),
                    order_updates=(NewOrderUpdateFactory.build(of=rows.order),),
                    trades=(rows.trade.changed(version=version), rows.new_trade.changed(version=version - 1)),
                    balance_deltas=(delta, delta),
                )

        with storage.transaction() as tx:
            self.load(tx, rows)
            saved = tx.save(parts(), last=last)
        assert saved == {balance.key: balance for balance in storage.balances.list(rows.user.id)}
        assert [(str(row.free), row.last_seq, row.version) for row in saved.values()] == [("994", 7, 5)]
        assert [storage.orders.get(*order.key).version for order in (rows.order, rows.new_order)] == [4, 3]
        assert [update.seq for update in storage.order_updates.list(*rows.order.key)] == [1, 2, 3]
        trades = storage.trades.get_many((rows.user.id, trade.id) for trade in (rows.trade, rows.new_trade))
        assert sorted(trade.version for trade in trades) == [3, 4]

    def test_of_none_nothing_is_saved(self, storage: Storage) -> None:
        with storage.transaction() as tx:
            assert tx.save(iter(()), last=True) == {}

    @pytest.mark.parametrize("error", [SomeError, StaleVersionError], ids=["made", "saved"])
    def test_an_error_after_the_first_dooms_the_transaction(
        self, storage: Storage, rows: Rows, delta: BalanceDelta, error: type[Exception]
    ) -> None:
        def parts() -> Iterator[Changes]:
            yield Changes(balance_deltas=(delta,))
            if error is SomeError:
                raise SomeError
            yield Changes(orders=(rows.order.changed(version=9),))

        before = everything(storage, rows.user)
        with pytest.raises(TransactionAbortedError), storage.transaction() as tx:
            self.load(tx, rows)
            with pytest.raises(error):
                tx.save(parts(), last=True)
            tx.users.get(rows.user.id)
        assert everything(storage, rows.user) == before

    def test_an_error_before_the_second_lets_the_transaction_go_on(self, storage: Storage, rows: Rows) -> None:
        with storage.transaction() as tx:
            with pytest.raises(MetacoreError):
                tx.save(iter((Changes(orders=(rows.order.changed(version=9),)), Changes())))
            tx.save(Changes(orders=(rows.order.changed(version=2),)))
        assert storage.orders.get(*rows.order.key).version == 2
