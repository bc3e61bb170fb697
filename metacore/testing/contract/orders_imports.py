"""The contract of imports of orders."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from threading import Event
from typing import Any
from uuid import UUID

import pytest

from metacore.domain.people.users import User
from metacore.domain.trading.orders import (
    NewOrder,
    Order,
    OrderSide,
    OrderStatus,
)
from metacore.domain.values.imports import ImportResult
from metacore.errors import ConflictError, LockTimeoutError, NotFoundError
from metacore.sync.storage.storage import Storage
from metacore.testing.cases import each_case
from metacore.testing.clock import START
from metacore.testing.contract.base import Contract, Opening
from metacore.testing.contract.samples import EDGE_AMOUNTS, HOSTILE_JSON, HOSTILE_TEXTS, NOBODY
from metacore.testing.contract.series import series
from metacore.testing.factories import NewOrderFactory, NewTradeFactory, NewUserFactory
from metacore.testing.loop_threads import PATIENCE
from metacore.testing.runners import Runner

UNIQUE = ("client_order_id", "exchange_order_id")


class OrderImportContract(Contract):
    """Of `OrderStorage.create_many`."""

    def test_every_order_is_stored_as_create_would(self, storage: Storage, user: User, other: User) -> None:
        new_orders = [NewOrderFactory.build(user_id=user_id, raw=HOSTILE_JSON) for user_id in (user.id, other.id) * 3]
        result = storage.orders.create_many(new_orders)
        assert (result.inserted, result.duplicates) == (6, 0)
        for new in new_orders:
            expected = Order(**new.fields(), created_at=START, updated_at=START)
            assert storage.orders.get(new.user_id, new.id) == expected

    def test_every_text_comes_back_as_it_went_in(self, storage: Storage, user: User) -> None:
        new_orders = [
            NewOrderFactory.build(
                user_id=user.id,
                client_order_id=text,
                exchange_order_id=None if text is HOSTILE_TEXTS[0] else text,
                reason=HOSTILE_TEXTS[1],
                raw={text: text},
            )
            for text in HOSTILE_TEXTS
        ]
        storage.orders.create_many(new_orders)
        for new in new_orders:
            assert storage.orders.get(user.id, new.id).fields().items() >= new.fields().items()

    @each_case("amount", EDGE_AMOUNTS)
    def test_every_amount_comes_back_to_the_digit(self, storage: Storage, user: User, amount: Decimal) -> None:
        names = ("price", "quantity", "quote_quantity", "stop_price", "executed_quantity", "executed_quote_quantity")
        new = NewOrderFactory.build(user_id=user.id, **dict.fromkeys(names, amount))
        storage.orders.create_many([new])
        assert storage.orders.get(user.id, new.id).fields().items() >= new.fields().items()

    def test_of_none_it_stores_none(self, storage: Storage) -> None:
        result = storage.orders.create_many([])
        assert (result.inserted, result.duplicates) == (0, 0)

    def test_it_takes_any_iterable_of_any_length(self, storage: Storage, user: User) -> None:
        result = storage.orders.create_many(
            series(NewOrderFactory.build(user_id=user.id), 1100, "client_order_id", "exchange_order_id")
        )
        assert (result.inserted, result.duplicates) == (1100, 0)

    def test_an_order_stored_already_is_a_duplicate(self, storage: Storage, user: User) -> None:
        new_orders = [NewOrderFactory.build(user_id=user.id) for _ in range(3)]
        stored = storage.orders.create(new_orders[1])
        result = storage.orders.create_many(new_orders)
        assert (result.inserted, result.duplicates) == (2, 1)
        assert storage.orders.get(*stored.key) == stored
        again = storage.orders.create_many(new_orders)
        assert (again.inserted, again.duplicates) == (0, 3)

    def test_an_order_listed_twice_is_a_duplicate(self, storage: Storage, user: User) -> None:
        new = NewOrderFactory.build(user_id=user.id)
        result = storage.orders.create_many([new, NewOrderFactory.build(user_id=user.id), new, new])
        assert (result.inserted, result.duplicates) == (2, 2)

    def test_the_first_of_equal_ones_is_stored(self, storage: Storage, user: User) -> None:
        new_orders = [NewOrderFactory.build(user_id=user.id) for _ in range(20)]
        later = [new.changed(reason="told again") for new in new_orders]
        result = storage.orders.create_many([*new_orders, *reversed(later)])
        assert (result.inserted, result.duplicates) == (20, 20)
        assert "told again" not in {order.reason for order in storage.orders.list(user.id).items}

    def test_they_are_stored_in_the_order_in_which_they_come(self, storage: Storage, user: User) -> None:
        first = NewOrderFactory.build(user_id=user.id, exchange_order_id="X1", reason="first", id=UUID(int=9))
        new_orders = [
            first,
            first.changed(id=UUID(int=8), reason="second"),
            first.changed(id=UUID(int=10), reason="third"),
        ]
        result = storage.orders.create_many(new_orders)
        assert (result.inserted, result.duplicates) == (1, 2)
        assert [order.reason for order in storage.orders.list(user.id).items] == ["first"]

    def test_what_is_skipped_is_compared_with_what_is_stored_in_the_end(self, storage: Storage, user: User) -> None:
        first = NewOrderFactory.build(user_id=user.id)
        other = NewOrderFactory.build(user_id=user.id, exchange_order_id="X1", quantity="77")
        with pytest.raises(ConflictError) as raised:
            storage.orders.create_many([first, first.changed(exchange_order_id="X1"), other])
        assert raised.value.conflicts == (str(first.id),)
        assert storage.orders.list(user.id).items == ()

    def test_imports_of_the_same_orders_at_the_same_time_wait_for_each_other(
        self, storage: Storage, runner: Runner, user: User
    ) -> None:
        new_orders = [NewOrderFactory.build(user_id=user.id) for _ in range(200)]
        ways = [new_orders, new_orders[::-1], new_orders[100:] + new_orders[:100]] * 2
        results = runner.together(*[partial(storage.orders.create_many, way) for way in ways])
        assert sorted(result.inserted for result in results if isinstance(result, ImportResult)) == [0] * 5 + [200]

    @pytest.mark.parametrize("name", ["orders", "trades"])
    def test_it_waits_for_another_import_of_the_user_no_longer_than_lock_timeout(
        self, open_storage: Opening, runner: Runner, name: str
    ) -> None:
        storage = open_storage(lock_timeout=0.05)
        user = storage.users.create(NewUserFactory.build())
        factory: Any = {"orders": NewOrderFactory, "trades": NewTradeFactory}[name]
        is_held, tried = Event(), Event()

        def hold() -> None:
            with storage.transaction() as tx:
                tx.orders.create_many([NewOrderFactory.build(user_id=user.id)])
                is_held.set()
                assert tried.wait(PATIENCE)

        def wait() -> None:
            assert is_held.wait(PATIENCE)
            try:
                getattr(storage, name).create_many([factory.build(user_id=user.id)])
            finally:
                tried.set()

        held, error = runner.together(hold, wait)
        assert held is None
        assert isinstance(error, LockTimeoutError)
        assert getattr(storage, name).create_many([factory.build(user_id=user.id)]).inserted == 1

    def test_status_raw_and_times_make_no_other_order(self, storage: Storage, user: User) -> None:
        new = NewOrderFactory.build(user_id=user.id)
        stored = storage.orders.create(new)
        filled = new.changed(
            status=OrderStatus.FILLED, executed_quantity=Decimal("0.02"), transacted_at=START, reason="late"
        )
        result = storage.orders.create_many([filled])
        assert (result.inserted, result.duplicates) == (0, 1)
        assert storage.orders.get(*stored.key) == stored

    @each_case("field", ["price", "symbol", "side", "client_order_id", "stop_price", "exchange_order_id"])
    def test_an_order_that_differs_under_its_id_is_a_conflict(self, storage: Storage, field: str) -> None:
        user = storage.users.create(NewUserFactory.build())
        new = NewOrderFactory.build(user_id=user.id)
        stored = storage.orders.create(new)
        value: Any = {"price": Decimal(1), "side": OrderSide.SELL, "stop_price": Decimal(1)}.get(field, "other")
        with pytest.raises(ConflictError) as caught:
            storage.orders.create_many([NewOrderFactory.build(user_id=user.id), new.changed(**{field: value})])
        assert caught.value.conflicts == (str(new.id),)
        assert storage.orders.list(user.id).items == (stored,)

    @pytest.mark.parametrize("field", UNIQUE)
    def test_an_order_that_differs_under_another_unique_key_is_a_conflict(
        self, storage: Storage, user: User, field: str
    ) -> None:
        stored = storage.orders.create(NewOrderFactory.build(user_id=user.id))
        new = NewOrderFactory.build(user_id=user.id, price=Decimal(1), **{field: getattr(stored, field)})
        with pytest.raises(ConflictError) as caught:
            storage.orders.create_many([NewOrderFactory.build(user_id=user.id), new])
        assert caught.value.conflicts == (str(new.id),)
        assert storage.orders.list(user.id).items == (stored,)

    @pytest.mark.parametrize("field", ["id", *UNIQUE])
    def test_orders_of_one_call_that_differ_under_one_key_conflict(
        self, storage: Storage, user: User, field: str
    ) -> None:
        new = NewOrderFactory.build(user_id=user.id)
        twin = NewOrderFactory.build(user_id=user.id, price=Decimal(1), **{field: getattr(new, field)})
        with pytest.raises(ConflictError):
            storage.orders.create_many([new, twin])
        assert storage.orders.list(user.id).items == ()

    def test_a_conflict_names_up_to_ten(self, storage: Storage, user: User) -> None:
        new_orders = [NewOrderFactory.build(user_id=user.id) for _ in range(12)]
        storage.orders.create_many(new_orders)
        with pytest.raises(ConflictError) as caught:
            storage.orders.create_many([new.changed(price=Decimal(1)) for new in new_orders])
        assert len(caught.value.conflicts) == 10
        assert set(caught.value.conflicts) <= {str(new.id) for new in new_orders}

    def test_an_order_of_a_user_that_does_not_exist_is_not_found_and_nothing_is_stored(
        self, storage: Storage, user: User
    ) -> None:
        with pytest.raises(NotFoundError) as caught:
            storage.orders.create_many(NewOrderFactory.build(user_id=user_id) for user_id in (user.id, NOBODY))
        assert (caught.value.entity, caught.value.key) == ("user", NOBODY)
        assert storage.orders.list(user.id).items == ()

    def test_what_the_iterable_raises_passes_through_and_nothing_is_stored(self, storage: Storage, user: User) -> None:
        class SpoiltError(Exception):
            pass

        def spoilt() -> Iterator[NewOrder]:
            yield from series(NewOrderFactory.build(user_id=user.id), 700, "client_order_id", "exchange_order_id")
            raise SpoiltError

        with pytest.raises(SpoiltError):
            storage.orders.create_many(spoilt())
        assert storage.orders.list(user.id).items == ()
        assert storage.orders.create_many([NewOrderFactory.build(user_id=user.id)]).inserted == 1

    def test_it_is_part_of_a_transaction_around_it(self, storage: Storage, user: User) -> None:
        new_orders = [NewOrderFactory.build(user_id=user.id) for _ in range(3)]
        with pytest.raises(KeyError), storage.transaction() as tx:
            tx.orders.create_many(new_orders)
            assert len(tx.orders.list(user.id).items) == 3
            assert storage.orders.list(user.id).items == ()
            assert tx.orders.create_many(new_orders).duplicates == 3
            raise KeyError
        assert storage.orders.list(user.id).items == ()

    def test_an_id_of_two_users_names_two_orders(self, storage: Storage, user: User, other: User) -> None:
        storage.users.create(NewUserFactory.build())
        new = NewOrderFactory.build(user_id=user.id)
        result = storage.orders.create_many([new, new.changed(user_id=other.id, price=Decimal(1))])
        assert (result.inserted, result.duplicates) == (2, 0)
