"""The contract of the storage of orders."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from metacore.domain.people.users import User
from metacore.domain.trading.orders import Order, OrderFilter, OrderSide, OrderStatus, OrderType, TimeInForce
from metacore.errors import AlreadyExistsError, InvalidDataError, NotFoundError
from metacore.sync.storage.orders import OrderStorage
from metacore.sync.storage.storage import Storage
from metacore.testing.cases import each_case
from metacore.testing.clock import START
from metacore.testing.contract.base import Contract
from metacore.testing.contract.samples import EDGE_AMOUNTS, HOSTILE_JSON, HOSTILE_TEXTS, NOBODY, SPOILT_TEXTS
from metacore.testing.factories import NewOrderFactory

OPERATIONS: dict[str, Callable[[OrderStorage], object]] = {
    "create": lambda orders: orders.create(NewOrderFactory.build(user_id=NOBODY)),
    "create_many": lambda orders: orders.create_many([NewOrderFactory.build(user_id=NOBODY)]),
    "get": lambda orders: orders.get(NOBODY, NOBODY),
    "get_by_client_order_id": lambda orders: orders.get_by_client_order_id(NOBODY, "1"),
    "get_by_exchange_order_id": lambda orders: orders.get_by_exchange_order_id(NOBODY, "1"),
    "get_many": lambda orders: orders.get_many([(NOBODY, NOBODY)], for_update=True),
    "list": lambda orders: orders.list(NOBODY),
    "stream": lambda orders: list(orders.stream(NOBODY)),
    "list_open": lambda orders: orders.list_open(NOBODY),
    "in_status": lambda orders: orders.in_status(OrderStatus.NEW),
    "stream_in_status": lambda orders: list(orders.stream_in_status(OrderStatus.NEW)),
    "delete": lambda orders: orders.delete(NOBODY, NOBODY),
}
"""Every operation, on what does not exist."""

UNIQUE = ("client_order_id", "exchange_order_id")


class OrderStorageContract(Contract):
    """Of `metacore.storage.orders.OrderStorage`, without its lists and imports."""

    def test_create_stores_an_order_at_version_1_without_a_hold_and_returns_it(
        self, storage: Storage, user: User
    ) -> None:
        new = NewOrderFactory.build(
            user_id=user.id,
            side=OrderSide.SELL,
            type=OrderType.STOP_LIMIT,
            time_in_force=TimeInForce.FOK,
            status=OrderStatus.PARTIALLY_FILLED,
            stop_price=Decimal("49000.5"),
            quote_quantity=Decimal(1),
            executed_quantity=Decimal("0.01"),
            executed_quote_quantity=Decimal(500),
            reason="found on the exchange",
            transacted_at=START - timedelta(microseconds=1),
            raw={"orderId": 1},
        )
        order = storage.orders.create(new)
        assert order == Order(**new.fields(), version=1, created_at=START, updated_at=START)
        assert storage.orders.get(user.id, order.id) == order

    def test_create_leaves_empty_what_the_order_lacks(self, storage: Storage, user: User) -> None:
        by_quote = {"type": OrderType.MARKET, "price": None, "quantity": None, "quote_quantity": Decimal(1000)}
        new = NewOrderFactory.build(user_id=user.id, **by_quote, client_order_id=None, exchange_order_id=None)
        order = storage.orders.create(new)
        assert order == Order(**new.fields(), created_at=START, updated_at=START)
        assert storage.orders.get(user.id, order.id) == order
        assert order.status is OrderStatus.PENDING_NEW

    def test_create_for_a_user_that_does_not_exist_is_not_found(self, storage: Storage) -> None:
        with pytest.raises(NotFoundError) as caught:
            storage.orders.create(NewOrderFactory.build(user_id=NOBODY))
        assert (caught.value.entity, caught.value.key) == ("user", NOBODY)

    @each_case("field", ["id", *UNIQUE])
    def test_create_names_the_unique_field_that_is_taken(
        self, storage: Storage, user: User, order: Order, field: str
    ) -> None:
        value = getattr(order, field)
        with pytest.raises(AlreadyExistsError) as caught:
            storage.orders.create(NewOrderFactory.build(user_id=user.id, **{field: value}))
        assert (caught.value.entity, caught.value.field, caught.value.value) == ("order", field, value)
        assert storage.orders.list(user.id).items == (order,)

    def test_ids_are_unique_for_each_user(self, storage: Storage, order: Order, other: User) -> None:
        same = {field: getattr(order, field) for field in ("id", *UNIQUE)}
        twin = storage.orders.create(NewOrderFactory.build(user_id=other.id, **same))
        assert storage.orders.get(other.id, order.id) == twin
        assert storage.orders.get(order.user_id, order.id) == order

    def test_missing_ids_are_not_compared(self, storage: Storage, user: User) -> None:
        blank = dict.fromkeys(UNIQUE)
        orders = [storage.orders.create(NewOrderFactory.build(user_id=user.id, **blank)) for _ in range(3)]
        assert [storage.orders.get(user.id, order.id) for order in orders] == orders

    @each_case("status", list(OrderStatus))
    @each_case("side", list(OrderSide))
    def test_every_status_and_side_is_stored(
        self, storage: Storage, user: User, status: OrderStatus, side: OrderSide
    ) -> None:
        order = storage.orders.create(NewOrderFactory.build(user_id=user.id, status=status, side=side))
        assert storage.orders.get(user.id, order.id) == order
        assert (order.status, order.side) == (status, side)

    @each_case("text", HOSTILE_TEXTS)
    def test_every_text_comes_back_as_it_went_in(self, storage: Storage, user: User, text: str) -> None:
        texts = dict.fromkeys(("symbol", "base_asset", "client_order_id", "exchange_order_id", "reason"), text)
        new = NewOrderFactory.build(user_id=user.id, **texts, raw={text: text})
        order = storage.orders.create(new)
        assert storage.orders.get(user.id, order.id) == order
        assert order.fields().items() >= new.fields().items()
        assert storage.orders.get_by_client_order_id(user.id, text) == order
        assert storage.orders.get_by_exchange_order_id(user.id, text) == order
        assert storage.orders.list(user.id, OrderFilter(symbol=text)).items == (order,)
        assert storage.orders.list_open(user.id, text) == (order,)

    @each_case("amount", EDGE_AMOUNTS)
    def test_every_amount_comes_back_to_the_digit(self, storage: Storage, user: User, amount: Decimal) -> None:
        names = ("price", "quantity", "quote_quantity", "stop_price", "executed_quantity", "executed_quote_quantity")
        order = storage.orders.create(NewOrderFactory.build(user_id=user.id, **dict.fromkeys(names, amount)))
        stored = storage.orders.get(user.id, order.id)
        assert stored == order
        assert {getattr(stored, name).as_tuple() for name in names} == {amount.as_tuple()}

    def test_raw_comes_back_equal_and_in_order(self, storage: Storage, user: User) -> None:
        new = NewOrderFactory.build(user_id=user.id, raw=HOSTILE_JSON)
        storage.orders.create(new)
        stored = storage.orders.get(user.id, new.id)
        assert stored.raw == new.raw
        assert repr(stored.raw) == repr(new.raw)

    def test_raw_is_never_mistaken_for_none(self, storage: Storage, user: User) -> None:
        order = storage.orders.create(NewOrderFactory.build(user_id=user.id, raw={}))
        stored = storage.orders.get(user.id, order.id).raw
        assert stored is not None
        assert stored == {}

    def test_what_comes_out_cannot_be_changed(self, storage: Storage, user: User) -> None:
        raw: dict[str, Any] = {"fills": [{"price": "1"}]}
        order = storage.orders.create(NewOrderFactory.build(user_id=user.id, raw=raw))
        raw["fills"][0]["price"] = "2"
        for got in (order, storage.orders.get(user.id, order.id)):
            stored_raw: Any = got.raw
            with pytest.raises(ValueError, match="frozen"):
                got.price = Decimal(1)  # type: ignore[misc]
            with pytest.raises(TypeError):
                stored_raw.update(fills=())
            with pytest.raises(TypeError):
                stored_raw["fills"][0]["price"] = "3"
            assert stored_raw["fills"][0]["price"] == "1"

    def test_get_of_an_order_that_does_not_exist_is_not_found(self, storage: Storage, user: User) -> None:
        with pytest.raises(NotFoundError) as caught:
            storage.orders.get(user.id, NOBODY)
        assert (caught.value.entity, caught.value.key) == ("order", (user.id, NOBODY))

    def test_get_of_another_users_order_is_not_found(self, storage: Storage, order: Order, other: User) -> None:
        with pytest.raises(NotFoundError):
            storage.orders.get(other.id, order.id)
        with pytest.raises(NotFoundError):
            storage.orders.get(order.id, order.id)

    @pytest.mark.parametrize("field", UNIQUE)
    def test_get_by_another_id_is_the_users_order_with_it(
        self, storage: Storage, order: Order, other: User, field: str
    ) -> None:
        value = getattr(order, field)
        twin = storage.orders.create(NewOrderFactory.build(user_id=other.id, **{field: value}))
        get = getattr(storage.orders, f"get_by_{field}")
        assert get(order.user_id, value) == order
        assert get(other.id, value) == twin

    @pytest.mark.parametrize("field", UNIQUE)
    def test_get_by_another_id_that_the_user_has_not_is_not_found(
        self, storage: Storage, order: Order, other: User, field: str
    ) -> None:
        value = getattr(order, field)
        for user_id, named in ((other.id, value), (order.user_id, value.swapcase()), (order.user_id, "")):
            with pytest.raises(NotFoundError) as caught:
                getattr(storage.orders, f"get_by_{field}")(user_id, named)
            assert (caught.value.entity, caught.value.key) == ("order", (user_id, named))

    @each_case("field", UNIQUE)
    @each_case("text", SPOILT_TEXTS)
    def test_a_text_that_cannot_be_stored_is_refused(self, storage: Storage, user: User, field: str, text: str) -> None:
        with pytest.raises(InvalidDataError):
            getattr(storage.orders, f"get_by_{field}")(user.id, text)

    @pytest.mark.parametrize("for_update", [False, True])
    def test_get_many_answers_in_key_order_each_key_once_missing_ones_left_out(
        self, storage: Storage, user: User, other: User, for_update: bool
    ) -> None:
        ids = [UUID(int=n) for n in (5, 2**127, 1, 2**128 - 1, 2**64)]
        orders = [storage.orders.create(NewOrderFactory.build(id=i, user_id=user.id)) for i in ids]
        orders.append(storage.orders.create(NewOrderFactory.build(id=ids[0], user_id=other.id)))
        keys = [order.key for order in orders]
        asked = [*keys, *keys[::-1], (user.id, NOBODY), (NOBODY, ids[0]), (other.id, ids[1])]
        expected = tuple(sorted(orders, key=lambda order: order.key))
        with storage.transaction() as tx:
            assert tx.orders.get_many(iter(asked), for_update=for_update) == expected
        assert storage.orders.get_many(asked, for_update=for_update) == expected

    @pytest.mark.parametrize("for_update", [False, True])
    def test_get_many_of_no_keys_is_empty(self, storage: Storage, for_update: bool) -> None:
        assert storage.orders.get_many([], for_update=for_update) == ()
