"""What Binance pushes, in the forms of its documentation and of its streams."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from metacore.domain.market.market_trades import MarketTrade
from metacore.domain.market.ticks import Tick
from metacore.domain.trading.orders import OrderSide
from metacore.errors import ExchangeError, InvalidDataError
from metacore.exchanges import binance
from metacore.testing.cases import each_case

TICKER = (
    '{"e":"24hrMiniTicker","E":1768723460936,"s":"btcusdt","c":"95038.26","o":"95138.38","h":"95642.81","l":"94800.04",'
    '"v":"16.80704","q":"1601811.00"}'
)
OTHER = TICKER.replace("btcusdt", "BNBBTC").replace("95038.26", "0.00250000")
TRADE = (
    '{"e":"aggTrade","E":1672515782136,"s":"BNBBTC","a":12345,"p":"0.001","q":"100","f":100,"l":105,'
    '"T":1672515782130,"m":true,"M":false}'
)
AT = datetime(2026, 1, 18, 8, 4, 20, 936000, UTC)
BTC = Tick(exchange="BINANCE", symbol="BTCUSDT", price=Decimal("95038.26"), at=AT)
BNB = Tick(exchange="BINANCE", symbol="BNBBTC", price=Decimal("0.0025"), at=AT)


def wrapped(stream: str, message: str) -> str:
    return f'{{"stream":"{stream}","data":{message}}}'


@each_case(
    ("message", "expected"),
    [
        (TICKER, (BTC,)),
        (wrapped("btcusdt@miniTicker", TICKER), (BTC,)),
        (f" [{TICKER}, {OTHER}]", (BTC, BNB)),
        (wrapped("!miniTicker@arr", f"[{TICKER},{OTHER}]"), (BTC, BNB)),
        ("[]", ()),
    ],
)
def test_a_ticker_is_a_tick(message: str, expected: tuple[Tick, ...]) -> None:
    for payload in (message, message.encode(), json.loads(message, parse_float=Decimal)):
        assert binance.ticks(payload) == binance.stream_event(payload) == expected


@each_case("maker", [("true", OrderSide.SELL), ("false", OrderSide.BUY)])
def test_a_trade_has_the_side_of_who_took_the_price(maker: tuple[str, OrderSide]) -> None:
    is_maker, side = maker
    text = TRADE.replace('"m":true', f'"m":{is_maker}')
    trade = MarketTrade(
        exchange="BINANCE",
        symbol="BNBBTC",
        exchange_trade_id="12345",
        side=side,
        price=Decimal("0.001"),
        quantity=Decimal(100),
        traded_at=datetime(2022, 12, 31, 19, 43, 2, 130000, UTC),
    )
    for payload in (text, wrapped("bnbbtc@aggTrade", text), text.replace(',"M":false', "")):
        assert binance.market_trade(payload) == binance.stream_event(payload) == trade
    assert trade.tick == Tick(exchange="BINANCE", symbol="BNBBTC", price=trade.price, at=trade.traded_at)


@pytest.mark.parametrize("form", ["[{},{},{}]", wrapped("!miniTicker@arr", "[{},{},{}]")])
def test_an_odd_ticker_does_not_stop_the_others(form: str) -> None:
    odd = OTHER.replace('"0.00250000"', "1e999999999999999999999")
    payload = (
        form.format(TICKER, odd, OTHER) if form.startswith("[") else form.replace("{},{},{}", f"{TICKER},{odd},{OTHER}")
    )
    read = binance.ticks.readable(payload)
    assert read.good == (BTC, BNB)
    assert [(bad.index, bad.field) for bad in read.bad] == [(1, "c")]
    with pytest.raises(InvalidDataError) as caught:
        binance.ticks(payload)
    assert caught.value.field.endswith("1.c")
    assert caught.value.raw == payload.encode()


@each_case(
    ("message", "field"),
    [
        (TICKER.replace('"c":"95038.26"', '"C":"95038.26"'), "c"),
        (TICKER.replace("95038.26", "0"), "c"),
        (TICKER.replace("95038.26", "NaN"), "c"),
        (TICKER.replace('"95038.26"', "95038.26", 1).replace("24hrMiniTicker", "24hrTicker"), "e"),
        (TICKER.replace("1768723460936", "1768723460"), "E"),
        (TICKER.replace("1768723460936", "1768723460936000"), "E"),
        (TICKER.replace('"s":"btcusdt",', ""), "s"),
        (wrapped("x", TICKER.replace("95038.26", "-1")), "data.c"),
        (wrapped("x", "7"), "data"),
        (TRADE.replace('"m":true', '"m":2'), "m"),
        (TRADE.replace('"q":"100"', '"q":"0"'), "q"),
        (TRADE.replace('"T":1672515782130,', ""), "T"),
        ('{"e":null}', "e"),
        ("{}", "e"),
        ("7", ""),
        ("not JSON", ""),
    ],
)
def test_what_is_no_message_is_refused_with_its_field_and_bytes(message: str, field: str) -> None:
    with pytest.raises(InvalidDataError) as caught:
        binance.stream_event(message)
    assert (caught.value.field, caught.value.raw) == (field, message.encode())


def test_answers_to_subscriptions_are_no_events() -> None:
    assert binance.stream_event('{"result":null,"id":1}') is None
    answers: list[tuple[str, Any]] = [
        ('{"code":2,"msg":"Invalid request: unknown variant","id":1}', 2),
        ('{"error":{"code":2,"msg":"Invalid request"},"id":1}', 2),
    ]
    for answer, code in answers:
        with pytest.raises(ExchangeError) as caught:
            binance.stream_event(answer)
        assert caught.value.code == code


def test_a_list_is_no_trade() -> None:
    with pytest.raises(InvalidDataError):
        binance.market_trade(f"[{TRADE}]")
