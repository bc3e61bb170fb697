"""The contract of saving a decision."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from metacore.domain.people.users import UserPatch
from metacore.domain.trading.balances import EntryReason
from metacore.domain.trading.decisions import Changes, row_key
from metacore.domain.trading.orders import OrderStatus
from metacore.domain.trading.trades import TradeState
from metacore.errors import (
    InsufficientFundsError,
    MetacoreError,
    NotFoundError,
    StaleVersionError,
    TransactionAbortedError,
)
from metacore.sync.storage.storage import Storage
from metacore.testing.cases import each_case
from metacore.testing.clock import START, ManualClock
from metacore.testing.contract.base import Contract
from metacore.testing.contract.samples import HOSTILE_JSON, NOBODY
from metacore.testing.contract.transactions import SomeError, everything
from metacore.testing.contract.transactions_changes import DOOMING, HARMLESS, ONE, Rows
from metacore.testing.factories import (
    BalanceDeltaFactory,
    NewOrderFactory,
    NewOrderUpdateFactory,
    NewTradeFactory,
    NewUserFactory,
)


def _rows(storage: Storage) -> Rows:
    user, other = (storage.users.create(NewUserFactory.build()) for _ in range(2))
    order = storage.orders.create(NewOrderFactory.build(user_id=user.id))
    trade = storage.trades.create(NewTradeFactory.build(of=order))
    storage.balances.apply([BalanceDeltaFactory.build(user_id=user.id, reference="taken")])
    return Rows(user, other, order, trade)


class SaveContract(Contract):
    """Of `Transaction.save`."""

    @pytest.fixture
    def rows(self, storage: Storage) -> Rows:
        return _rows(storage)

    def test_it_saves_every_kind_of_change(self, storage: Storage, clock: ManualClock, rows: Rows) -> None:
        now = clock.advance()
        changes = rows.everything()
        with storage.transaction() as tx:
            balances = tx.save(changes)
            saved = everything(tx, rows.user)
        assert everything(storage, rows.user) == saved
        assert [storage.orders.get(*order.key) for order in changes.orders] == list(changes.orders)
        assert set(storage.trades.get_many((row.user_id, row.id) for row in changes.trades)) == set(changes.trades)
        updates = storage.order_updates.list(*rows.order.key)
        assert [(update.seq, update.recorded_at) for update in updates] == [(1, now), (2, now)]
        assert [update.seq for update in storage.order_updates.list(*rows.new_order.key)] == [1]
        balance = storage.balances.get(rows.user.id, "USDT")
        assert (str(balance.free), balance.last_seq, balance.version, balance.updated_at) == ("998", 3, 3, now)
        assert [entry.seq for entry in storage.balances.entries(rows.user.id, "USDT").items] == [1, 2, 3]
        assert storage.balances.get(rows.user.id, "BTC").free == 1000
        assert balances == {row.key: row for row in storage.balances.list(rows.user.id)}
        assert storage.users.get(rows.user.id) == rows.user.changed(
            can_trade=False, balances_as_of=START, version=2, updated_at=now
        )

    def test_a_patch_of_nothing_leaves_the_user_as_it_is(self, storage: Storage, rows: Rows) -> None:
        with storage.transaction() as tx:
            tx.save(Changes(user_patches={rows.user.id: UserPatch()}))
        assert storage.users.get(rows.user.id) == rows.user

    def test_it_saves_every_field_as_it_is(self, storage: Storage, rows: Rows) -> None:
        order = rows.order.changed(
            status=OrderStatus.PARTIALLY_FILLED,
            executed_quantity=Decimal("0.015"),
            executed_quote_quantity=Decimal(
                "99999999999999999999999999999999999999.999999999999999999999999999999999999"
            ),
            settled_quantity=Decimal("0.000000000000000001"),
            settled_quote_quantity=Decimal(-1),
            held_asset="USDT",
            held_amount=Decimal("12345678901234567890.123456789012345678"),
            exchange_order_id="given later",
            reason="'; DROP TABLE orders; --",
            transacted_at=START,
            raw=NewOrderFactory.build(user_id=rows.user.id, raw=HOSTILE_JSON).raw,
            version=2,
        )
        trade = rows.trade.changed(state=TradeState.PENDING, order_id=NOBODY, version=2)
        with storage.transaction() as tx:
            tx.save(Changes(orders=(order,), trades=(trade,)))
        assert storage.orders.get(*order.key) == order
        assert storage.orders.get_by_exchange_order_id(rows.user.id, "given later") == order
        assert storage.trades.get(trade.user_id, trade.id) == trade

    def test_of_nothing_it_saves_nothing(self, storage: Storage, rows: Rows) -> None:
        before = everything(storage, rows.user)
        with storage.transaction() as tx:
            assert tx.save(Changes()) == {}
        assert everything(storage, rows.user) == before

    def test_it_saves_again_what_it_saved(self, storage: Storage, rows: Rows) -> None:
        with storage.transaction() as tx:
            for version in (2, 3, 4):
                tx.save(
                    Changes(
                        orders=(rows.order.changed(version=version),),
                        trades=(rows.trade.changed(version=version),),
                        order_updates=(NewOrderUpdateFactory.build(of=rows.order),),
                        balance_deltas=(BalanceDeltaFactory.build(user_id=rows.user.id, asset="BTC"),),
                    )
                )
            tx.save(Changes(orders=(rows.new_order,)))
            tx.save(Changes(orders=(rows.new_order.changed(version=2),)))
        assert storage.orders.get(*rows.order.key).version == 4
        assert storage.trades.get(rows.user.id, rows.trade.id).version == 4
        assert storage.orders.get(*rows.new_order.key).version == 2
        assert len(storage.order_updates.list(*rows.order.key)) == 3
        assert storage.balances.get(rows.user.id, "BTC").last_seq == 3

    def test_it_saves_after_other_operations_of_its_transaction(self, storage: Storage, rows: Rows) -> None:
        with storage.transaction() as tx:
            tx.save(Changes(balance_deltas=(BalanceDeltaFactory.build(user_id=rows.user.id),)))
            tx.balances.put(rows.user.id, "USDT", ONE, ONE)
            tx.save(Changes(balance_deltas=(BalanceDeltaFactory.build(user_id=rows.user.id),)))
            with pytest.raises(SomeError), tx.transaction() as inner:
                inner.save(Changes(orders=(rows.order.changed(version=2),)))
                inner.balances.put(rows.user.id, "USDT", Decimal(7), ONE)
                raise SomeError
            tx.save(
                Changes(
                    orders=(rows.order.changed(version=2),),
                    balance_deltas=(BalanceDeltaFactory.build(user_id=rows.user.id),),
                )
            )
            tx.orders.delete(*rows.order.key)
            with pytest.raises(NotFoundError):
                tx.save(Changes(orders=(rows.order.changed(version=3),)))
        balance = storage.balances.get(rows.user.id, "USDT")
        assert (str(balance.free), balance.last_seq) == ("2001", 5)

    def test_expected_versions_tell_another_version_than_the_one_before(self, storage: Storage, rows: Rows) -> None:
        order, trade = rows.order.changed(version=7), rows.trade.changed(version=5)
        with storage.transaction() as tx:
            tx.save(Changes(orders=(order,), trades=(trade,), expected_versions={row_key(order): 1, row_key(trade): 1}))
        assert storage.orders.get(*order.key).version == 7
        assert storage.trades.get(trade.user_id, trade.id).version == 5

    def test_the_error_names_a_stale_version(self, storage: Storage, rows: Rows) -> None:
        for changes, entity, key in (
            (Changes(orders=(rows.order.changed(version=9),)), "order", rows.order.key),
            (Changes(trades=(rows.trade.changed(version=9),)), "trade", (rows.user.id, rows.trade.id)),
        ):
            with storage.transaction() as tx, pytest.raises(StaleVersionError) as caught:
                tx.save(changes)
            error = caught.value
            assert (error.entity, error.key, error.expected, error.actual) == (entity, key, 8, 1)

    def test_the_error_names_what_does_not_exist(self, storage: Storage, rows: Rows) -> None:
        missing = rows.new_order
        for changes, entity, key in (
            (Changes(orders=(missing.changed(version=2),)), "order", missing.key),
            (Changes(order_updates=(NewOrderUpdateFactory.build(of=missing),)), "order", missing.key),
            (Changes(trades=(rows.new_trade.changed(version=2),)), "trade", (rows.user.id, rows.new_trade.id)),
            (Changes(balance_deltas=(BalanceDeltaFactory.build(user_id=NOBODY),)), "user", NOBODY),
            (Changes(orders=(rows.fresh_order(user_id=NOBODY),)), "user", NOBODY),
            (Changes(user_patches={NOBODY: UserPatch(can_trade=False)}), "user", NOBODY),
            (Changes(user_patches={NOBODY: UserPatch()}), "user", NOBODY),
        ):
            with storage.transaction() as tx, pytest.raises(NotFoundError) as caught:
                tx.save(changes)
            assert (caught.value.entity, caught.value.key) == (entity, key)

    @each_case(("kind", "changes_of"), HARMLESS)
    def test_refused_before_anything_is_written_it_lets_the_transaction_go_on(
        self, storage: Storage, kind: type[MetacoreError], changes_of: Callable[[Rows], Changes]
    ) -> None:
        rows = _rows(storage)
        before = everything(storage, rows.user)
        with storage.transaction() as tx:
            with pytest.raises(kind):
                tx.save(changes_of(rows))
            assert everything(tx, rows.user) == before
            tx.save(rows.everything())
        assert storage.orders.get(*rows.order.key).version == 2

    @each_case(("kind", "named", "changes_of"), DOOMING)
    def test_refused_for_what_is_stored_it_dooms_the_transaction(
        self, storage: Storage, kind: type[MetacoreError], named: str, changes_of: Callable[[Rows], Changes]
    ) -> None:
        rows = _rows(storage)
        before = everything(storage, rows.user)
        with pytest.raises(TransactionAbortedError), storage.transaction() as tx:
            with pytest.raises(kind) as caught:
                tx.save(changes_of(rows))
            assert getattr(caught.value, "field", "asset") == named
            tx.users.get(rows.user.id)
        assert everything(storage, rows.user) == before

    def test_the_error_names_what_is_short_of_funds(self, storage: Storage, rows: Rows) -> None:
        delta = BalanceDeltaFactory.build(user_id=rows.user.id, delta_free=Decimal(-1001))
        with pytest.raises(InsufficientFundsError) as caught, storage.transaction() as tx:
            tx.save(Changes(balance_deltas=(delta,)))
        error: Any = caught.value
        assert (error.asset, error.needed, error.available, error.user_id) == ("USDT", 1001, 1000, rows.user.id)

    def test_unsaved_by_an_error_later_nothing_of_it_is_stored(self, storage: Storage, rows: Rows) -> None:
        before = everything(storage, rows.user)
        with pytest.raises(SomeError), storage.transaction() as tx:
            tx.save(rows.everything())
            raise SomeError
        assert everything(storage, rows.user) == before

    def test_it_saves_hundreds_at_once(self, storage: Storage, rows: Rows) -> None:
        orders = tuple(rows.fresh_order() for _ in range(400))
        trades = tuple(rows.fresh_trade(of=order) for order in orders)
        updates = tuple(NewOrderUpdateFactory.build(of=order) for order in orders)
        deltas = tuple(BalanceDeltaFactory.build(user_id=rows.user.id, reason=EntryReason.TRADE) for _ in orders)
        with storage.transaction() as tx:
            tx.save(Changes(orders=orders, trades=trades, order_updates=updates, balance_deltas=deltas))
        assert len(storage.orders.list_open(rows.user.id)) == 401
        assert len(list(storage.trades.stream(rows.user.id))) == 401
        assert storage.balances.get(rows.user.id, "USDT").last_seq == 401
        assert storage.order_updates.list(*orders[-1].key)[0].seq == 1
