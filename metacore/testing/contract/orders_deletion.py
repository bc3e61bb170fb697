"""The contract of deleting orders."""

from __future__ import annotations

from decimal import Decimal

import pytest

from metacore.domain.people.users import User
from metacore.domain.trading.decisions import Changes
from metacore.domain.trading.orders import Order
from metacore.errors import ConflictError, NotFoundError
from metacore.sync.storage.storage import Storage
from metacore.testing.contract.base import Contract
from metacore.testing.contract.orders import UNIQUE
from metacore.testing.contract.samples import NOBODY
from metacore.testing.factories import NewOrderFactory, NewOrderUpdateFactory, NewTradeFactory


class OrderDeletionContract(Contract):
    """Of `OrderStorage.delete`."""

    def test_delete_takes_the_order_and_its_updates(self, storage: Storage, order: Order) -> None:
        storage.order_updates.append(NewOrderUpdateFactory.build(of=order))
        storage.orders.delete(*order.key)
        with pytest.raises(NotFoundError):
            storage.orders.get(*order.key)
        assert storage.orders.list(order.user_id).items == ()
        assert storage.order_updates.list(*order.key) == ()

    def test_delete_leaves_the_trades(self, storage: Storage, order: Order) -> None:
        trade = storage.trades.create(NewTradeFactory.build(of=order))
        storage.orders.delete(*order.key)
        assert storage.trades.get(order.user_id, trade.id) == trade
        assert storage.trades.list_by_order(*order.key) == (trade,)

    def test_delete_takes_no_other_order(self, storage: Storage, user: User, order: Order, other: User) -> None:
        same = {"id": order.id, "client_order_id": order.client_order_id}
        kept = [
            storage.orders.create(NewOrderFactory.build(user_id=other.id, **same)),
            storage.orders.create(NewOrderFactory.build(user_id=user.id)),
        ]
        updates = [storage.order_updates.append(NewOrderUpdateFactory.build(of=row)) for row in kept]
        storage.orders.delete(*order.key)
        assert [storage.orders.get(*row.key) for row in kept] == kept
        assert [storage.order_updates.list(*row.key)[0] for row in kept] == updates

    def test_delete_frees_what_was_unique(self, storage: Storage, order: Order) -> None:
        storage.orders.delete(*order.key)
        fields = {name: getattr(order, name) for name in ("id", "user_id", *UNIQUE)}
        anew = storage.orders.create(NewOrderFactory.build(**fields))
        assert storage.orders.get(*order.key) == anew
        assert storage.order_updates.list(*order.key) == ()

    def test_delete_of_an_order_that_the_user_has_not_is_not_found(
        self, storage: Storage, order: Order, other: User
    ) -> None:
        for key in ((other.id, order.id), (order.user_id, NOBODY), (NOBODY, order.id)):
            with pytest.raises(NotFoundError) as caught:
                storage.orders.delete(*key)
            assert (caught.value.entity, caught.value.key) == ("order", key)
        assert storage.orders.get(*order.key) == order

    def test_delete_is_refused_while_the_order_holds_funds(self, storage: Storage, order: Order) -> None:
        holding = order.changed(held_asset="USDT", held_amount=Decimal("0.000000000000000001"), version=2)
        storage.run(lambda tx: tx.save(Changes(orders=(holding,))))
        with pytest.raises(ConflictError) as caught:
            storage.orders.delete(*order.key)
        assert caught.value.conflicts == (str(order.id),)
        assert storage.orders.get(*order.key) == holding
        released = holding.changed(held_amount=Decimal(0), version=3)
        storage.run(lambda tx: tx.save(Changes(orders=(released,))))
        storage.orders.delete(*order.key)
