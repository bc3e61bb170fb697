"""The contract of locks: one fixed order, so that nobody waits for somebody who waits for him."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from metacore.domain.people.users import User
from metacore.domain.trading.balances import EntryReason
from metacore.domain.trading.decisions import Changes, Selection
from metacore.domain.trading.order_ids import OrderIds
from metacore.domain.trading.orders import Order
from metacore.sync.storage.storage import Storage
from metacore.testing.contract.base import Contract
from metacore.testing.factories import BalanceDeltaFactory, NewOrderFactory, NewOrderUpdateFactory, NewUserFactory
from metacore.testing.runners import Runner

ASSETS = ("A", "B", "C", "D")
ROUNDS = 20

Work = Callable[[Storage, Sequence[User], Sequence[Order]], object]


def _apply(storage: Storage, users: Sequence[User], orders: Sequence[Order]) -> None:
    storage.balances.apply(
        BalanceDeltaFactory.build(user_id=user.id, asset=asset, delta_free=Decimal(1), reason=EntryReason.TRADE)
        for user in users
        for asset in (ASSETS if users[0].id < users[-1].id else ASSETS[::-1])
    )


def _lock_balances(storage: Storage, users: Sequence[User], orders: Sequence[Order]) -> None:
    with storage.transaction() as tx:
        tx.balances.get_many([(user.id, asset) for user in users for asset in ASSETS], for_update=True)


def _replace_balances(storage: Storage, users: Sequence[User], orders: Sequence[Order]) -> None:
    storage.balances.replace_all(users[0].id, [])


def _lock_orders(storage: Storage, users: Sequence[User], orders: Sequence[Order]) -> None:
    with storage.transaction() as tx:
        tx.orders.get_many([order.key for order in orders], for_update=True)


def _append_updates(storage: Storage, users: Sequence[User], orders: Sequence[Order]) -> None:
    storage.order_updates.append_many([NewOrderUpdateFactory.build(of=order) for order in orders])


def _load_and_save(storage: Storage, users: Sequence[User], orders: Sequence[Order]) -> None:
    with storage.transaction() as tx:
        named = tuple((order.user_id, OrderIds(client_order_id=order.client_order_id)) for order in orders)
        loaded = tx.load(Selection(users=frozenset(user.id for user in users), orders=named))
        deltas = tuple(
            BalanceDeltaFactory.build(user_id=user.id, asset=asset, reason=EntryReason.TRADE)
            for user in users
            for asset in ASSETS
        )
        tx.save(
            Changes(
                orders=tuple(order.changed(version=order.version + 1) for order in loaded.orders),
                order_updates=tuple(NewOrderUpdateFactory.build(of=order) for order in orders),
                balance_deltas=deltas,
            )
        )


WORK: dict[str, Work] = {
    "apply": _apply,
    "lock balances": _lock_balances,
    "replace balances": _replace_balances,
    "lock orders": _lock_orders,
    "append updates": _append_updates,
    "load and save": _load_and_save,
}


class LockContract(Contract):
    """Of what the protocols say of locks: `get_many(for_update=True)`, `load` and every operation on several rows."""

    def test_rows_named_in_different_orders_make_no_deadlock(self, storage: Storage, runner: Runner) -> None:
        users = [storage.users.create(NewUserFactory.build()) for _ in range(3)]
        orders = [storage.orders.create(NewOrderFactory.build(user_id=user.id)) for user in users for _ in range(2)]

        def work(name: str, backwards: bool) -> int:
            for _ in range(ROUNDS):
                WORK[name](storage, users[::-1] if backwards else users, orders[::-1] if backwards else orders)
            return ROUNDS

        calls = [(name, backwards) for name in WORK for backwards in (False, True)]
        done = runner.together(
            *(lambda name=name, backwards=backwards: work(name, backwards) for name, backwards in calls)
        )
        assert done == [ROUNDS] * len(calls)
