"""The contract of loading what messages said of orders: trades that are not settled, reports that were stale."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from metacore.domain.people.users import User
from metacore.domain.trading.decisions import TradesOf, Unsettled
from metacore.domain.trading.order_ids import OrderIds
from metacore.domain.trading.order_updates import UpdateOutcome
from metacore.domain.trading.orders import Order, OrderSide
from metacore.domain.trading.trades import TradeState
from metacore.sync.storage.storage import Storage
from metacore.testing.contract.samples import NOBODY
from metacore.testing.contract.trades import stored_as
from metacore.testing.contract.transactions_load import LoadingContract, load
from metacore.testing.factories import (
    NewOrderFactory,
    NewOrderUpdateFactory,
    NewTradeFactory,
)
from metacore.testing.runners import Runner


def bought(user_id: UUID, name: OrderIds) -> tuple[UUID, TradesOf]:
    """What the sums over trades of the factory are kept by, if they name their order by `name`."""
    return user_id, TradesOf(name, "BTCUSDT", OrderSide.BUY)


class MessagesLoadContract(LoadingContract):
    """Of `unsettled` and `stale_updates` of `Transaction.load`."""

    def test_unsettled_trades_are_summed_by_the_id_of_their_order_that_counts(
        self, storage: Storage, user: User, orders: list[Order]
    ) -> None:
        first, second, third = orders
        for state in TradeState:
            stored_as(storage, NewTradeFactory.build(of=first, quantity=Decimal("0.1")), state)
        unnamed = NewTradeFactory.build(of=first, order_id=None, quantity=Decimal("0.01"))
        stored_as(storage, unnamed, TradeState.PENDING)
        by_client = unnamed.changed(exchange_order_id=None, client_order_id=second.client_order_id)
        stored_as(storage, by_client.changed(id=UUID(int=1)), TradeState.PENDING)
        named = tuple((user.id, OrderIds(order_id=order.id)) for order in (first, second, third))
        assert load(storage, orders=named).unsettled == {}
        assert load(storage, orders=named, unsettled=True).unsettled == {
            bought(*named[0]): Unsettled(Decimal("0.2"), Decimal(10000)),
            bought(user.id, OrderIds(exchange_order_id=first.exchange_order_id)): Unsettled(
                Decimal("0.01"), Decimal(500)
            ),
            bought(user.id, OrderIds(client_order_id=second.client_order_id)): Unsettled(Decimal("0.01"), Decimal(500)),
        }

    def test_unsettled_trades_of_another_symbol_or_side_are_summed_apart(
        self, storage: Storage, user: User, orders: list[Order]
    ) -> None:
        order, *_ = orders
        changes: list[dict[str, Any]] = [{}, {"symbol": "OTHER"}, {"side": OrderSide.SELL}, {"symbol": "OTHER"}]
        for number, change in enumerate(changes):
            new = NewTradeFactory.build(of=order, quantity=Decimal(number + 1), quote_quantity=Decimal(5))
            stored_as(storage, new.changed(**change), TradeState.PENDING)
        sums = load(storage, orders=((user.id, order.order_ids),), unsettled=True).unsettled
        name = OrderIds(order.id)
        assert sums == {
            (user.id, TradesOf(name, order.symbol, OrderSide.BUY)): Unsettled(Decimal(1), Decimal(5)),
            (user.id, TradesOf(name, "OTHER", OrderSide.BUY)): Unsettled(Decimal(6), Decimal(10)),
            (user.id, TradesOf(name, order.symbol, OrderSide.SELL)): Unsettled(Decimal(3), Decimal(5)),
        }

    def test_stale_updates_of_the_orders_found_are_loaded(
        self, storage: Storage, user: User, orders: list[Order]
    ) -> None:
        first, second, third = orders
        for order in (first, second):
            for outcome in UpdateOutcome:
                storage.order_updates.append(NewOrderUpdateFactory.build(of=order, outcome=outcome, raw={"a": "b"}))
        named = tuple((user.id, OrderIds(order_id=order.id)) for order in (first, third))
        (update,) = load(storage, orders=named, stale_updates=True).stale_updates
        assert update == storage.order_updates.list(user.id, first.id)[1]
        assert load(storage, orders=named).stale_updates == load(storage, stale_updates=True).stale_updates == ()

    def test_the_newest_updates_of_the_orders_found_are_known_by_their_seq(self, storage: Storage, user: User) -> None:
        updated, not_updated = (storage.orders.create(NewOrderFactory.build(user_id=user.id)) for _ in range(2))
        storage.order_updates.append_many(NewOrderUpdateFactory.build(of=updated) for _ in range(3))
        named = tuple((user.id, order.order_ids) for order in (updated, not_updated))
        assert load(storage, orders=named, update_seqs=True).update_seqs == {updated.key: 3, not_updated.key: 0}
        assert load(storage, orders=named).update_seqs == load(storage, update_seqs=True).update_seqs == {}

    def test_unsettled_trades_of_unknown_orders_are_summed_under_the_ids_that_are_asked_for(
        self, storage: Storage, user: User, other: User, orders: list[Order]
    ) -> None:
        trade = NewTradeFactory.build(of=orders[0], order_id=None, exchange_order_id="e-1", quantity=Decimal("0.01"))
        by_client = {"exchange_order_id": None, "client_order_id": "c-1"}
        kinds: tuple[dict[str, Any], ...] = (
            {},
            {"client_order_id": "c-1"},
            by_client,
            {**by_client, "order_id": NOBODY},
            {"user_id": other.id},
        )
        for number, values in enumerate(kinds):
            stored_as(
                storage, trade.changed(id=UUID(int=number), exchange_trade_id=f"{number}", **values), TradeState.PENDING
            )
        once, both = (Unsettled(Decimal("0.01") * number, Decimal(500) * number) for number in (1, 2))
        named = (
            (user.id, OrderIds(exchange_order_id="e-1")),
            (user.id, OrderIds(client_order_id="c-1")),
            (user.id, OrderIds(order_id=NOBODY)),
        )
        sums = {bought(*name): row for name, row in zip(named, (both, once, once), strict=True)}
        assert load(storage, orders=named, unsettled=True).unsettled == sums
        together = (user.id, OrderIds(NOBODY, "e-1", "c-1"))
        assert load(storage, orders=(together, *named), unsettled=True).unsettled == sums
        assert load(storage, orders=named[:1], unsettled=True).unsettled == {bought(*named[0]): both}

    def test_unsettled_trades_of_orders_that_hold_funds_are_summed(
        self, storage: Storage, runner: Runner, user: User
    ) -> None:
        storage.balances.put(user.id, "USDT", Decimal(1000), Decimal(0))
        new = NewOrderFactory.build(user_id=user.id, client_order_id="mine", exchange_order_id=None)
        runner.service("TradingService", storage).place_order(new)
        fields = {"user_id": user.id, "order_id": None, "exchange_order_id": None, "client_order_id": "mine"}
        trade = storage.trades.create(NewTradeFactory.build(**fields))
        loaded = load(storage, users=frozenset({user.id}), holding=True, unsettled=True)
        assert loaded.unsettled == {
            bought(user.id, OrderIds(client_order_id="mine")): Unsettled(trade.quantity, trade.quote_quantity)
        }
