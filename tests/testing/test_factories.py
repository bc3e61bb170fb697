"""What the factories make fits together, whatever was made before."""

import pytest

from metacore import NewOrder, NewTrade, Outcome
from metacore.sync import TradingService
from metacore.testing.factories import NewOrderFactory, NewTradeFactory, NewUserFactory


@pytest.fixture
def order(metacore_sync_storage) -> NewOrder:
    """A stored order with the exchange's id of the first that the factory makes."""
    NewOrderFactory.reset_sequence(0)
    user = metacore_sync_storage.users.create(NewUserFactory.build())
    trading = TradingService(metacore_sync_storage)
    trading.deposit(user.id, "USDT", "5000", reference="opening")
    trading.place_order(NewOrderFactory.build(user_id=user.id))
    return trading.place_order(NewOrderFactory.build(user_id=user.id))


@pytest.mark.parametrize(("name", "source"), [("order_id", "id"), ("client_order_id", "client_order_id")])
def test_a_trade_names_no_order_but_the_one_in_its_arguments(metacore_sync_storage, order, name, source) -> None:
    trade: NewTrade = NewTradeFactory.build(user_id=order.user_id, **{name: getattr(order, source)})
    assert trade.exchange_order_id is None
    settled = TradingService(metacore_sync_storage).settle_trade(trade)
    assert settled.outcome is Outcome.SETTLED
    assert settled.order is not None
    assert settled.order.id == order.id


def test_an_exchange_order_id_in_the_arguments_stays(order) -> None:
    trade = NewTradeFactory.build(user_id=order.user_id, order_id=order.id, exchange_order_id=order.exchange_order_id)
    assert trade.exchange_order_id == order.exchange_order_id
    assert NewTradeFactory.build(of=order).exchange_order_id == order.exchange_order_id
    assert NewTradeFactory.build(of=order, exchange_order_id="other").exchange_order_id == "other"


def test_a_trade_without_an_order_is_of_none_that_is_stored(metacore_sync_storage, order) -> None:
    trade = NewTradeFactory.build(user_id=order.user_id)
    assert TradingService(metacore_sync_storage).settle_trade(trade).outcome is Outcome.UNKNOWN_ORDER
