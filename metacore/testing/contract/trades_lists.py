"""The contract of the lists of trades."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from metacore.domain.people.users import User
from metacore.domain.trading.decisions import Changes
from metacore.domain.trading.orders import OrderSide
from metacore.domain.trading.trades import Trade, TradeFilter, TradeState
from metacore.domain.values.pages import Page
from metacore.sync.storage.storage import Storage
from metacore.testing.cases import each_case
from metacore.testing.clock import START
from metacore.testing.contract.samples import NOBODY
from metacore.testing.contract.series import series
from metacore.testing.contract.storage_paging import PagedListContract
from metacore.testing.contract.trades import stored_as
from metacore.testing.factories import NewOrderFactory, NewTradeFactory


class TradeListContract(PagedListContract):
    """Of `TradeStorage.list`, `list_by_order`, `list_pending` and `stream`."""

    def insert(self, storage: Storage, user: User, count: int) -> None:
        for n in range(count):
            traded_at = START + timedelta(seconds=(n * 7) % 5)
            storage.trades.create(NewTradeFactory.build(user_id=user.id, traded_at=traded_at))

    def read(self, storage: Storage, user: User, after: Any = None, limit: Any = 100) -> Page[Any]:
        return storage.trades.list(user.id, after=after, limit=limit)

    def stream(self, storage: Storage, user: User) -> Iterator[Any]:
        return storage.trades.stream(user.id)

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

    @each_case(
        "fields",
        [
            {"symbol": "ETHUSDT"},
            {"side": OrderSide.SELL},
            {"state": TradeState.PENDING},
            {"symbol": "ETHUSDT", "side": OrderSide.SELL, "state": TradeState.SETTLED},
        ],
    )
    def test_a_filter_takes_trades_that_match_all_its_fields(
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
        new_trades = series(NewTradeFactory.build(user_id=user.id, order_id=NOBODY), 1005, "exchange_trade_id")
        pending = tuple(Trade.created(new, START, TradeState.PENDING) for new in new_trades)
        storage.run(lambda tx: tx.save(Changes(trades=pending)))
        assert storage.trades.list_by_order(user.id, NOBODY) == pending
        assert storage.trades.list_pending(user.id) == pending

    def test_stream_is_every_trade_however_many(self, storage: Storage, user: User) -> None:
        storage.trades.create_many(series(NewTradeFactory.build(user_id=user.id), 1005, "exchange_trade_id"))
        streamed = list(storage.trades.stream(user.id))
        assert streamed == sorted(streamed, key=lambda trade: (trade.traded_at, trade.id), reverse=True)
        assert len({trade.id for trade in streamed}) == 1005

    def test_stream_has_every_trade_that_was_there_throughout_once(self, storage: Storage, user: User) -> None:
        storage.trades.create_many(series(NewTradeFactory.build(user_id=user.id), 1100, "exchange_trade_id"))
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
