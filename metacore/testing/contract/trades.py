"""The contract of the storage of trades."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from metacore.domain.people.users import User
from metacore.domain.trading.decisions import Changes
from metacore.domain.trading.orders import OrderSide
from metacore.domain.trading.trades import NewTrade, Trade, TradeFilter, TradeState
from metacore.errors import AlreadyExistsError, InvalidDataError, NotFoundError
from metacore.sync.storage.storage import Storage
from metacore.sync.storage.trades import TradeStorage
from metacore.testing.cases import each_case
from metacore.testing.clock import START
from metacore.testing.contract.base import Contract
from metacore.testing.contract.samples import EDGE_AMOUNTS, HOSTILE_JSON, HOSTILE_TEXTS, NOBODY, SPOILT_TEXTS
from metacore.testing.factories import NewOrderFactory, NewTradeFactory

OPERATIONS: dict[str, Callable[[TradeStorage], object]] = {
    "create": lambda trades: trades.create(NewTradeFactory.build(user_id=NOBODY)),
    "create_many": lambda trades: trades.create_many([NewTradeFactory.build(user_id=NOBODY)]),
    "get": lambda trades: trades.get(NOBODY, NOBODY),
    "get_by_exchange_trade_id": lambda trades: trades.get_by_exchange_trade_id(NOBODY, "X", "1"),
    "get_many": lambda trades: trades.get_many([(NOBODY, NOBODY)]),
    "list": lambda trades: trades.list(NOBODY),
    "list_by_order": lambda trades: trades.list_by_order(NOBODY, NOBODY),
    "list_pending": lambda trades: trades.list_pending(NOBODY),
    "pending": lambda trades: trades.pending(),
    "stream_pending": lambda trades: list(trades.stream_pending()),
    "stream": lambda trades: list(trades.stream(NOBODY)),
}
"""Every operation, on what does not exist."""


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
    def test_create_computes_a_missing_quote_quantity(
        self, storage: Storage, user: User, side: str, money: str
    ) -> None:
        amounts = {"price": Decimal("0.1"), "quantity": Decimal("0.000000000000000025"), "commission": Decimal(0)}
        trade = storage.trades.create(NewTradeFactory.build(user_id=user.id, side=side, **amounts))
        assert trade.quote_quantity == Decimal(money)
        assert storage.trades.get(user.id, trade.id) == trade

    def test_create_leaves_empty_what_the_trade_lacks(self, storage: Storage, user: User) -> None:
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

    @each_case("text", HOSTILE_TEXTS)
    def test_every_text_comes_back_as_it_went_in(self, storage: Storage, user: User, text: str) -> None:
        names = ("exchange_order_id", "client_order_id", "exchange_trade_id", "symbol", "commission_asset")
        new = NewTradeFactory.build(user_id=user.id, **dict.fromkeys(names, text), raw={text: text})
        trade = storage.trades.create(new)
        assert storage.trades.get(user.id, trade.id) == trade
        assert {getattr(trade, name) for name in names} == {text}
        assert storage.trades.get_by_exchange_trade_id(user.id, text, text) == (trade,)
        assert storage.trades.list(user.id, TradeFilter(symbol=text)).items == (trade,)

    @each_case("amount", EDGE_AMOUNTS)
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

    @each_case("text", SPOILT_TEXTS)
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
