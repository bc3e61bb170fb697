"""What a statement makes of its rows, alone and among others, while the server goes on and after it."""

from collections.abc import Iterator
from uuid import UUID

import pytest

from metacore import Settings
from metacore.domain.trading.decisions import Selection
from metacore.domain.trading.order_ids import OrderIds
from metacore.domain.trading.orders import Order
from metacore.sync import Storage, connect
from metacore.testing.factories import NewOrderFactory, NewUserFactory

MANY = 200
"""So many ids are more than what is asked for and made at once."""


@pytest.fixture(params=[True, False], ids=["prepared", "not prepared"])
def storage(metacore_database_url: str, request: pytest.FixtureRequest) -> Iterator[Storage]:
    with connect(metacore_database_url, settings=Settings(prepared_statements=request.param)) as storage:
        yield storage


@pytest.fixture
def orders(storage: Storage) -> tuple[Order, ...]:
    user = storage.users.create(NewUserFactory.build())
    new = [NewOrderFactory.build(user_id=user.id) for _ in range(MANY)]
    storage.orders.create_many(new)
    return storage.orders.get_many([(user.id, each.id) for each in new])


def named(orders: tuple[Order, ...], **others: object) -> Selection:
    return Selection(orders=tuple((order.user_id, OrderIds(order.id)) for order in orders), **others)


@pytest.mark.parametrize("number", [1, MANY])
@pytest.mark.parametrize("alone", [False, True], ids=["among others", "alone"])
def test_orders_are_loaded_as_they_are(storage: Storage, orders: tuple[Order, ...], number: int, alone: bool) -> None:
    users: frozenset[UUID] = frozenset() if alone else frozenset({orders[0].user_id})
    with storage.transaction() as tx:
        tx.load(Selection(users=frozenset({orders[0].user_id})))
        loaded = tx.load(named(orders[:number], users=users))
    assert loaded.orders == tuple(sorted(orders[:number], key=lambda order: order.id))
