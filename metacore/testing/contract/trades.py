"""The contract of the storage of trades."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from metacore.domain.changes import Changes
from metacore.domain.orders import OrderSide
from metacore.domain.pages import Page
from metacore.domain.trades import NewTrade, Trade, TradeFilter, TradeState
from metacore.domain.users import User
from metacore.errors import AlreadyExistsError, ConflictError, InvalidDataError, NotFoundError
from metacore.sync.storage.storage import Storage
from metacore.testing.clock import START
from metacore.testing.contract.base import Contract
from metacore.testing.contract.paging import PagedListContract
from metacore.testing.contract.samples import EDGE_AMOUNTS, HOSTILE_JSON, HOSTILE_TEXTS, NOBODY, SPOILT_TEXTS
from metacore.testing.factories import NewOrderFactory, NewTradeFactory


def stored_as(storage: Storage, new: NewTrade, state: TradeState) -> Trade:
    """`new`, stored in this state, which only a decision can give a trade."""
    trade = Trade.created(new, storage.now(), state)
    storage.run(lambda tx: tx.save(Changes(trades=(trade,))))
    return trade


class TradeStorageContract(Contract):
    """Of `metacore.storage.trades.TradeStorage`, without its lists and imports."""

    @pytest.fixture
    def trade(self, storage: Storage, user: User) -> Trade:
        return storage.trades.create(NewTradeFactory.build(user_id=user.id))

    def test_create_stores_a_trade_as_recorded_at_version_1_and_returns_it(self, storage: Storage, user: User) -> None:
        new = NewTradeFactory.build(
            user_id=user.id,
            order_id=NOBODY,
            client_order_id="client",
            side=OrderSide.SELL,
            quote_quantity=Decimal("499.99"),
            commission=Decimal("-0.000000000000000001"),
            is_maker=False,
            traded_at=START - timedelta(days=1, microseconds=1),
            raw={"id": "X"},
        )
        trade = storage.trades.create(new)
        assert trade == Trade(**new.fields(), state=TradeState.RECORDED, created_at=START, updated_at=START)
        assert storage.trades.get(user.id, trade.id) == trade

    @pytest.mark.parametrize(("side", "money"), [("BUY", "0.000000000000000003"), ("SELL", "0.000000000000000002")])
    def test_create_computes_the_quote_quantity_that_is_not_told(
        self, storage: Storage, user: User, side: str, money: str
    ) -> None:
        amounts = {"price": Decimal("0.1"), "quantity": Decimal("0.000000000000000025"), "commission": Decimal(0)}
        trade = storage.trades.create(NewTradeFactory.build(user_id=user.id, side=side, **amounts))
        assert trade.quote_quantity == Decimal(money)
        assert storage.trades.get(user.id, trade.id) == trade

    def test_create_leaves_empty_what_is_not_told(self, storage: Storage, user: User) -> None:
        new = NewTradeFactory.build(user_id=user.id, commission=Decimal(0), commission_asset=None)
        trade = storage.trades.create(new)
        assert trade.fields().items() >= {**new.fields(), "quote_quantity": Decimal(500)}.items()
        assert storage.trades.get(user.id, trade.id) == trade

    def test_create_moves_no_balance_and_no_order(self, storage: Storage, user: User) -> None:
        order = storage.orders.create(NewOrderFactory.build(user_id=user.id))
        storage.trades.create(NewTradeFactory.build(of=order))
        assert storage.orders.get(*order.key) == order
        assert storage.order_updates.list(*order.key) == ()
        assert storage.balances.list(user.id) == ()

    def test_create_for_a_user_that_does_not_exist_is_not_found(self, storage: Storage) -> None:
        with pytest.raises(NotFoundError) as caught:
            storage.trades.create(NewTradeFactory.build(user_id=NOBODY))
        assert (caught.value.entity, caught.value.key) == ("user", NOBODY)

    def test_create_names_the_id_that_is_taken(self, storage: Storage, user: User, trade: Trade) -> None:
        with pytest.raises(AlreadyExistsError) as caught:
            storage.trades.create(NewTradeFactory.build(user_id=user.id, id=trade.id))
        assert (caught.value.entity, caught.value.field, caught.value.value) == ("trade", "id", trade.id)
        assert storage.trades.list(user.id).items == (trade,)

    def test_create_names_the_exchange_trade_id_that_is_taken(self, storage: Storage, user: User, trade: Trade) -> None:
        with pytest.raises(AlreadyExistsError) as caught:
            storage.trades.create(NewTradeFactory.build(user_id=user.id, exchange_trade_id=trade.exchange_trade_id))
        error = caught.value
        assert (error.entity, error.field, error.value) == ("trade", "exchange_trade_id", trade.exchange_trade_id)
        assert storage.trades.list(user.id).items == (trade,)

    @pytest.mark.parametrize("differs", ["user_id", "symbol", "exchange_order_id"])
    def test_an_exchange_trade_id_is_unique_for_user_symbol_and_order(
        self, storage: Storage, trade: Trade, other: User, differs: str
    ) -> None:
        key = ("user_id", "symbol", "exchange_order_id", "exchange_trade_id")
        fields = {name: getattr(trade, name) for name in key}
        fields |= {differs: other.id if differs == "user_id" else "other"}
        twin = storage.trades.create(NewTradeFactory.build(**fields))
        assert storage.trades.get(twin.user_id, twin.id) == twin
        assert storage.trades.get(trade.user_id, trade.id) == trade

    def test_a_trade_needs_no_stored_order(self, storage: Storage, user: User) -> None:
        trade = storage.trades.create(NewTradeFactory.build(user_id=user.id, order_id=NOBODY))
        assert storage.trades.list_by_order(user.id, NOBODY) == (trade,)

    @pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=ascii)
    def test_every_text_comes_back_as_it_went_in(self, storage: Storage, user: User, text: str) -> None:
        names = ("exchange_order_id", "client_order_id", "exchange_trade_id", "symbol", "commission_asset")
        new = NewTradeFactory.build(user_id=user.id, **dict.fromkeys(names, text), raw={text: text})
        trade = storage.trades.create(new)
        assert storage.trades.get(user.id, trade.id) == trade
        assert {getattr(trade, name) for name in names} == {text}
        assert storage.trades.get_by_exchange_trade_id(user.id, text, text) == (trade,)
        assert storage.trades.list(user.id, TradeFilter(symbol=text)).items == (trade,)

    @pytest.mark.parametrize("amount", EDGE_AMOUNTS, ids=str)
    def test_every_amount_comes_back_to_the_digit(self, storage: Storage, user: User, amount: Decimal) -> None:
        names = ("price", "quantity", "quote_quantity", "commission")
        trade = storage.trades.create(NewTradeFactory.build(user_id=user.id, **dict.fromkeys(names, amount)))
        stored = storage.trades.get(user.id, trade.id)
        assert stored == trade
        assert {getattr(stored, name).as_tuple() for name in names} == {amount.as_tuple()}

    def test_raw_comes_back_equal_and_in_order(self, storage: Storage, user: User) -> None:
        new = NewTradeFactory.build(user_id=user.id, raw=HOSTILE_JSON)
        storage.trades.create(new)
        stored = storage.trades.get(user.id, new.id)
        assert stored.raw == new.raw
        assert repr(stored.raw) == repr(new.raw)

    def test_get_of_a_trade_that_the_user_has_not_is_not_found(
        self, storage: Storage, trade: Trade, other: User
    ) -> None:
        for key in ((other.id, trade.id), (trade.user_id, NOBODY), (NOBODY, trade.id)):
            with pytest.raises(NotFoundError) as caught:
                storage.trades.get(*key)
            assert (caught.value.entity, caught.value.key) == ("trade", key)

    def test_get_by_exchange_trade_id_gives_none_one_or_the_two_of_a_self_trade_by_id(
        self, storage: Storage, user: User, other: User, trade: Trade
    ) -> None:
        key = {"symbol": trade.symbol, "exchange_trade_id": trade.exchange_trade_id}
        assert storage.trades.get_by_exchange_trade_id(user.id, trade.symbol, trade.exchange_trade_id) == (trade,)
        assert storage.trades.get_by_exchange_trade_id(other.id, trade.symbol, trade.exchange_trade_id) == ()
        assert storage.trades.get_by_exchange_trade_id(user.id, "ETHUSDT", trade.exchange_trade_id) == ()
        assert storage.trades.get_by_exchange_trade_id(user.id, trade.symbol, "unknown") == ()
        storage.trades.create(NewTradeFactory.build(user_id=other.id, **key))
        before = storage.trades.create(
            NewTradeFactory.build(id=UUID(int=1), user_id=user.id, **key, exchange_order_id="the other side")
        )
        both = storage.trades.get_by_exchange_trade_id(user.id, trade.symbol, trade.exchange_trade_id)
        assert both == (before, trade)

    @pytest.mark.parametrize("text", SPOILT_TEXTS, ids=ascii)
    def test_a_text_that_cannot_be_stored_is_refused(self, storage: Storage, user: User, text: str) -> None:
        for texts in ((text, "X1"), ("BTCUSDT", text)):
            with pytest.raises(InvalidDataError):
                storage.trades.get_by_exchange_trade_id(user.id, *texts)

    def test_get_many_answers_in_key_order_each_key_once_missing_ones_left_out(
        self, storage: Storage, user: User, other: User
    ) -> None:
        ids = [UUID(int=n) for n in (5, 2**127, 1, 2**128 - 1, 2**64)]
        trades = [storage.trades.create(NewTradeFactory.build(id=i, user_id=user.id)) for i in ids]
        trades.append(storage.trades.create(NewTradeFactory.build(id=ids[0], user_id=other.id)))
        keys = [(trade.user_id, trade.id) for trade in trades]
        asked = [*keys, *keys[::-1], (user.id, NOBODY), (NOBODY, ids[0]), (other.id, ids[1])]
        expected = tuple(sorted(trades, key=lambda trade: (trade.user_id, trade.id)))
        assert storage.trades.get_many(iter(asked)) == expected
        assert storage.trades.get_many([]) == ()


class TradeListContract(PagedListContract):
    """Of `TradeStorage.list`, `list_by_order`, `list_pending` and `stream`."""

    def insert(self, storage: Storage, user: User, count: int) -> None:
        for n in range(count):
            traded_at = START + timedelta(seconds=(n * 7) % 5)
            storage.trades.create(NewTradeFactory.build(user_id=user.id, traded_at=traded_at))

    def read(self, storage: Storage, user: User, after: Any = None, limit: Any = 100) -> Page[Any]:
        return storage.trades.list(user.id, after=after, limit=limit)

    def read_otherwise(self, storage: Storage, user: User, other: User) -> Iterator[Page[Any]]:
        yield storage.trades.list(other.id, limit=1)
        yield storage.trades.list(user.id, TradeFilter(side=OrderSide.BUY), limit=1)
        yield storage.trades.list(user.id, TradeFilter(since=START), limit=1)
        storage.orders.create_many(NewOrderFactory.build(user_id=user.id) for _ in range(2))
        yield storage.orders.list(user.id, limit=1)
        yield storage.users.list(limit=1)

    @pytest.fixture
    def trades(self, storage: Storage, user: User, other: User) -> tuple[Trade, ...]:
        """Trades of the user, newest first, told in another order; with others' among them."""
        trades = []
        for n, seconds in enumerate((3, 1, 2, 2, 2, 5)):
            traded_at = START + timedelta(seconds=seconds)
            order_id = UUID(int=n % 2)
            for owner in (user, other):
                new = NewTradeFactory.build(user_id=owner.id, order_id=order_id, traded_at=traded_at)
                trades.append(stored_as(storage, new, list(TradeState)[n % 3]))
        mine = [trade for trade in trades if trade.user_id == user.id]
        return tuple(sorted(mine, key=lambda trade: (trade.traded_at, trade.id), reverse=True))

    def test_trades_come_newest_first(self, storage: Storage, user: User, trades: tuple[Trade, ...]) -> None:
        assert storage.trades.list(user.id).items == trades
        assert tuple(storage.trades.stream(user.id)) == trades

    def test_trades_of_the_same_time_come_by_id_descending(self, storage: Storage, user: User) -> None:
        ids = [UUID(int=n) for n in (5, 2**127, 1, 2**128 - 1, 2**64)]
        for trade_id in ids:
            storage.trades.create(NewTradeFactory.build(user_id=user.id, id=trade_id, traded_at=START))
        assert [trade.id for trade in storage.trades.list(user.id).items] == sorted(ids, reverse=True)
        assert [trade.id for trade in storage.trades.stream(user.id)] == sorted(ids, reverse=True)

    @pytest.mark.parametrize(
        "fields",
        [
            {"symbol": "ETHUSDT"},
            {"side": OrderSide.SELL},
            {"state": TradeState.PENDING},
            {"symbol": "ETHUSDT", "side": OrderSide.SELL, "state": TradeState.SETTLED},
        ],
        ids=lambda fields: "-".join(fields),
    )
    def test_a_filter_takes_trades_that_match_every_given_field(
        self, storage: Storage, user: User, fields: dict[str, Any]
    ) -> None:
        for symbol in ("BTCUSDT", "ETHUSDT", "ethusdt"):
            for side in OrderSide:
                for state in TradeState:
                    stored_as(storage, NewTradeFactory.build(user_id=user.id, symbol=symbol, side=side), state)
        everything = storage.trades.list(user.id).items
        matching = tuple(row for row in everything if all(getattr(row, name) == fields[name] for name in fields))
        assert storage.trades.list(user.id, TradeFilter(**fields)).items == matching
        assert tuple(storage.trades.stream(user.id, TradeFilter(**fields))) == matching

    def test_since_is_inclusive_and_until_exclusive(self, storage: Storage, user: User) -> None:
        times = [START + timedelta(microseconds=n) for n in range(3)]
        first, second, third = (
            storage.trades.create(NewTradeFactory.build(user_id=user.id, traded_at=time)) for time in times
        )

        def listed(**times: Any) -> tuple[Trade, ...]:
            return storage.trades.list(user.id, TradeFilter(**times)).items

        assert listed(since=times[1]) == (third, second)
        assert listed(until=times[1]) == (first,)
        assert listed(since=times[1], until=times[2]) == (second,)
        assert listed(since=times[2], until=times[0]) == ()
        assert tuple(storage.trades.stream(user.id, TradeFilter(since=times[1]))) == (third, second)

    def test_list_by_order_is_oldest_first(
        self, storage: Storage, user: User, other: User, trades: tuple[Trade, ...]
    ) -> None:
        for n in (0, 1):
            of_order = tuple(trade for trade in reversed(trades) if trade.order_id == UUID(int=n))
            assert storage.trades.list_by_order(user.id, UUID(int=n)) == of_order
        assert len(storage.trades.list_by_order(other.id, UUID(int=0))) == 3
        assert storage.trades.list_by_order(user.id, NOBODY) == ()

    def test_list_pending_is_oldest_first(
        self, storage: Storage, user: User, other: User, trades: tuple[Trade, ...]
    ) -> None:
        pending = tuple(trade for trade in reversed(trades) if trade.state is TradeState.PENDING)
        assert storage.trades.list_pending(user.id) == pending
        assert len(pending) == 2
        assert {trade.user_id for trade in storage.trades.list_pending(other.id)} == {other.id}

    def test_lists_without_a_page_have_no_limit(self, storage: Storage, user: User) -> None:
        told = [NewTradeFactory.build(user_id=user.id, order_id=NOBODY) for _ in range(1005)]
        pending = tuple(Trade.created(new, START, TradeState.PENDING) for new in told)
        storage.run(lambda tx: tx.save(Changes(trades=pending)))
        assert storage.trades.list_by_order(user.id, NOBODY) == pending
        assert storage.trades.list_pending(user.id) == pending

    def test_stream_is_every_trade_however_many(self, storage: Storage, user: User) -> None:
        storage.trades.create_many(NewTradeFactory.build(user_id=user.id) for _ in range(2005))
        streamed = list(storage.trades.stream(user.id))
        assert streamed == sorted(streamed, key=lambda trade: (trade.traded_at, trade.id), reverse=True)
        assert len({trade.id for trade in streamed}) == 2005

    def test_stream_has_every_trade_that_was_there_throughout_once(self, storage: Storage, user: User) -> None:
        storage.trades.create_many(NewTradeFactory.build(user_id=user.id) for _ in range(1500))
        there = list(storage.trades.stream(user.id))
        streamed = []
        for n, trade in enumerate(storage.trades.stream(user.id)):
            streamed.append(trade)
            if n % 500 == 0:
                for time in (START - timedelta(days=1), START + timedelta(days=1)):
                    storage.trades.create(NewTradeFactory.build(user_id=user.id, traded_at=time))
        assert len(streamed) == len(set(streamed))
        assert set(streamed) >= set(there)

    def test_stream_may_be_left_early(self, storage: Storage, user: User, trades: tuple[Trade, ...]) -> None:
        stream = storage.trades.stream(user.id)
        assert next(stream) == trades[0]
        stream.close()  # type: ignore[attr-defined]
        assert next(iter(storage.trades.stream(user.id))) == trades[0]

    def test_stream_in_a_transaction_reads_its_own_writes(self, storage: Storage, user: User) -> None:
        with storage.transaction() as tx:
            trade = tx.trades.create(NewTradeFactory.build(user_id=user.id))
            assert list(tx.trades.stream(user.id)) == [trade]
            assert list(storage.trades.stream(user.id)) == []


class TradeImportContract(Contract):
    """Of `TradeStorage.create_many`."""

    def test_every_trade_is_stored_as_create_would(self, storage: Storage, user: User, other: User) -> None:
        told = [NewTradeFactory.build(user_id=user_id, raw=HOSTILE_JSON) for user_id in (user.id, other.id) * 3]
        result = storage.trades.create_many(told)
        assert (result.inserted, result.duplicates) == (6, 0)
        for new in told:
            expected = Trade.created(new, START)
            assert storage.trades.get(new.user_id, new.id) == expected

    @pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=ascii)
    def test_every_text_comes_back_as_it_went_in(self, storage: Storage, user: User, text: str) -> None:
        names = ("exchange_order_id", "client_order_id", "exchange_trade_id", "symbol", "commission_asset")
        new = NewTradeFactory.build(user_id=user.id, **dict.fromkeys(names, text), raw={text: text})
        storage.trades.create_many([new])
        assert storage.trades.get(user.id, new.id) == Trade.created(new, START)

    @pytest.mark.parametrize("amount", EDGE_AMOUNTS, ids=str)
    def test_every_amount_comes_back_to_the_digit(self, storage: Storage, user: User, amount: Decimal) -> None:
        names = ("price", "quantity", "quote_quantity", "commission")
        new = NewTradeFactory.build(user_id=user.id, **dict.fromkeys(names, amount))
        storage.trades.create_many([new])
        assert storage.trades.get(user.id, new.id) == Trade.created(new, START)

    def test_of_none_it_stores_none(self, storage: Storage) -> None:
        result = storage.trades.create_many([])
        assert (result.inserted, result.duplicates) == (0, 0)

    def test_it_takes_any_iterable_of_any_length(self, storage: Storage, user: User) -> None:
        result = storage.trades.create_many(NewTradeFactory.build(user_id=user.id) for _ in range(2500))
        assert (result.inserted, result.duplicates) == (2500, 0)

    def test_it_moves_no_balance_and_no_order(self, storage: Storage, user: User) -> None:
        order = storage.orders.create(NewOrderFactory.build(user_id=user.id))
        storage.trades.create_many([NewTradeFactory.build(of=order)])
        assert storage.orders.get(*order.key) == order
        assert storage.balances.list(user.id) == ()

    def test_a_trade_stored_already_is_a_duplicate_whatever_its_id(self, storage: Storage, user: User) -> None:
        told = [NewTradeFactory.build(user_id=user.id) for _ in range(3)]
        stored = storage.trades.create(told[1])
        result = storage.trades.create_many(told)
        assert (result.inserted, result.duplicates) == (2, 1)
        again = storage.trades.create_many(new.changed(id=UUID(int=n)) for n, new in enumerate(told))
        assert (again.inserted, again.duplicates) == (0, 3)
        assert storage.trades.get(user.id, stored.id) == stored

    def test_a_trade_given_twice_is_a_duplicate_whatever_its_id(self, storage: Storage, user: User) -> None:
        new = NewTradeFactory.build(user_id=user.id)
        result = storage.trades.create_many(
            [new, NewTradeFactory.build(user_id=user.id), new, new.changed(id=UUID(int=1))]
        )
        assert (result.inserted, result.duplicates) == (2, 2)

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

    @pytest.mark.parametrize("field", ["side", "price", "quantity", "quote_quantity", "commission", "commission_asset"])
    def test_a_trade_that_differs_under_its_key_is_a_conflict(self, storage: Storage, user: User, field: str) -> None:
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
        told = [NewTradeFactory.build(user_id=user.id) for _ in range(12)]
        storage.trades.create_many(told)
        with pytest.raises(ConflictError) as caught:
            storage.trades.create_many([new.changed(price=Decimal(1)) for new in told])
        assert len(caught.value.conflicts) == 10
        assert set(caught.value.conflicts) <= {new.exchange_trade_id for new in told}

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
            for _ in range(700):
                yield NewTradeFactory.build(user_id=user.id)
            raise SpoiltError

        with pytest.raises(SpoiltError):
            storage.trades.create_many(spoilt())
        assert storage.trades.list(user.id).items == ()
        assert storage.trades.create_many([NewTradeFactory.build(user_id=user.id)]).inserted == 1

    def test_it_is_part_of_a_transaction_around_it(self, storage: Storage, user: User) -> None:
        told = [NewTradeFactory.build(user_id=user.id) for _ in range(3)]
        with pytest.raises(KeyError), storage.transaction() as tx:
            tx.trades.create_many(told)
            assert len(tx.trades.list(user.id).items) == 3
            assert storage.trades.list(user.id).items == ()
            raise KeyError
        assert storage.trades.list(user.id).items == ()
