# pyright: reportIncompatibleVariableOverride=false
# Every `class Meta` of factory-boy overrides the one before it.
"""Factories (factory-boy) of the models that go into a storage: complete, plausible, and different from each other.

`NewOrderFactory.build(user_id=user.id, side="SELL")`; the user is always told, and `of=order` gives updates, reports
and trades what they share with it.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from decimal import Decimal
from typing import Any

from factory.base import Factory
from factory.declarations import LazyAttribute, Sequence
from factory.helpers import lazy_attribute

from metacore.domain.commerce.order_records import OrderRecord
from metacore.domain.market.bars import BarPart, minute_of
from metacore.domain.messages.dead_letters import DeadLetter
from metacore.domain.messages.events import NewEvent
from metacore.domain.people.sessions import NewSession
from metacore.domain.people.users import KycStatus, NewUser
from metacore.domain.trading.balances import AccountBalance, BalanceDelta, EntryReason
from metacore.domain.trading.order_updates import NewOrderUpdate
from metacore.domain.trading.orders import NewOrder, OrderSide, OrderStatus, OrderType
from metacore.domain.trading.reports import ExecutionReport
from metacore.domain.trading.reservations import NewReservation
from metacore.domain.trading.snapshots import AccountSnapshot
from metacore.domain.trading.trades import NewTrade
from metacore.domain.values.amounts import exact
from metacore.testing.clock import START


def _of_order(name: str, default: Any = None) -> Any:
    return LazyAttribute(lambda values: getattr(values.of, name) if values.of else default)


def _time(n: int) -> Any:
    return START + timedelta(milliseconds=n)


class NewUserFactory(Factory[NewUser]):
    """A user with every field filled in."""

    class Meta:
        model = NewUser

    uid = Sequence(lambda n: f"{10_000_000 + n}")
    username = Sequence(lambda n: f"user-{n}")
    email = Sequence(lambda n: f"user-{n}@example.com")
    telegram_id = Sequence(lambda n: 5_000_000_000 + n)
    kyc_status = KycStatus.PRIMARY
    permissions = ("SPOT", "FUTURES")


class NewOrderFactory(Factory[NewOrder]):
    """A LIMIT order to BUY 0.02 BTC at 50,000 USDT. `user_id` must be told."""

    class Meta:
        model = NewOrder

    symbol = "BTCUSDT"
    base_asset = "BTC"
    quote_asset = "USDT"
    side = OrderSide.BUY
    type = OrderType.LIMIT
    price = Decimal(50_000)
    quantity = Decimal("0.02")
    client_order_id = Sequence(lambda n: f"client-{n}")
    exchange_order_id = Sequence(lambda n: f"C02__{n}")


class NewOrderUpdateFactory(Factory[NewOrderUpdate]):
    """An update `of` an order to NEW, with nothing executed."""

    class Meta:
        model = NewOrderUpdate

    class Params:
        of = None

    user_id = _of_order("user_id")
    order_id = _of_order("id")
    previous_status = _of_order("status")
    status = OrderStatus.NEW
    executed_quantity = Decimal(0)
    executed_quote_quantity = Decimal(0)
    occurred_at = Sequence(_time)


class NewTradeFactory(Factory[NewTrade]):
    """A trade of 0.01 BTC, `of` an order at its price or a BUY at 50,000 USDT; a thousandth of what it brings is its
    commission.

    Without `of`, it names its order by the ids that are told; without any, an order that `NewOrderFactory` never makes.
    """

    class Meta:
        model = NewTrade

    class Params:
        of = None

    user_id = _of_order("user_id")
    order_id = _of_order("id")
    client_order_id = None

    @lazy_attribute
    def exchange_order_id(self: Any) -> str | None:
        if self.of is not None:
            return self.of.exchange_order_id  # type: ignore[no-any-return]
        return None if self.order_id or self.client_order_id else "C02__nowhere"

    exchange_trade_id = Sequence(lambda n: f"{440_000_000 + n}X1")
    symbol = _of_order("symbol", "BTCUSDT")
    side = _of_order("side", OrderSide.BUY)
    price = LazyAttribute(lambda trade: (trade.of and trade.of.price) or Decimal(50_000))
    quantity = Decimal("0.01")
    traded_at = Sequence(_time)

    @lazy_attribute
    def commission(self: Any) -> Decimal:
        with exact():
            return Decimal(self.quantity) * (1 if self.side == OrderSide.BUY else self.price) / 1000

    @lazy_attribute
    def commission_asset(self: Any) -> str:
        return ("BTC" if self.side == OrderSide.BUY else "USDT") if self.of is None else _received_asset(self.of)


def _received_asset(order: NewOrder) -> str:
    return order.base_asset if order.side is OrderSide.BUY else order.quote_asset


class NewReservationFactory(Factory[NewReservation]):
    """A reservation of 100 USDT. `user_id` must be told."""

    class Meta:
        model = NewReservation

    asset = "USDT"
    amount = Decimal(100)
    reference = Sequence(lambda n: f"reservation-{n}")


class BalanceDeltaFactory(Factory[BalanceDelta]):
    """A deposit of 1,000 USDT. `user_id` must be told."""

    class Meta:
        model = BalanceDelta

    asset = "USDT"
    delta_free = Decimal(1000)
    reason = EntryReason.DEPOSIT
    reference = Sequence(lambda n: f"deposit-{n}")
    occurred_at = Sequence(_time)


class ExecutionReportFactory(Factory[ExecutionReport]):
    """A report that the order it is `of` is NEW, naming it by its id."""

    class Meta:
        model = ExecutionReport

    class Params:
        of = None

    user_id = _of_order("user_id")
    order_id = _of_order("id")
    status = OrderStatus.NEW
    executed_quantity = Decimal(0)
    executed_quote_quantity = Decimal(0)
    occurred_at = Sequence(_time)


class AccountBalanceFactory(Factory[AccountBalance]):
    """1,000 USDT, nothing of it locked."""

    class Meta:
        model = AccountBalance

    asset = "USDT"
    free = Decimal(1000)
    locked = Decimal(0)


class AccountSnapshotFactory(Factory[AccountSnapshot]):
    """A snapshot of 1,000 USDT and 1 BTC."""

    class Meta:
        model = AccountSnapshot

    taken_at = Sequence(_time)
    balances = LazyAttribute(
        lambda _: (AccountBalanceFactory.build(), AccountBalanceFactory.build(asset="BTC", free=Decimal(1)))
    )


class OrderRecordFactory(Factory[OrderRecord]):
    """The record of an order of `count` items, each created a millisecond after the one before."""

    class Meta:
        model = OrderRecord

    class Params:
        count = 1

    order_uid = Sequence(lambda n: f"b563feb7b2b84b6test{n}")
    track_number = Sequence(lambda n: f"TESTTRACK{n}")
    entry = "TEST"
    delivery = LazyAttribute(
        lambda _: {
            "name": "Test Testov",
            "phone": "+9720000000",
            "zip": "2639809",
            "city": "Testville",
            "address": "1 Test Square",
            "region": "",
            "email": "test@example.com",
        }
    )
    payment = LazyAttribute(
        lambda record: {
            "transaction": record.order_uid,
            "request_id": "",
            "currency": "USD",
            "provider": "testpay",
            "amount": 1500 + 317 * record.count,
            "payment_dt": 1637907727,
            "bank": "alpha",
            "delivery_cost": 1500,
            "goods_total": 317 * record.count,
            "custom_fee": 0,
        }
    )
    items = LazyAttribute(
        lambda record: [
            {
                "chrt_id": 9934930 + position,
                "track_number": record.track_number,
                "price": 453,
                "rid": f"ab4219087a764test{position}",
                "name": "Mascara",
                "sale": 30,
                "size": "0",
                "total_price": 317,
                "nm_id": 2389212,
                "brand": "Testbrand",
                "status": 202,
            }
            for position in range(record.count)
        ]
    )
    locale = "en"
    internal_signature = ""
    customer_id = "test"
    delivery_service = "meest"
    shardkey = "9"
    sm_id = 99
    date_created = Sequence(lambda n: _time(n).isoformat())
    oof_shard = "1"


class DeadLetterFactory(Factory[DeadLetter]):
    """A message that is no JSON, at an offset of its own."""

    class Meta:
        model = DeadLetter

    source = "orders"
    position = Sequence(lambda n: f"0:{n}")
    key = "b563feb7b2b84b6test"
    value = b"{not JSON"
    headers = LazyAttribute(lambda _: {"content-type": "application/json"})
    error = "not JSON"
    field = "message"
    failed_at = Sequence(_time)


class BarPartFactory(Factory[BarPart]):
    """A part of one and the same minute, unless told: two ticks at its start."""

    class Meta:
        model = BarPart

    feed = "live"
    symbol = "BTCUSDT"
    exchange = "MEXC"
    starts_at = minute_of(START)
    count = 2
    low = Decimal(50000)
    high = Decimal(50100)
    last = LazyAttribute(lambda part: part.high)
    sum = LazyAttribute(lambda part: part.low + part.high * (part.count - 1))
    low_at = LazyAttribute(lambda part: part.starts_at)
    high_at = LazyAttribute(lambda part: part.starts_at + timedelta(seconds=1))
    last_at = LazyAttribute(lambda part: part.starts_at + timedelta(seconds=1))


class NewEventFactory(Factory[NewEvent]):
    """An event of one and the same key, unless told."""

    class Meta:
        model = NewEvent

    topic = "trading"
    key = "order"
    type = "order.changed"
    payload = Sequence(lambda n: {"number": n})
    occurred_at = Sequence(_time)


class NewSessionFactory(Factory[NewSession]):
    """A session of a secret of its own, which idles for a week and lives for a month. `user_id` must be told."""

    class Meta:
        model = NewSession

    token_hash = Sequence(lambda n: hashlib.sha256(b"secret %d" % n).digest())
    label = "Firefox"
    idle_until = START + timedelta(days=7)
    expires_at = START + timedelta(days=30)
