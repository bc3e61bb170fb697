"""Which trade is which: the same one again, one with other content, one that names the wrong order."""

from decimal import Decimal
from uuid import UUID

import pytest

from metacore.domain.trading.orders import OrderSide
from metacore.domain.trading.trades import Trade
from metacore.errors import ConflictError, NotFoundError


def test_a_self_trade_is_two_trades(day):
    buy, sell = day.buy(), day.sell()
    shared = {"exchange_trade_id": "both"}
    trades = day.trade(buy, 10, 100, **shared), day.trade(sell, 10, 100, **shared)
    assert [result.outcome for result in day.settle(*trades)] == ["SETTLED", "SETTLED"]
    assert [result.outcome for result in day.settle(*trades)] == ["DUPLICATE", "DUPLICATE"]
    assert day.money() == {"USDT": "1000 / 0", "BTC": "10 / 0"}


def test_a_self_trade_of_unknown_orders_is_two_trades(day):
    shared = {"order_id": None, "exchange_trade_id": "both"}
    buy = day.trade(day.order(price=1, quantity=1), 1, 1, exchange_order_id="b", **shared)
    sell = day.trade(day.order("SELL", price=1, quantity=1), 1, 1, client_order_id="s", **shared)
    assert [result.outcome for result in day.settle(buy, sell)] == ["UNKNOWN_ORDER", "UNKNOWN_ORDER"]
    assert len(day.trades) == 2


def test_a_trade_from_another_source_is_the_same_by_its_content(day):
    order = day.buy(client_order_id="mine", exchange_order_id="x1")
    rest = day.trade(order, "4.0", "100.00", quote_quantity="400.000", commission="0.10", commission_asset="BTC")
    stream = {"id": UUID(int=9), "order_id": None, "exchange_order_id": "x1", "quote_quantity": None, "is_maker": True}
    assert day.outcome(rest) == "SETTLED"
    assert day.outcome(rest.model_copy(update={**stream, "commission": Decimal("0.1")})) == "DUPLICATE"


@pytest.mark.parametrize(
    "change",
    [
        {"price": Decimal(101)},
        {"quantity": Decimal(5)},
        {"quote_quantity": Decimal(401)},
        {"commission": Decimal("0.2")},
        {"commission_asset": "MX"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_same_key_with_other_content_is_a_conflict(day, change):
    order = day.buy()
    trade = day.trade(order, 4, 100, quote_quantity=400, commission="0.1", commission_asset="BTC")
    day.settle(trade)
    before = day.state()
    [result] = day.settle(trade.model_copy(update={"id": UUID(int=9), **change}))
    assert (result.outcome, result.trade, result.order) == ("CONFLICT", None, None)
    assert isinstance(result.error, ConflictError)
    assert day.state() == before


@pytest.mark.parametrize(
    "waiting",
    [{"commission": 1, "commission_asset": "MX"}, {"order_id": None, "exchange_order_id": "unknown"}],
    ids=["short of funds", "of an unknown order"],
)
def test_a_waiting_trade_is_not_overwritten_either(day, waiting):
    trade = day.trade(day.buy(), 4, 100, **waiting)
    [first] = day.settle(trade)
    assert first.trade.state == "PENDING"
    before = day.state()
    assert day.outcome(trade.model_copy(update={"price": Decimal(99)})) == "CONFLICT"
    assert day.state() == before


def test_an_id_of_another_trade_is_a_conflict(day):
    order = day.buy()
    trade = day.trade(order, 1, 100)
    same_id = trade.model_copy(update={"exchange_trade_id": "another"})
    results = day.settle(trade, same_id)
    assert [row.outcome for row in results] == ["SETTLED", "CONFLICT"]
    assert results[1].error.conflicts == (str(trade.id),)


def test_a_trade_of_nobody_is_invalid(day):
    order = day.buy()
    before = day.state()
    [result] = day.settle(day.trade(order, 1, 100).model_copy(update={"user_id": UUID(int=99)}))
    assert (result.outcome, result.trade, result.order) == ("INVALID", None, None)
    assert isinstance(result.error, NotFoundError)
    assert day.state() == before


MISMATCHES = [{"symbol": "NEWBTCUSDT"}, {"side": OrderSide.SELL}, {"symbol": "NEWBTCUSDT", "side": OrderSide.SELL}]


@pytest.mark.parametrize("change", MISMATCHES, ids=str)
def test_a_trade_of_another_symbol_or_side_waits_and_does_not_count(day, change):
    order = day.buy()
    trade = day.trade(order, 10, 100, commission=5, commission_asset="MX").changed(**change)
    good = day.trade(order, 1, 100)
    results = day.settle(trade, good, trade)
    assert [row.outcome for row in results] == ["MISMATCH", "SETTLED", "MISMATCH"]
    assert [row.error for row in results] == [None, None, None]
    assert day.trades[trade.id] == results[0].trade == results[2].trade
    assert (results[0].trade.state, results[0].order) == ("PENDING", order)
    stored = day.stored(order)
    assert (stored.status, stored.executed_quantity, stored.held_amount) == ("PARTIALLY_FILLED", 1, 900)
    assert [row.outcome for row in day.settle_pending()] == ["MISMATCH"]
    # It keeps nothing of the hold either.
    [closed] = day.apply(day.report(order, "CANCELED", 1))
    assert (closed.order.executed_quantity, closed.order.held_amount) == (1, 0)
    assert day.money() == {"BTC": "1 / 0", "USDT": "900 / 0"}


@pytest.mark.parametrize("change", MISMATCHES, ids=str)
def test_a_recorded_trade_of_another_symbol_or_side_does_not_count(day, change):
    order = day.buy()
    trade = day.trade(order, 5, 100).changed(**change)
    day.trades[trade.id] = Trade.created(trade, day.now)
    [closed] = day.apply(day.report(order, "CANCELED", 0))
    assert (closed.order.status, closed.order.executed_quantity, closed.order.held_amount) == ("CANCELED", 0, 0)
    [result] = day.settle(trade)
    assert (result.outcome, result.trade.state, result.trade.version) == ("MISMATCH", "PENDING", 2)
    assert day.stored(order) == closed.order


def test_a_mismatched_trade_settles_once_the_order_says_the_same(day):
    order = day.buy(exchange_order_id="x1")
    trade = day.trade(order, 10, 100, order_id=None, exchange_order_id="x1", symbol="NEWBTCUSDT")
    [result] = day.settle(trade)
    assert (result.outcome, result.trade.order_id) == ("MISMATCH", None)
    day.apply(day.report(order, "CANCELED", 0))
    del day.orders[order.key]
    renamed = day.order(price=100, quantity=10, symbol="NEWBTCUSDT", exchange_order_id="x1")
    [found] = day.apply(day.report(None, "FILLED", 10, exchange_order_id="x1", order=renamed))
    [settled] = day.settle_pending()
    assert (settled.outcome, settled.trade.id, settled.trade.order_id) == ("SETTLED", trade.id, found.order.id)
    assert day.money() == {"BTC": "10 / 0"}


def test_a_mismatched_trade_sent_with_other_content_is_a_conflict(day):
    trade = day.trade(day.buy(), 1, 100, symbol="NEWBTCUSDT")
    assert [row.outcome for row in day.settle(trade, trade.changed(price=Decimal(99)))] == ["MISMATCH", "CONFLICT"]


def test_a_trade_told_by_two_ids_of_which_one_differs_is_the_same(day):
    # Some exchanges tell the client_order_id of the cancel request.
    fields = {"exchange_trade_id": "t", "order_id": None, "exchange_order_id": "x1"}
    order = day.order(price=100, quantity=10, exchange_order_id="x1")
    for client_order_id in ("mine", "of the cancel request"):
        trade = day.trade(order, 4, 100, client_order_id=client_order_id, **fields)
        assert day.outcome(trade) == "UNKNOWN_ORDER"
    assert len(day.trades) == 1
    day.deposit("USDT", 1000)
    day.place(order)
    assert [row.outcome for row in day.settle_pending()] == ["SETTLED"]


@pytest.mark.parametrize("ids", [{"exchange_order_id": "b"}, {"client_order_id": "bb"}, {"exchange_order_id": "c"}])
def test_ids_that_contradict_each_other_are_a_conflict(day, ids):
    day.deposit("USDT", 1000)
    first = day.place(day.order(price=100, quantity=1, exchange_order_id="a", client_order_id="aa"))
    day.place(day.order(price=100, quantity=1, exchange_order_id="b", client_order_id="bb"))
    [result] = day.settle(day.trade(first, 1, 100, **ids))
    assert (result.outcome, type(result.error)) == ("CONFLICT", ConflictError)


def test_amounts_that_cannot_be_stored_are_invalid(day):
    largest = Decimal("99999999999999999999999999999999999999")
    order = day.buy()
    day.deposit("BTC", largest)
    day.deposit("MX", largest)
    [credit] = day.settle(day.trade(order, 1, 100))
    [rebate] = day.settle(day.trade(order, "0.1", 100, commission=-1, commission_asset="MX"))
    assert (credit.outcome, credit.error.field) == ("INVALID", "quantity")
    assert (rebate.outcome, rebate.error.field) == ("INVALID", "commission")
    day.withdraw("BTC", largest)
    day.settle(day.trade(order, largest, 0, quote_quantity=0))
    [executed] = day.settle(day.trade(order, largest, 0, quote_quantity=0))
    assert (executed.outcome, executed.error.field) == ("INVALID", "quantity")


def test_an_order_learns_the_id_of_the_exchange_from_a_trade(day):
    order = day.buy(client_order_id="mine")
    first = day.trade(order, 1, 100, order_id=None, client_order_id="mine", exchange_order_id="x1")
    later = day.trade(order, 1, 100, order_id=None, exchange_order_id="x1", commission=1, commission_asset="MX")
    day.deposit("MX", 1)
    results = day.settle(first, later)
    assert [row.outcome for row in results] == ["SETTLED", "SETTLED"]
    assert results[0].order.exchange_order_id == "x1"
    assert {row.trade.order_id for row in results} == {order.id}
