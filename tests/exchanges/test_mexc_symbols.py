import json
from typing import Any

import pytest

from metacore.errors import InvalidDataError
from metacore.exchanges import mexc
from tests.exchanges.mexc_payloads import SAMPLES, SYMBOLS, parsed

QUOTES = mexc.Symbols.from_quote_assets(["USDT", "BTC", "TBTC", "USD"])


@pytest.mark.parametrize(
    ("symbol", "pair"),
    [
        ("BTCUSDT", ("BTC", "USDT")),
        ("ETHBTC", ("ETH", "BTC")),
        ("TBTC", ("T", "BTC")),
        ("USDTUSD", ("USDT", "USD")),
        ("BTCUSD", ("BTC", "USD")),
    ],
)
def test_a_symbol_is_split_by_the_quote_assets(symbol: str, pair: tuple[str, str]):
    assert QUOTES.split(symbol) == pair


@pytest.mark.parametrize("symbol", ["XTBTC", "ETHTBTC"])
def test_an_ambiguous_symbol_is_refused(symbol: str):
    with pytest.raises(InvalidDataError, match="ambiguous") as caught:
        QUOTES.split(symbol)
    assert caught.value.field == "symbol"


@pytest.mark.parametrize("symbol", ["USDT", "USD", "BTCBTC", "", "BTCEUR", "btcusdt"])
def test_an_unknown_symbol_is_refused(symbol: str):
    with pytest.raises(InvalidDataError, match="not a known symbol") as caught:
        QUOTES.split(symbol)
    assert caught.value.field == "symbol"


def test_the_exchanges_list_splits_what_quote_assets_cannot():
    assert SYMBOLS.split("XTBTC") == ("XT", "BTC")
    assert SYMBOLS.split("XTBTC2") == ("X", "TBTC2")
    with pytest.raises(InvalidDataError):
        SYMBOLS.split("ETHUSDT")


def test_a_symbol_listed_twice_alike_is_one():
    listed = json.loads((SAMPLES / "exchange_info.json").read_bytes())["symbols"]

    assert mexc.Symbols.from_exchange_info({"symbols": [*listed, listed[0]]}).split("BTCUSDT") == ("BTC", "USDT")


@pytest.mark.parametrize("quote_assets", ["USDT", [""], [1], [None]])
def test_quote_assets_are_texts(quote_assets: Any):
    with pytest.raises(InvalidDataError) as caught:
        mexc.Symbols.from_quote_assets(quote_assets)
    assert caught.value.field == "quote_assets"


def test_an_odd_symbol_does_not_stop_the_others():
    payload = parsed("exchange_info")
    listed = len(payload["symbols"])
    odd = [
        {"symbol": "ODDUSDT", "baseAsset": "ODD"},
        {"symbol": "USDTUSDT", "baseAsset": "USDT", "quoteAsset": "USDT"},
        {"symbol": "TWOUSDT", "baseAsset": "TWO", "quoteAsset": "USDT"},
        {"symbol": "TWOUSDT", "baseAsset": "TWOUS", "quoteAsset": "DT"},
        7,
    ]
    payload["symbols"] += odd

    read = mexc.Symbols.readable_exchange_info(payload)

    assert read.good.split("BTCUSDT") == ("BTC", "USDT")
    assert [(bad.index - listed, bad.field) for bad in read.bad if bad.index is not None] == [
        (0, "quoteAsset"),
        (1, "quoteAsset"),
        (3, "symbol"),
        (4, ""),
    ]
    for symbol in ("ODDUSDT", "TWOUSDT"):
        with pytest.raises(InvalidDataError):
            read.good.split(symbol)
