"""Trades whose money waits: short of funds, of an unknown order, or only recorded so far."""

from uuid import UUID

import pytest

from metacore.domain.trading.trades import Trade, TradeState


def test_a_fill_that_the_balance_cannot_cover_waits_whole(day):
    order = day.buy()
    trade = day.trade(order, 4, "100.5", commission=1, commission_asset="MX")
    [result] = day.settle(trade)
    assert (result.outcome, result.trade.state, result.error) == ("PENDING", "PENDING", None)
    assert {(row.asset, row.amount) for row in result.missing} == {("USDT", 2), ("MX", 1)}
    assert (result.order.status, result.order.executed_quantity, result.order.settled_quantity) == (
        "PARTIALLY_FILLED",
        4,
        0,
    )
    assert day.money() == {"USDT": "0 / 1000"}
    before = day.state()
    [again] = day.settle(trade)
    assert (again.outcome, again.missing) == ("PENDING", result.missing)
    assert day.state() == before
    day.deposit("USDT", 2)
    assert [row.outcome for row in day.settle_pending()] == ["PENDING"]
    day.deposit("MX", 1)
    [settled] = day.settle_pending()
    assert (settled.outcome, settled.trade.version, settled.order.settled_quantity) == ("SETTLED", 2, 4)
    assert day.money() == {"USDT": "0 / 600", "BTC": "4 / 0"}
    assert day.settle_pending() == []


def test_a_waiting_fill_that_closes_the_order_keeps_its_hold(day):
    order = day.buy(1010, 1010)
    [result] = day.settle(day.trade(order, 10, 100, commission=1, commission_asset="MX"))
    assert (result.outcome, result.order.status) == ("PENDING", "FILLED")
    assert day.money() == {"USDT": "10 / 1000"}
    day.deposit("MX", 1)
    day.settle_pending()
    assert day.money() == {"USDT": "10 / 0", "BTC": "10 / 0"}


def test_a_cancelled_order_keeps_the_hold_of_a_waiting_fill(day):
    order = day.buy()
    day.settle(day.trade(order, 4, 100, commission=1, commission_asset="MX"))
    day.apply(day.report(order, "CANCELED", 0))
    assert (day.stored(order).status, day.stored(order).executed_quantity) == ("PARTIALLY_CANCELED", 4)
    assert day.money() == {"USDT": "600 / 400"}


def test_pending_trades_settle_by_time_each_on_its_own(day):
    order = day.buy()
    fees = {"commission": 1, "commission_asset": "MX"}
    late = day.trade(order, 1, 100, traded_at=day.wait(), **fees)
    early = day.trade(order, 2, 100, traded_at=late.traded_at.replace(year=2025), **{**fees, "commission": 3})
    day.settle(late, early)
    day.deposit("MX", 1)
    results = day.settle_pending()
    assert [(row.trade.exchange_trade_id, row.outcome) for row in results] == [
        (early.exchange_trade_id, "PENDING"),
        (late.exchange_trade_id, "SETTLED"),
    ]


def test_a_recorded_trade_is_settled_when_it_is_sent(day):
    order = day.buy()
    trade = day.trade(order, 4, 100)
    settled = day.settle(trade)[0].trade
    day.trades.clear()
    day.orders[order.key] = order
    day.trades[trade.id] = settled.changed(state=TradeState.RECORDED, version=1)
    day.audit = list  # the money of the first settlement is still there
    [result] = day.settle(trade)
    assert (result.outcome, result.trade.state, result.trade.version) == ("SETTLED", "SETTLED", 2)
    assert (result.order.executed_quantity, result.order.settled_quantity) == (4, 4)


def test_recorded_trades_count_as_executed(day):
    order = day.buy()
    history = day.trade(order, 3, 100)
    recorded = history.model_copy(update={"id": UUID(int=7), "exchange_trade_id": "old"})
    day.settle(history)
    stored = day.trades[history.id]
    day.trades[recorded.id] = stored.changed(id=recorded.id, exchange_trade_id="old", state=TradeState.RECORDED)
    [result] = day.settle(day.trade(order, 1, 100))
    assert (result.order.executed_quantity, result.order.settled_quantity) == (7, 4)
    [result] = day.settle(recorded)
    assert (result.order.executed_quantity, result.order.settled_quantity) == (7, 7)


def test_a_trade_before_its_order_is_known_waits_for_it(day):
    day.deposit("USDT", 1000)
    new = day.order(price=100, quantity=10, client_order_id="mine")
    trade = day.trade(new, 4, 100, order_id=None, exchange_order_id="x1")
    [first] = day.settle(trade)
    assert (first.outcome, first.trade.state, first.trade.order_id, first.order) == (
        "UNKNOWN_ORDER",
        "PENDING",
        None,
        None,
    )
    assert day.settle(trade)[0].outcome == "UNKNOWN_ORDER"
    assert len(day.trades) == 1
    day.apply(day.report(None, "NEW", 0, exchange_order_id="x1", order=new))
    [result] = day.settle_pending()
    assert (result.outcome, result.trade.order_id, result.order.status) == ("SETTLED", new.id, "PARTIALLY_FILLED")
    assert day.money() == {"USDT": "0 / 600", "BTC": "4 / 0"}


def test_a_trade_before_its_order_counts_as_executed_once_the_order_is_found(day):
    day.deposit("USDT", 1000)
    new = day.order(price=100, quantity=10)
    trade = day.trade(new, 4, 100, order_id=None, exchange_order_id="x1")
    day.settle(trade)
    [result] = day.apply(day.report(None, "CANCELED", 0, exchange_order_id="x1", order=new))
    assert (result.order.status, result.order.executed_quantity) == ("PARTIALLY_CANCELED", 4)
    assert day.money() == {"USDT": "600 / 400"}
    day.settle_pending()
    assert day.money() == {"USDT": "600 / 0", "BTC": "4 / 0"}


@pytest.mark.parametrize("source", ["report", "trade"])
def test_a_trade_before_its_order_counts_as_executed_once_its_id_is_known(day, source):
    order = day.buy(client_order_id="mine")
    day.settle(day.trade(order, 4, 100, order_id=None, exchange_order_id="x1"))
    if source == "report":
        day.apply(day.report(order, "PARTIALLY_FILLED", 1, exchange_order_id="x1"))
    else:
        day.settle(day.trade(order, 1, 100, exchange_order_id="x1"))
    assert day.stored(order).executed_quantity == (4 if source == "report" else 5)


def test_a_batch_that_tells_an_order_the_name_of_a_waiting_trade_is_as_its_items_singly(new_day):
    states = []
    for singly in (True, False):
        day = new_day()
        order = day.buy(client_order_id="mine")
        found = day.order("SELL", price=100, quantity=10)
        day.settle(day.trade(order, 4, 100, order_id=None, exchange_order_id="x1"))
        day.settle(day.trade(found, 3, 100, order_id=None, exchange_order_id="x2"))
        reports = [
            day.report(order, "NEW", 0, exchange_order_id="x1"),
            day.report(order, "PARTIALLY_FILLED", 1),
            day.report(None, "NEW", 0, exchange_order_id="x2", order=found),
            day.report(None, "PARTIALLY_FILLED", 1, exchange_order_id="x2"),
            day.report(found, "PARTIALLY_FILLED", 4),
        ]
        trades = [
            day.trade(order, 1, 100),
            day.trade(found, 1, 100, exchange_order_id="x2"),
            day.trade(order, 1, 90),
        ]
        for report in reports if singly else ():
            day.apply(report)
        for trade in trades if singly else ():
            day.settle(trade)
        if not singly:
            day.apply(*reports)
            day.settle(*trades)
        states.append(day.state())
        assert (day.stored(order).executed_quantity, day.stored(found).executed_quantity) == (6, 4)
    assert states[0] == states[1]


def test_a_trade_before_its_order_is_the_orders_from_then_on_even_if_its_money_still_waits(day):
    new = day.order(price=100, quantity=10)
    trade = day.trade(new, 4, 100, order_id=None, exchange_order_id="x1")
    day.settle(trade)
    day.apply(day.report(None, "PARTIALLY_FILLED", 4, executed_quote_quantity=400, exchange_order_id="x1", order=new))
    [result] = day.settle_pending()
    assert (result.outcome, result.trade.order_id) == ("PENDING", new.id)
    state = day.state()
    assert day.settle_pending() == [result]
    assert day.state() == state


def test_one_trade_sent_under_two_ids_of_an_unknown_order_is_one(day):
    new = day.order(price=100, quantity=10, client_order_id="mine", exchange_order_id="x1")
    trade = day.trade(new, 4, 100, order_id=None, exchange_order_id="x1")
    other = trade.model_copy(update={"id": UUID(int=9), "exchange_order_id": None, "client_order_id": "mine"})
    assert [row.outcome for row in day.settle(trade, other)] == ["UNKNOWN_ORDER", "UNKNOWN_ORDER"]
    [stored] = day.trades.values()
    assert (stored.exchange_order_id, stored.client_order_id) == ("x1", "mine")
    day.deposit("USDT", 1000)
    day.place(new)
    assert [row.outcome for row in day.settle(other, trade)] == ["SETTLED", "DUPLICATE"]


def test_waiting_trades_of_one_batch_add_up(day):
    order = day.buy()
    short = {"commission": 1, "commission_asset": "MX"}
    first, second = day.trade(order, 4, 100, **short), day.trade(order, 3, 100, **short)
    results = day.settle(first, second, day.trade(order, 1, 100))
    assert [row.order.executed_quantity for row in results] == [4, 7, 8]
    day.deposit("MX", 2)
    results = day.settle(first, second, day.trade(order, 1, 100))
    assert [row.order.executed_quantity for row in results] == [8, 8, 9]
    assert [row.order.settled_quantity for row in results] == [5, 8, 9]


def test_a_trade_recorded_under_the_name_of_its_order_counts_once(day):
    order = day.buy(exchange_order_id="x1")
    new = day.trade(order, 4, 100, order_id=None, exchange_order_id="x1")
    day.trades[new.id] = Trade.created(new, day.now, TradeState.RECORDED)
    [result] = day.settle(new)
    assert (result.order.executed_quantity, result.trade.order_id) == (4, order.id)


def test_a_trade_that_waited_under_a_name_nobody_knew_counts_once(day):
    order = day.buy(client_order_id="mine")
    new = day.trade(order, 4, 100, order_id=None, exchange_order_id="x1")
    assert day.outcome(new) == "UNKNOWN_ORDER"
    [result] = day.settle(new.changed(client_order_id="mine"))
    assert (result.outcome, result.order.executed_quantity) == ("SETTLED", 4)
    assert result.order.exchange_order_id == "x1"


def test_a_trade_that_waited_under_a_name_of_no_order_counts_once(day):
    order = day.buy()
    new = day.trade(order, 4, 100)
    assert day.outcome(new.changed(order_id=None, client_order_id="strange")) == "UNKNOWN_ORDER"
    [result] = day.settle(new)
    assert (result.outcome, result.order.executed_quantity, len(day.trades)) == ("SETTLED", 4, 1)


def test_a_trade_stored_twice_under_two_names_settles_once(day):
    order = day.buy(client_order_id="mine")
    new = day.trade(order, 4, 100)
    twin = new.changed(id=UUID(int=9), order_id=None, client_order_id="mine")
    day.trades[twin.id] = Trade.created(twin, day.now, TradeState.PENDING)
    day.trades[new.id] = Trade.created(new, day.now, TradeState.PENDING)
    assert [row.outcome for row in day.settle_pending()] == ["SETTLED", "DUPLICATE"]
    assert day.money() == {"USDT": "0 / 600", "BTC": "4 / 0"}
