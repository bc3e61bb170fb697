"""The contract of imports of trades."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from metacore.domain.people.users import User
from metacore.domain.trading.orders import OrderSide
from metacore.domain.trading.trades import NewTrade, Trade, TradeState
from metacore.errors import ConflictError, NotFoundError
from metacore.sync.storage.storage import Storage
from metacore.testing.cases import each_case
from metacore.testing.clock import START
from metacore.testing.contract.base import Contract
from metacore.testing.contract.samples import EDGE_AMOUNTS, HOSTILE_JSON, HOSTILE_TEXTS, NOBODY
from metacore.testing.contract.series import series
from metacore.testing.contract.trades import stored_as
from metacore.testing.factories import NewOrderFactory, NewTradeFactory, NewUserFactory


class TradeImportContract(Contract):
    """Of `TradeStorage.create_many`."""

    def test_every_trade_is_stored_as_create_would(self, storage: Storage, user: User, other: User) -> None:
        new_trades = [NewTradeFactory.build(user_id=user_id, raw=HOSTILE_JSON) for user_id in (user.id, other.id) * 3]
        result = storage.trades.create_many(new_trades)
        assert (result.inserted, result.duplicates) == (6, 0)
        for new in new_trades:
            expected = Trade.created(new, START)
            assert storage.trades.get(new.user_id, new.id) == expected

    @each_case("text", HOSTILE_TEXTS)
    def test_every_text_comes_back_as_it_went_in(self, storage: Storage, user: User, text: str) -> None:
        names = ("exchange_order_id", "client_order_id", "exchange_trade_id", "symbol", "commission_asset")
        new = NewTradeFactory.build(user_id=user.id, **dict.fromkeys(names, text), raw={text: text})
        storage.trades.create_many([new])
        assert storage.trades.get(user.id, new.id) == Trade.created(new, START)

    @each_case("amount", EDGE_AMOUNTS)
    def test_every_amount_comes_back_to_the_digit(self, storage: Storage, user: User, amount: Decimal) -> None:
        names = ("price", "quantity", "quote_quantity", "commission")
        new = NewTradeFactory.build(user_id=user.id, **dict.fromkeys(names, amount))
        storage.trades.create_many([new])
        assert storage.trades.get(user.id, new.id) == Trade.created(new, START)

    def test_of_none_it_stores_none(self, storage: Storage) -> None:
        result = storage.trades.create_many([])
        assert (result.inserted, result.duplicates) == (0, 0)

    def test_it_takes_any_iterable_of_any_length(self, storage: Storage, user: User) -> None:
        result = storage.trades.create_many(series(NewTradeFactory.build(user_id=user.id), 1100, "exchange_trade_id"))
        assert (result.inserted, result.duplicates) == (1100, 0)

    def test_it_moves_no_balance_and_no_order(self, storage: Storage, user: User) -> None:
        order = storage.orders.create(NewOrderFactory.build(user_id=user.id))
        storage.trades.create_many([NewTradeFactory.build(of=order)])
        assert storage.orders.get(*order.key) == order
        assert storage.balances.list(user.id) == ()

    def test_a_trade_stored_already_is_a_duplicate_whatever_its_id(self, storage: Storage, user: User) -> None:
        new_trades = [NewTradeFactory.build(user_id=user.id) for _ in range(3)]
        stored = storage.trades.create(new_trades[1])
        result = storage.trades.create_many(new_trades)
        assert (result.inserted, result.duplicates) == (2, 1)
        again = storage.trades.create_many(new.changed(id=UUID(int=n)) for n, new in enumerate(new_trades))
        assert (again.inserted, again.duplicates) == (0, 3)
        assert storage.trades.get(user.id, stored.id) == stored

    def test_a_trade_listed_twice_is_a_duplicate_whatever_its_id(self, storage: Storage, user: User) -> None:
        new = NewTradeFactory.build(user_id=user.id)
        result = storage.trades.create_many(
            [new, NewTradeFactory.build(user_id=user.id), new, new.changed(id=UUID(int=1))]
        )
        assert (result.inserted, result.duplicates) == (2, 2)

    def test_they_are_stored_in_the_order_in_which_they_come(self, storage: Storage, user: User) -> None:
        first = NewTradeFactory.build(user_id=user.id, id=UUID(int=9), is_maker=True)
        again = first.changed(id=UUID(int=8), is_maker=False)
        assert storage.trades.create_many([first, again]).inserted == 1
        assert [trade.id for trade in storage.trades.list(user.id).items] == [first.id]

    def test_the_later_of_two_with_one_id_is_the_conflict(self, storage: Storage, user: User) -> None:
        new_trades = [NewTradeFactory.build(user_id=user.id, id=UUID(int=1), exchange_trade_id=name) for name in "BA"]
        with pytest.raises(ConflictError) as raised:
            storage.trades.create_many(new_trades)
        assert raised.value.conflicts == ("A",)

    def test_what_is_skipped_is_compared_with_what_is_stored_in_the_end(self, storage: Storage, user: User) -> None:
        first, second = (NewTradeFactory.build(user_id=user.id, exchange_trade_id=name) for name in "BA")
        result = storage.trades.create_many([first, second.changed(id=first.id), second])
        assert (result.inserted, result.duplicates) == (2, 1)

    def test_amounts_are_compared_by_value(self, storage: Storage, user: User) -> None:
        storage.trades.create_many([new := NewTradeFactory.build(user_id=user.id, quote_quantity=None)])
        twin = new.changed(quote_quantity=Decimal("500.00"), raw=None, traded_at=START, is_maker=True)
        result = storage.trades.create_many([twin])
        assert (result.inserted, result.duplicates) == (0, 1)

    def test_a_trade_settled_meanwhile_is_a_duplicate(self, storage: Storage, user: User) -> None:
        new = NewTradeFactory.build(user_id=user.id)
        settled = stored_as(storage, new, TradeState.SETTLED)
        assert storage.trades.create_many([new]).duplicates == 1
        assert storage.trades.get(user.id, new.id) == settled

    @each_case("field", ["side", "price", "quantity", "quote_quantity", "commission", "commission_asset"])
    def test_a_trade_that_differs_under_its_key_is_a_conflict(self, storage: Storage, field: str) -> None:
        user = storage.users.create(NewUserFactory.build())
        new = NewTradeFactory.build(user_id=user.id)
        stored = storage.trades.create(new)
        value: Any = {"side": OrderSide.SELL, "commission_asset": "MX"}.get(field, Decimal(7))
        twin = new.changed(**{field: value}, id=UUID(int=1))
        with pytest.raises(ConflictError) as caught:
            storage.trades.create_many([NewTradeFactory.build(user_id=user.id), twin])
        assert caught.value.conflicts == (new.exchange_trade_id,)
        assert storage.trades.list(user.id).items == (stored,)

    def test_another_trade_under_a_stored_id_is_a_conflict(self, storage: Storage, user: User) -> None:
        stored = storage.trades.create(NewTradeFactory.build(user_id=user.id))
        new = NewTradeFactory.build(user_id=user.id, id=stored.id)
        with pytest.raises(ConflictError) as caught:
            storage.trades.create_many([NewTradeFactory.build(user_id=user.id), new])
        assert caught.value.conflicts == (new.exchange_trade_id,)
        assert storage.trades.list(user.id).items == (stored,)

    def test_trades_of_one_call_that_differ_under_one_key_conflict(self, storage: Storage, user: User) -> None:
        new = NewTradeFactory.build(user_id=user.id)
        for twin in (new.changed(price=Decimal(1), id=UUID(int=1)), NewTradeFactory.build(user_id=user.id, id=new.id)):
            with pytest.raises(ConflictError):
                storage.trades.create_many([new, twin])
            assert storage.trades.list(user.id).items == ()

    def test_a_conflict_names_up_to_ten(self, storage: Storage, user: User) -> None:
        new_trades = [NewTradeFactory.build(user_id=user.id) for _ in range(12)]
        storage.trades.create_many(new_trades)
        with pytest.raises(ConflictError) as caught:
            storage.trades.create_many([new.changed(price=Decimal(1)) for new in new_trades])
        assert len(caught.value.conflicts) == 10
        assert set(caught.value.conflicts) <= {new.exchange_trade_id for new in new_trades}

    def test_a_trade_of_a_user_that_does_not_exist_is_not_found_and_nothing_is_stored(
        self, storage: Storage, user: User
    ) -> None:
        with pytest.raises(NotFoundError) as caught:
            storage.trades.create_many(NewTradeFactory.build(user_id=user_id) for user_id in (user.id, NOBODY))
        assert (caught.value.entity, caught.value.key) == ("user", NOBODY)
        assert storage.trades.list(user.id).items == ()

    def test_what_the_iterable_raises_passes_through_and_nothing_is_stored(self, storage: Storage, user: User) -> None:
        class SpoiltError(Exception):
            pass

        def spoilt() -> Iterator[NewTrade]:
            yield from series(NewTradeFactory.build(user_id=user.id), 700, "exchange_trade_id")
            raise SpoiltError

        with pytest.raises(SpoiltError):
            storage.trades.create_many(spoilt())
        assert storage.trades.list(user.id).items == ()
        assert storage.trades.create_many([NewTradeFactory.build(user_id=user.id)]).inserted == 1

    def test_it_is_part_of_a_transaction_around_it(self, storage: Storage, user: User) -> None:
        new_trades = [NewTradeFactory.build(user_id=user.id) for _ in range(3)]
        with pytest.raises(KeyError), storage.transaction() as tx:
            tx.trades.create_many(new_trades)
            assert len(tx.trades.list(user.id).items) == 3
            assert storage.trades.list(user.id).items == ()
            raise KeyError
        assert storage.trades.list(user.id).items == ()
