"""What holds whatever happens: nothing negative, locked is what is held, money is conserved, a batch is its items."""

from decimal import Decimal, localcontext
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from metacore.domain.trading.balances import EntryReason
from metacore.domain.trading.holds import excess
from metacore.domain.trading.orders import OrderSide, OrderStatus
from metacore.domain.trading.trades import TradeState
from metacore.domain.values.model import revised
from metacore.errors import MetacoreError

SIZES = ["0.000000000000000005", "0.3", "1", "2.5", "10"]
PRICES = ["0.1", "99.999999999999999999", "100", "101"]
ORDERS = [
    {"price": "100", "quantity": "10"},
    {"side": "SELL", "price": "100", "quantity": "2.5"},
    {"type": "MARKET", "quote_quantity": "300"},
    {"price": "0.1", "quantity": "0.000000000000000015"},
    {"type": "MARKET", "quantity": "1", "side": "SELL"},
]

sizes, prices = st.sampled_from(SIZES), st.sampled_from(PRICES)
numbers = st.integers(0, len(ORDERS) - 1)
fees = st.none() | st.tuples(
    st.sampled_from(["-0.01", "0.000000000000000001", "0.01", "3"]), st.sampled_from(["BTC", "USDT", "MX"])
)
trades = st.tuples(
    numbers, st.integers(0, 5), sizes, prices, fees, st.sampled_from(["id", "client", "exchange", "none"])
)
reports = st.tuples(
    numbers, st.sampled_from(list(OrderStatus)), st.none() | sizes, st.none() | sizes, st.booleans(), st.booleans()
)
steps = st.one_of(
    st.tuples(st.just("settle"), st.lists(trades, min_size=1, max_size=3)),
    st.tuples(st.just("apply"), st.lists(reports, min_size=1, max_size=3)),
    st.tuples(st.just("place"), numbers),
    st.tuples(st.just("cancel"), numbers),
    st.tuples(st.just("end_hold"), numbers),
    st.tuples(st.just("transfer"), st.sampled_from(["USDT", "BTC", "MX"]), sizes, st.booleans()),
    st.tuples(st.just("settle_pending")),
    st.tuples(st.just("sync"), sizes, sizes),
)


class Player:
    """Plays drawn steps in a day where the first three orders are placed."""

    def __init__(self, day: Any) -> None:
        self.day = day
        for asset, amount in (("USDT", "2000"), ("BTC", "3"), ("MX", "1")):
            day.deposit(asset, amount)
        self.orders = [
            day.order(client_order_id=f"c{index}", exchange_order_id=f"x{index}", **values)
            for index, values in enumerate(ORDERS)
        ]
        for order in self.orders[:3]:
            day.place(order)

    def trade(self, drawn: Any) -> Any:
        number, serial, quantity, price, fee, name = drawn
        order = self.orders[number]
        names = {"order_id": order.id if name == "id" else None, "client_order_id": f"c{number}"}
        if name != "client":
            names |= {"exchange_order_id": f"x{number}" if name == "exchange" else None}
        if name == "none":
            names = {"order_id": None, "client_order_id": None, "exchange_order_id": f"unknown{number}"}
        commission, asset = fee or (0, None)
        fields = {"commission": commission, "commission_asset": asset, "exchange_trade_id": f"t{serial}", **names}
        return self.day.trade(order, quantity, price, **fields)

    def report(self, drawn: Any) -> Any:
        number, status, executed, quote, refused, carried = drawn
        order = self.orders[number]
        fields = {"executed_quote_quantity": quote, "cancel_refused": refused, "order": order if carried else None}
        return self.day.report(order, status, executed, **fields)

    def play(self, step: Any) -> None:
        """Take one step; what is refused leaves everything as it was."""
        kind, *drawn = step
        day, before = self.day, self.day.state()
        day.wait()
        try:
            if kind == "settle":
                day.settle(*map(self.trade, drawn[0]))
            elif kind == "apply":
                day.apply(*map(self.report, drawn[0]))
            elif kind == "place":
                day.place(self.orders[drawn[0]], hold="1")
            elif kind == "transfer":
                (day.deposit if drawn[2] else day.withdraw)(drawn[0], drawn[1])
            elif kind == "settle_pending":
                day.settle_pending()
            elif kind == "sync":
                day.sync({"USDT": drawn[0], "BTC": drawn[1]})
            else:
                getattr(day, kind)(self.orders[drawn[0]])
        except MetacoreError:
            assert day.state() == before


def total(day: Any, asset: str) -> Decimal:
    return sum((row.free + row.locked for row in day.balances.values() if row.asset == asset), Decimal(0))


def owed(day: Any, asset: str) -> Decimal:
    """What there must be of `asset`: in and out, bought and sold, paid and rebated."""
    moved = Decimal(0)
    for entry in day.entries:
        if entry.asset == asset and entry.reason in (EntryReason.DEPOSIT, EntryReason.WITHDRAWAL):
            moved += entry.delta_free
    for trade in day.trades.values():
        if trade.state is TradeState.SETTLED:
            sign = 1 if trade.side is OrderSide.BUY else -1
            moved += sign * trade.quantity if asset == "BTC" else 0
            moved -= sign * trade.quote_quantity if asset == "USDT" else 0
            moved -= trade.commission if asset == trade.commission_asset else 0
    return moved


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_money_is_conserved_and_every_rule_holds_after_every_step(new_day, data):
    player = Player(new_day())
    for step in data.draw(st.lists(steps.filter(lambda step: step[0] != "sync"), max_size=12)):
        player.play(step)
        assert player.day.audit() == []
        with localcontext() as context:
            context.prec = 100
            assert all(total(player.day, asset) == owed(player.day, asset) for asset in ("USDT", "BTC", "MX"))


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_every_rule_holds_after_every_step_with_snapshots_too(new_day, data):
    player = Player(new_day())
    for step in data.draw(st.lists(steps, max_size=12)):
        player.play(step)
        day = player.day
        assert day.audit() == []
        for order in day.orders.values():
            assert order.held_amount >= 0
            assert order.executed_quantity >= order.settled_quantity
            assert excess(order) == 0


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_batch_is_its_items_one_by_one(new_day, data):
    player = Player(new_day())
    for step in data.draw(st.lists(steps, max_size=4)):
        player.play(step)
    kind, drawn = data.draw(
        st.tuples(st.just("settle"), st.lists(trades, max_size=8))
        | st.tuples(st.just("apply"), st.lists(reports, max_size=8))
    )
    items = [player.trade(item) if kind == "settle" else player.report(item) for item in drawn]
    together, singly = player.day, player.day.copy()
    results = getattr(together, kind)(*items)
    alone = [getattr(singly, kind)(item)[0] for item in items]
    for mine, theirs in zip(results, alone, strict=True):
        assert revised(mine, error=str(mine.error)) == revised(theirs, error=str(theirs.error))
    assert together.state() == singly.state()


@settings(max_examples=60, deadline=None)
@given(st.lists(trades, max_size=6))
def test_whatever_is_sent_again_changes_nothing(new_day, drawn):
    player = Player(new_day())
    items = [player.trade(item) for item in drawn]
    player.day.settle(*items)
    # What one settled may pay for another that was waiting before it.
    while any(result.outcome == "SETTLED" for result in player.day.settle_pending()):
        pass
    before = player.day.state()
    results = player.day.settle(*items)
    assert {result.outcome for result in results} <= {"DUPLICATE", "PENDING", "UNKNOWN_ORDER", "CONFLICT"}
    assert player.day.state() == before
