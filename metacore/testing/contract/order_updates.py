"""The contract of the storage of order updates."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from metacore.domain.people.users import User
from metacore.domain.trading.order_updates import OrderUpdate, UpdateOutcome, UpdateSource
from metacore.domain.trading.orders import Order, OrderStatus
from metacore.errors import NotFoundError
from metacore.sync.storage.order_updates import OrderUpdateStorage
from metacore.sync.storage.storage import Storage
from metacore.testing.cases import each_case
from metacore.testing.clock import START, ManualClock
from metacore.testing.contract.base import Contract
from metacore.testing.contract.samples import EDGE_AMOUNTS, HOSTILE_JSON, HOSTILE_TEXTS, NOBODY
from metacore.testing.contract.series import series
from metacore.testing.factories import NewOrderFactory, NewOrderUpdateFactory
from metacore.testing.runners import Runner

OPERATIONS: dict[str, Callable[[OrderUpdateStorage], object]] = {
    "append": lambda order_updates: order_updates.append(NewOrderUpdateFactory.build(user_id=NOBODY, order_id=NOBODY)),
    "append_many": lambda order_updates: order_updates.append_many([]),
    "list": lambda order_updates: order_updates.list(NOBODY, NOBODY),
}
"""Every operation, on what does not exist."""


class OrderUpdateStorageContract(Contract):
    """Of `metacore.storage.order_updates.OrderUpdateStorage`."""

    def test_append_returns_the_update_with_the_next_seq(
        self, storage: Storage, clock: ManualClock, order: Order
    ) -> None:
        for seq in (1, 2, 3):
            new = NewOrderUpdateFactory.build(
                of=order,
                previous_status=OrderStatus.NEW,
                status=OrderStatus.PARTIALLY_FILLED,
                executed_quantity=Decimal("0.01"),
                executed_quote_quantity=Decimal(500),
                outcome=UpdateOutcome.STALE,
                reason="told",
                source=UpdateSource.WEBSOCKET,
                occurred_at=START - timedelta(seconds=seq),
                raw={"s": 3},
            )
            now = clock.advance()
            update = storage.order_updates.append(new)
            assert update == OrderUpdate(**new.fields(), seq=seq, recorded_at=now)
            assert storage.order_updates.list(*order.key)[-1] == update

    def test_append_leaves_empty_what_the_update_lacks(self, storage: Storage, order: Order) -> None:
        new = NewOrderUpdateFactory.build(of=order, previous_status=None)
        update = storage.order_updates.append(new)
        assert update == OrderUpdate(**new.fields(), seq=1, recorded_at=START)
        assert storage.order_updates.list(*order.key) == (update,)

    def test_every_status_and_source_is_stored(self, storage: Storage, order: Order) -> None:
        pairs = [(status, source) for status in OrderStatus for source in UpdateSource]
        for status, source in pairs:
            storage.order_updates.append(NewOrderUpdateFactory.build(of=order, status=status, source=source))
        assert [(update.status, update.source) for update in storage.order_updates.list(*order.key)] == pairs

    @each_case("text", HOSTILE_TEXTS)
    def test_every_text_comes_back_as_it_went_in(self, storage: Storage, order: Order, text: str) -> None:
        update = storage.order_updates.append(NewOrderUpdateFactory.build(of=order, reason=text, raw={text: text}))
        assert storage.order_updates.list(*order.key)[-1] == update
        assert update.reason == text

    @each_case("amount", EDGE_AMOUNTS)
    def test_every_amount_comes_back_to_the_digit(self, storage: Storage, order: Order, amount: Decimal) -> None:
        new = NewOrderUpdateFactory.build(of=order, executed_quantity=amount, executed_quote_quantity=amount)
        storage.order_updates.append(new)
        update = storage.order_updates.list(*order.key)[-1]
        assert update.executed_quantity.as_tuple() == update.executed_quote_quantity.as_tuple() == amount.as_tuple()

    def test_raw_comes_back_equal_and_in_order(self, storage: Storage, order: Order) -> None:
        update = storage.order_updates.append(NewOrderUpdateFactory.build(of=order, raw=HOSTILE_JSON))
        (stored,) = storage.order_updates.list(*order.key)
        assert stored == update
        assert repr(stored.raw) == repr(update.raw)

    def test_append_to_an_order_that_the_user_has_not_is_not_found(
        self, storage: Storage, order: Order, other: User
    ) -> None:
        for key in ((other.id, order.id), (order.user_id, NOBODY), (NOBODY, order.id)):
            with pytest.raises(NotFoundError) as caught:
                storage.order_updates.append(NewOrderUpdateFactory.build(user_id=key[0], order_id=key[1]))
            assert (caught.value.entity, caught.value.key) == ("order", key)
            assert storage.order_updates.list(*key) == ()

    def test_append_changes_nothing_of_the_order(self, storage: Storage, order: Order) -> None:
        storage.order_updates.append(NewOrderUpdateFactory.build(of=order, status=OrderStatus.FILLED))
        assert storage.orders.get(*order.key) == order

    def test_append_many_returns_all_in_list_order(self, storage: Storage, user: User, other: User) -> None:
        orders = [storage.orders.create(NewOrderFactory.build(user_id=owner.id)) for owner in (user, other, user)]
        storage.order_updates.append(NewOrderUpdateFactory.build(of=orders[0]))
        new_updates = [NewOrderUpdateFactory.build(of=orders[n]) for n in (2, 0, 1, 0, 2, 2)]
        updates = storage.order_updates.append_many(iter(new_updates))
        assert [update.seq for update in updates] == [1, 2, 1, 3, 2, 3]
        for update, new in zip(updates, new_updates, strict=True):
            assert update == OrderUpdate(**new.fields(), seq=update.seq, recorded_at=START)
        assert storage.order_updates.list(*orders[2].key) == tuple(updates[n] for n in (0, 4, 5))

    def test_append_many_of_none_is_empty(self, storage: Storage) -> None:
        assert storage.order_updates.append_many([]) == ()

    def test_append_many_is_all_or_nothing(self, storage: Storage, order: Order, other: User) -> None:
        bad = NewOrderUpdateFactory.build(of=order, user_id=other.id)
        with pytest.raises(NotFoundError) as caught:
            storage.order_updates.append_many([NewOrderUpdateFactory.build(of=order), bad])
        assert caught.value.key == (other.id, order.id)
        assert storage.order_updates.list(*order.key) == ()
        assert storage.order_updates.append(NewOrderUpdateFactory.build(of=order)).seq == 1

    def test_what_was_undone_leaves_no_gap(self, storage: Storage, order: Order) -> None:
        storage.order_updates.append(NewOrderUpdateFactory.build(of=order))
        with pytest.raises(KeyError), storage.transaction() as tx:
            assert tx.order_updates.append(NewOrderUpdateFactory.build(of=order)).seq == 2
            raise KeyError
        assert storage.order_updates.append(NewOrderUpdateFactory.build(of=order)).seq == 2

    def test_seqs_have_no_gaps_however_many_append_at_once(
        self, storage: Storage, runner: Runner, order: Order
    ) -> None:
        def append() -> list[int]:
            return [storage.order_updates.append(NewOrderUpdateFactory.build(of=order)).seq for _ in range(5)]

        results = runner.together(*[append] * 6)
        assert sorted(seq for seqs in results if isinstance(seqs, list) for seq in seqs) == list(range(1, 31))
        assert [update.seq for update in storage.order_updates.list(*order.key)] == list(range(1, 31))

    def test_list_is_of_one_order_of_the_user(self, storage: Storage, user: User, order: Order, other: User) -> None:
        sibling = storage.orders.create(NewOrderFactory.build(user_id=user.id))
        twin = storage.orders.create(NewOrderFactory.build(user_id=other.id, id=order.id))
        expected = [storage.order_updates.append(NewOrderUpdateFactory.build(of=row)) for row in (order, sibling, twin)]
        assert [storage.order_updates.list(*row.key) for row in (order, sibling, twin)] == [(row,) for row in expected]

    def test_list_has_every_update_by_seq(self, storage: Storage, order: Order) -> None:
        storage.order_updates.append_many(series(NewOrderUpdateFactory.build(of=order), 1100))
        assert [update.seq for update in storage.order_updates.list(*order.key)] == list(range(1, 1101))

    def test_list_without_updates_or_order_is_empty(self, storage: Storage, order: Order, other: User) -> None:
        assert storage.order_updates.list(*order.key) == ()
        storage.order_updates.append(NewOrderUpdateFactory.build(of=order))
        assert storage.order_updates.list(other.id, order.id) == ()
        assert storage.order_updates.list(order.user_id, NOBODY) == ()
