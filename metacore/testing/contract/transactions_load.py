"""The contract of loading what a decision rests on."""

from __future__ import annotations

from decimal import Decimal
from threading import Event
from typing import Any
from uuid import UUID

import pytest

from metacore.domain.people.users import User, UserPatch
from metacore.domain.trading.balances import EntryReason
from metacore.domain.trading.decisions import Changes, Loaded, Selection, TradesOf, Unsettled
from metacore.domain.trading.order_ids import OrderIds
from metacore.domain.trading.orders import Order, OrderStatus
from metacore.errors import LockTimeoutError
from metacore.sync.storage.storage import Storage
from metacore.testing.contract.base import Contract, Opening
from metacore.testing.contract.samples import NOBODY
from metacore.testing.factories import BalanceDeltaFactory, NewOrderFactory, NewTradeFactory, NewUserFactory
from metacore.testing.loop_threads import PATIENCE
from metacore.testing.runners import Runner


def load(storage: Storage, **selection: Any) -> Loaded:
    """What a transaction of its own loads."""
    with storage.transaction() as tx:
        return tx.load(Selection(**selection))


class LoadingContract(Contract):
    """Base of the tests of `Transaction.load`."""

    @pytest.fixture
    def orders(self, storage: Storage, user: User, other: User) -> list[Order]:
        """Three orders of the user; the other one has an order under each of their ids."""
        orders = []
        for order_id in (UUID(int=2**127), UUID(int=1), UUID(int=2**64)):
            new = NewOrderFactory.build(id=order_id, user_id=user.id)
            orders.append(storage.orders.create(new))
            storage.orders.create(new.changed(user_id=other.id))
        return orders


class LoadContract(LoadingContract):
    """Of `Transaction.load`."""

    def test_an_empty_selection_loads_nothing(self, storage: Storage) -> None:
        assert load(storage) == Loaded()

    def test_assets_are_loaded_by_the_names_that_their_users_have_them_by(
        self, storage: Storage, user: User, other: User
    ) -> None:
        storage.balances.put(user.id, "USDT", Decimal(1), Decimal(0))
        storage.balances.put(other.id, "usdt", Decimal(1), Decimal(0))
        keys = tuple((owner.id, asset) for owner in (user, other) for asset in ("Usdt", "BTC", "USDT"))
        assert load(storage, asset_names=keys).asset_names == tuple(sorted([(user.id, "USDT"), (other.id, "usdt")]))

    def test_users_are_loaded_by_id_missing_ones_left_out(self, storage: Storage, user: User, other: User) -> None:
        for exclusive in (False, True):
            loaded = load(storage, users=frozenset({user.id, NOBODY}), exclusive_users=exclusive)
            assert loaded == Loaded(users={user.id: user})
        assert load(storage, users=frozenset({user.id, other.id})).users == {user.id: user, other.id: other}

    def test_orders_are_loaded_by_any_of_their_ids_sorted_by_key_each_once(
        self, storage: Storage, user: User, orders: list[Order]
    ) -> None:
        first, second, third = orders
        named = (
            (user.id, OrderIds(order_id=first.id)),
            (user.id, OrderIds(exchange_order_id=second.exchange_order_id)),
            (user.id, OrderIds(client_order_id=third.client_order_id)),
            (user.id, OrderIds(first.id, first.exchange_order_id, first.client_order_id)),
        )
        assert load(storage, orders=named).orders == tuple(sorted(orders, key=lambda order: order.key))
        for one, order in zip(named, (first, second, third, first), strict=True):
            assert load(storage, orders=(one,)).orders == (order,)

    def test_two_orders_that_the_ids_of_one_name_are_both_loaded(
        self, storage: Storage, user: User, orders: list[Order]
    ) -> None:
        first, second, third = orders
        named = (user.id, OrderIds(first.id, second.exchange_order_id, third.client_order_id))
        assert load(storage, orders=(named,)).orders == tuple(sorted(orders, key=lambda order: order.key))

    def test_orders_that_the_user_has_not_are_left_out(self, storage: Storage, user: User, orders: list[Order]) -> None:
        named = (
            (user.id, OrderIds(order_id=NOBODY)),
            (user.id, OrderIds(exchange_order_id="unknown")),
            (user.id, OrderIds(client_order_id=orders[0].exchange_order_id)),
            (NOBODY, OrderIds(orders[0].id, orders[0].exchange_order_id, orders[0].client_order_id)),
        )
        assert load(storage, orders=named) == Loaded()

    def test_orders_of_several_users_are_loaded(
        self, storage: Storage, user: User, other: User, orders: list[Order]
    ) -> None:
        named = tuple((owner.id, OrderIds(order_id=orders[0].id)) for owner in (user, other))
        assert [order.key for order in load(storage, orders=named).orders] == sorted(
            (owner.id, orders[0].id) for owner in (user, other)
        )

    def test_trades_are_loaded_by_the_exchanges_key(self, storage: Storage, user: User, other: User) -> None:
        new = NewTradeFactory.build(id=UUID(int=2), user_id=user.id)
        trade = storage.trades.create(new)
        other_side = storage.trades.create(new.changed(id=UUID(int=1), exchange_order_id="the other side"))
        single = storage.trades.create(NewTradeFactory.build(user_id=user.id))
        storage.trades.create(new.changed(user_id=other.id))
        keys = (trade.key, single.key, trade.key, (user.id, "BTCUSDT", "unknown"), (NOBODY, *trade.key[1:]))
        assert load(storage, trades=keys).trades == (other_side, trade, single)

    def test_trades_are_loaded_by_their_ids_too_each_once(self, storage: Storage, user: User, other: User) -> None:
        first, second = (
            storage.trades.create(NewTradeFactory.build(id=UUID(int=number), user_id=user.id)) for number in (2, 1)
        )
        storage.trades.create(NewTradeFactory.build(id=UUID(int=1), user_id=other.id))
        ids = ((user.id, first.id), (user.id, first.id), (user.id, NOBODY), (NOBODY, first.id))
        assert load(storage, trade_ids=ids).trades == (first,)
        assert load(storage, trade_ids=ids, trades=(second.key, first.key)).trades == (second, first)

    def test_balances_are_all_of_the_users_by_asset(self, storage: Storage, user: User, other: User) -> None:
        for owner, asset in ((user, "USDT"), (user, "BTC"), (other, "BTC")):
            storage.balances.put(owner.id, asset, Decimal(0), Decimal(0))
        expected = {owner: tuple(storage.balances.list(owner.id)) for owner in (user, other)}
        assert [row.asset for row in expected[user]] == ["BTC", "USDT"]
        assert load(storage, users=frozenset({user.id}), balances=True).balances == expected[user]
        users = frozenset({user.id, other.id, NOBODY})
        first, second = sorted((user, other), key=lambda owner: owner.id)
        assert load(storage, users=users, balances=True).balances == (*expected[first], *expected[second])
        assert load(storage, users=users).balances == load(storage, balances=True).balances == ()

    def test_entries_are_loaded_by_their_references(self, storage: Storage, user: User, other: User) -> None:
        reasons = (EntryReason.DEPOSIT, EntryReason.WITHDRAWAL, EntryReason.ADJUSTMENT)
        for owner in (user, other):
            for reason in reasons:
                storage.balances.apply([BalanceDeltaFactory.build(user_id=owner.id, reason=reason, reference="one")])
        references = ((user.id, EntryReason.WITHDRAWAL, "one"), (user.id, EntryReason.DEPOSIT, "another"))
        (entry,) = load(storage, entries=references).entries
        assert entry == storage.balances.entries(user.id).items[1]

    def test_holding_is_every_order_of_the_users_that_holds(
        self, storage: Storage, user: User, other: User, orders: list[Order]
    ) -> None:
        first, second, third = orders
        holding = [
            first.changed(held_asset="USDT", held_amount=Decimal("0.000000000000000001"), version=2),
            second.changed(held_asset="USDT", held_amount=Decimal(5), status=OrderStatus.CANCELED, version=2),
        ]
        theirs = storage.orders.get(other.id, third.id)
        held_by_other = theirs.changed(held_asset="BTC", held_amount=Decimal(1), version=2)
        storage.run(lambda tx: tx.save(Changes(orders=(*holding, held_by_other))))
        users = frozenset({user.id})
        assert load(storage, users=users, holding=True).orders == tuple(sorted(holding, key=lambda order: order.key))
        both = load(storage, users=users, holding=True, orders=((user.id, OrderIds(order_id=third.id)),))
        assert both.orders == tuple(sorted((*holding, third), key=lambda order: order.key))
        named = load(storage, users=users, holding=True, orders=((other.id, OrderIds(order_id=NOBODY)),))
        assert named.orders == tuple(sorted(holding, key=lambda order: order.key))

    def test_it_reads_what_its_transaction_wrote(self, storage: Storage, user: User) -> None:
        with storage.transaction() as tx:
            updated = tx.users.update(user.id, UserPatch(username="written"))
            order = tx.orders.create(NewOrderFactory.build(user_id=user.id))
            trade = tx.trades.create(NewTradeFactory.build(of=order))
            loaded = tx.load(
                Selection(
                    users=frozenset({user.id}),
                    orders=((user.id, OrderIds(order_id=order.id)),),
                    trades=(trade.key,),
                    unsettled=True,
                )
            )
            of_order = (user.id, TradesOf(OrderIds(order_id=order.id), trade.symbol, trade.side))
            expected = {of_order: Unsettled(trade.quantity, trade.quote_quantity)}
            assert loaded == Loaded({user.id: updated}, (order,), trades=(trade,), unsettled=expected)

    def test_locked_balances_are_those_of_existing_users_the_missing_ones_as_zero(
        self, storage: Storage, user: User, other: User
    ) -> None:
        storage.balances.put(user.id, "USDT", Decimal(5), Decimal(0))
        named = ((user.id, "usdt"), (user.id, "BTC"), (user.id, "USDT"), (other.id, "BTC"), (NOBODY, "BTC"))
        found = load(storage, locked_balances=named).locked_balances
        keys = sorted([(user.id, "BTC"), (user.id, "USDT"), (other.id, "BTC")])
        assert found == tuple(storage.balances.get(*key) for key in keys)
        assert [balance.free for balance in found if balance.asset == "BTC"] == [0, 0]
        assert load(storage, locked_balances=named).locked_balances == found

    def test_stored_balances_are_those_that_are_stored_of_the_orders_too_if_so(
        self, storage: Storage, user: User, other: User
    ) -> None:
        order = storage.orders.create(NewOrderFactory.build(user_id=user.id, base_asset="BTC", quote_asset="USDT"))
        for owner, asset in ((user, "USDT"), (user, "MX"), (user, "ETH"), (other, "BTC")):
            storage.balances.put(owner.id, asset, Decimal(5), Decimal(0))
        selection: dict[str, Any] = {
            "orders": ((user.id, order.order_ids),),
            "stored_balances": ((user.id, "MX"), (user.id, "mx"), (user.id, "EUR"), (NOBODY, "BTC")),
        }
        assert [row.asset for row in load(storage, **selection).locked_balances] == ["MX"]
        found = load(storage, **selection, balances_of_orders=True).locked_balances
        assert found == tuple(storage.balances.get(user.id, asset) for asset in ("MX", "USDT"))
        assert [row.asset for row in storage.balances.list(user.id)] == ["ETH", "MX", "USDT"]

    @pytest.mark.parametrize("locked", ["user", "order", "balance", "stored balance"])
    def test_what_it_loads_stays_locked_until_the_transaction_ends(
        self, open_storage: Opening, runner: Runner, locked: str
    ) -> None:
        storage = open_storage(lock_timeout=0.05)
        user = storage.users.create(NewUserFactory.build())
        order = storage.orders.create(NewOrderFactory.build(user_id=user.id))
        storage.balances.put(user.id, "USDT", Decimal(5), Decimal(0))
        selection = {
            "user": Selection(users=frozenset({user.id}), exclusive_users=True),
            "order": Selection(orders=((user.id, OrderIds(client_order_id=order.client_order_id)),)),
            "balance": Selection(locked_balances=((user.id, "USDT"),)),
            "stored balance": Selection(stored_balances=((user.id, "USDT"),)),
        }[locked]
        loaded, tried = Event(), Event()

        def hold() -> None:
            with storage.transaction() as tx:
                tx.load(selection)
                loaded.set()
                assert tried.wait(PATIENCE)

        def try_to_load() -> None:
            assert loaded.wait(PATIENCE)
            try:
                with storage.transaction() as tx:
                    tx.load(selection)
            finally:
                tried.set()

        held, error = runner.together(hold, try_to_load)
        assert held is None
        assert isinstance(error, LockTimeoutError)
