"""Trades whose money waits: short of funds, of an unknown order, or only recorded so far."""

from uuid import UUID

import pytest

from metacore.domain.trading.trades import Trade, TradeState


def test_a_fill_that_the_balance_cannot_cover_waits_whole(desk):
    order = desk.buy()
    trade = desk.trade(order, 4, "100.5", commission=1, commission_asset="MX")
    [result] = desk.settle(trade)
    assert (result.outcome, result.trade.state, result.error) == ("PENDING", "PENDING", None)
    assert {(row.asset, row.amount) for row in result.missing} == {("USDT", 2), ("MX", 1)}
    assert (result.order.status, result.order.executed_quantity, result.order.settled_quantity) == (
        "PARTIALLY_FILLED",
        4,
        0,
    )
    assert desk.money() == {"USDT": "0 / 1000"}
    before = desk.state()
    [again] = desk.settle(trade)
    assert (again.outcome, again.missing) == ("PENDING", result.missing)
    assert desk.state() == before
    desk.deposit("USDT", 2)
    assert [row.outcome for row in desk.settle_pending()] == ["PENDING"]
    desk.deposit("MX", 1)
    [settled] = desk.settle_pending()
    assert (settled.outcome, settled.trade.version, settled.order.settled_quantity) == ("SETTLED", 2, 4)
    assert desk.money() == {"USDT": "0 / 600", "BTC": "4 / 0"}
    assert desk.settle_pending() == []


def test_a_waiting_fill_that_closes_the_order_keeps_its_hold(desk):
    order = desk.buy(1010, 1010)
    [result] = desk.settle(desk.trade(order, 10, 100, commission=1, commission_asset="MX"))
    assert (result.outcome, result.order.status) == ("PENDING", "FILLED")
    assert desk.money() == {"USDT": "10 / 1000"}
    desk.deposit("MX", 1)
    desk.settle_pending()
    assert desk.money() == {"USDT": "10 / 0", "BTC": "10 / 0"}


def test_a_cancelled_order_keeps_the_hold_of_a_waiting_fill(desk):
    order = desk.buy()
    desk.settle(desk.trade(order, 4, 100, commission=1, commission_asset="MX"))
    desk.apply(desk.report(order, "CANCELED", 0))
    assert (desk.stored(order).status, desk.stored(order).executed_quantity) == ("PARTIALLY_CANCELED", 4)
    assert desk.money() == {"USDT": "600 / 400"}


def test_pending_trades_settle_by_time_each_on_its_own(desk):
    order = desk.buy()
    fees = {"commission": 1, "commission_asset": "MX"}
    late = desk.trade(order, 1, 100, traded_at=desk.wait(), **fees)
    early = desk.trade(order, 2, 100, traded_at=late.traded_at.replace(year=2025), **{**fees, "commission": 3})
    desk.settle(late, early)
    desk.deposit("MX", 1)
    results = desk.settle_pending()
    assert [(row.trade.exchange_trade_id, row.outcome) for row in results] == [
        (early.exchange_trade_id, "PENDING"),
        (late.exchange_trade_id, "SETTLED"),
    ]


def test_a_recorded_trade_is_settled_when_it_is_sent(desk):
    order = desk.buy()
    trade = desk.trade(order, 4, 100)
    settled = desk.settle(trade)[0].trade
    desk.trades.clear()
    desk.orders[order.key] = order
    desk.trades[trade.id] = settled.changed(state=TradeState.RECORDED, version=1)
    desk.audit = list  # the money of the first settlement is still there
    [result] = desk.settle(trade)
    assert (result.outcome, result.trade.state, result.trade.version) == ("SETTLED", "SETTLED", 2)
    assert (result.order.executed_quantity, result.order.settled_quantity) == (4, 4)


def test_recorded_trades_count_as_executed(desk):
    order = desk.buy()
    history = desk.trade(order, 3, 100)
    recorded = history.model_copy(update={"id": UUID(int=7), "exchange_trade_id": "old"})
    desk.settle(history)
    stored = desk.trades[history.id]
    desk.trades[recorded.id] = stored.changed(id=recorded.id, exchange_trade_id="old", state=TradeState.RECORDED)
    [result] = desk.settle(desk.trade(order, 1, 100))
    assert (result.order.executed_quantity, result.order.settled_quantity) == (7, 4)
    [result] = desk.settle(recorded)
    assert (result.order.executed_quantity, result.order.settled_quantity) == (7, 7)


def test_a_trade_before_its_order_is_known_waits_for_it(desk):
    desk.deposit("USDT", 1000)
    new = desk.order(price=100, quantity=10, client_order_id="mine")
    trade = desk.trade(new, 4, 100, order_id=None, exchange_order_id="x1")
    [first] = desk.settle(trade)
    assert (first.outcome, first.trade.state, first.trade.order_id, first.order) == (
        "UNKNOWN_ORDER",
        "PENDING",
        None,
        None,
    )
    assert desk.settle(trade)[0].outcome == "UNKNOWN_ORDER"
    assert len(desk.trades) == 1
    desk.apply(desk.report(None, "NEW", 0, exchange_order_id="x1", order=new))
    [result] = desk.settle_pending()
    assert (result.outcome, result.trade.order_id, result.order.status) == ("SETTLED", new.id, "PARTIALLY_FILLED")
    assert desk.money() == {"USDT": "0 / 600", "BTC": "4 / 0"}


def test_a_trade_before_its_order_counts_as_executed_once_the_order_is_found(desk):
    desk.deposit("USDT", 1000)
    new = desk.order(price=100, quantity=10)
    trade = desk.trade(new, 4, 100, order_id=None, exchange_order_id="x1")
    desk.settle(trade)
    [result] = desk.apply(desk.report(None, "CANCELED", 0, exchange_order_id="x1", order=new))
    assert (result.order.status, result.order.executed_quantity) == ("PARTIALLY_CANCELED", 4)
    assert desk.money() == {"USDT": "600 / 400"}
    desk.settle_pending()
    assert desk.money() == {"USDT": "600 / 0", "BTC": "4 / 0"}


@pytest.mark.parametrize("told", ["report", "trade"])
def test_a_trade_before_its_order_counts_as_executed_once_its_name_is_told(desk, told):
    order = desk.buy(client_order_id="mine")
    desk.settle(desk.trade(order, 4, 100, order_id=None, exchange_order_id="x1"))
    if told == "report":
        desk.apply(desk.report(order, "PARTIALLY_FILLED", 1, exchange_order_id="x1"))
    else:
        desk.settle(desk.trade(order, 1, 100, exchange_order_id="x1"))
    assert desk.stored(order).executed_quantity == (4 if told == "report" else 5)


def test_a_batch_that_tells_an_order_the_name_of_a_waiting_trade_is_as_its_items_singly(new_desk):
    states = []
    for singly in (True, False):
        desk = new_desk()
        order = desk.buy(client_order_id="mine")
        found = desk.order("SELL", price=100, quantity=10)
        desk.settle(desk.trade(order, 4, 100, order_id=None, exchange_order_id="x1"))
        desk.settle(desk.trade(found, 3, 100, order_id=None, exchange_order_id="x2"))
        reports = [
            desk.report(order, "NEW", 0, exchange_order_id="x1"),
            desk.report(order, "PARTIALLY_FILLED", 1),
            desk.report(None, "NEW", 0, exchange_order_id="x2", order=found),
            desk.report(None, "PARTIALLY_FILLED", 1, exchange_order_id="x2"),
            desk.report(found, "PARTIALLY_FILLED", 4),
        ]
        trades = [
            desk.trade(order, 1, 100),
            desk.trade(found, 1, 100, exchange_order_id="x2"),
            desk.trade(order, 1, 90),
        ]
        for report in reports if singly else ():
            desk.apply(report)
        for trade in trades if singly else ():
            desk.settle(trade)
        if not singly:
            desk.apply(*reports)
            desk.settle(*trades)
        states.append(desk.state())
        assert (desk.stored(order).executed_quantity, desk.stored(found).executed_quantity) == (6, 4)
    assert states[0] == states[1]


def test_a_trade_before_its_order_is_the_orders_from_then_on_even_if_its_money_still_waits(desk):
    new = desk.order(price=100, quantity=10)
    trade = desk.trade(new, 4, 100, order_id=None, exchange_order_id="x1")
    desk.settle(trade)
    desk.apply(desk.report(None, "PARTIALLY_FILLED", 4, executed_quote_quantity=400, exchange_order_id="x1", order=new))
    [result] = desk.settle_pending()
    assert (result.outcome, result.trade.order_id) == ("PENDING", new.id)
    state = desk.state()
    assert desk.settle_pending() == [result]
    assert desk.state() == state


def test_one_trade_told_under_two_names_of_an_unknown_order_is_one(desk):
    new = desk.order(price=100, quantity=10, client_order_id="mine", exchange_order_id="x1")
    trade = desk.trade(new, 4, 100, order_id=None, exchange_order_id="x1")
    other = trade.model_copy(update={"id": UUID(int=9), "exchange_order_id": None, "client_order_id": "mine"})
    assert [row.outcome for row in desk.settle(trade, other)] == ["UNKNOWN_ORDER", "UNKNOWN_ORDER"]
    [stored] = desk.trades.values()
    assert (stored.exchange_order_id, stored.client_order_id) == ("x1", "mine")
    desk.deposit("USDT", 1000)
    desk.place(new)
    assert [row.outcome for row in desk.settle(other, trade)] == ["SETTLED", "DUPLICATE"]


def test_waiting_trades_of_one_batch_add_up(desk):
    order = desk.buy()
    short = {"commission": 1, "commission_asset": "MX"}
    first, second = desk.trade(order, 4, 100, **short), desk.trade(order, 3, 100, **short)
    results = desk.settle(first, second, desk.trade(order, 1, 100))
    assert [row.order.executed_quantity for row in results] == [4, 7, 8]
    desk.deposit("MX", 2)
    results = desk.settle(first, second, desk.trade(order, 1, 100))
    assert [row.order.executed_quantity for row in results] == [8, 8, 9]
    assert [row.order.settled_quantity for row in results] == [5, 8, 9]


def test_a_trade_recorded_under_the_name_of_its_order_counts_once(desk):
    order = desk.buy(exchange_order_id="x1")
    new = desk.trade(order, 4, 100, order_id=None, exchange_order_id="x1")
    desk.trades[new.id] = Trade.created(new, desk.now, TradeState.RECORDED)
    [result] = desk.settle(new)
    assert (result.order.executed_quantity, result.trade.order_id) == (4, order.id)


def test_a_trade_that_waited_under_a_name_nobody_knew_counts_once(desk):
    order = desk.buy(client_order_id="mine")
    new = desk.trade(order, 4, 100, order_id=None, exchange_order_id="x1")
    assert desk.outcome(new) == "UNKNOWN_ORDER"
    [result] = desk.settle(new.changed(client_order_id="mine"))
    assert (result.outcome, result.order.executed_quantity) == ("SETTLED", 4)
    assert result.order.exchange_order_id == "x1"


def test_a_trade_that_waited_under_a_name_of_no_order_counts_once(desk):
    order = desk.buy()
    new = desk.trade(order, 4, 100)
    assert desk.outcome(new.changed(order_id=None, client_order_id="strange")) == "UNKNOWN_ORDER"
    [result] = desk.settle(new)
    assert (result.outcome, result.order.executed_quantity, len(desk.trades)) == ("SETTLED", 4, 1)


def test_a_trade_stored_twice_under_two_names_settles_once(desk):
    order = desk.buy(client_order_id="mine")
    new = desk.trade(order, 4, 100)
    twin = new.changed(id=UUID(int=9), order_id=None, client_order_id="mine")
    desk.trades[twin.id] = Trade.created(twin, desk.now, TradeState.PENDING)
    desk.trades[new.id] = Trade.created(new, desk.now, TradeState.PENDING)
    assert [row.outcome for row in desk.settle_pending()] == ["SETTLED", "DUPLICATE"]
    assert desk.money() == {"USDT": "0 / 600", "BTC": "4 / 0"}
