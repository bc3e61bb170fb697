"""What all drawing begins with: few ids, times and amounts, so that they meet."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from metacore.domain.trading.orders import OrderSide, OrderStatus
from metacore.testing.clock import START

USERS = [UUID(int=2**127 + 1), UUID(int=2), UUID(int=3)]
"""Two that are there from the beginning, and one that is not."""

RESERVATIONS = [UUID(int=n << 96) for n in range(1, 7)]
ORDERS = [UUID(int=n << 64) for n in range(1, 13)]
TRADES = [UUID(int=n << 32) for n in range(1, 41)]
FUNDS = {"USDT": Decimal(1_000_000), "BTC": Decimal(100), "MX": Decimal(1000)}
PAIRS = {"BTCUSDT": ("BTC", "USDT"), "MXUSDT": ("MX", "USDT"), "BTCMX": ("BTC", "MX")}
users = st.sampled_from([*USERS[:2], *USERS[:2], *USERS])
order_ids = st.sampled_from(ORDERS)
trade_ids = st.sampled_from(TRADES)
client_ids = st.sampled_from(["C1", "C2", "C3", "'; --", "Ü \\"])
exchange_ids = st.sampled_from(["X1", "X2", "X3", "X4", "\t\n"])
exchange_trade_ids = st.integers(1, 20).map(lambda n: f"T{n}")
symbols = st.sampled_from(list(PAIRS))
assets = st.sampled_from([*["USDT", "BTC", "MX", "ß"] * 3, "usdt"])
references = st.sampled_from(["R1", "R2", "R3"])
# Closer to each other than the tolerance of snapshots, and further; the last ones cannot be.
times = st.sampled_from([-7200, -60, *range(-8, 9), 30, 60, 200, 300, 7200]).map(
    lambda seconds: START + timedelta(seconds=seconds)
)

sides = st.sampled_from(OrderSide)
statuses = st.sampled_from(OrderStatus)
texts = st.sampled_from(["", "why", "'%s' $1", "👍", "\\N\t"])
raws = st.sampled_from([None, None, {}, {"a": [1, Decimal("1.0"), None, {"b": "\\"}]}])
limits = st.sampled_from([1, 2, 3, 100, 1000, 0, 1001])
versions = st.sampled_from([None, None, 1, 2, 3])


def amounts(*texts: str) -> st.SearchStrategy[Decimal]:
    return st.sampled_from([Decimal(text) for text in texts])


prices = amounts("50000", "49000", "3", "0.1", "3.333333333333333333", "0.000000000000000007")
quantities = amounts(
    "0.01", "0.02", "0.03", "1", "0.000000000000000005", "0.000000000000000015", "0.333333333333333333"
)

money = amounts("1000", "500", "1", "0.5", "0.000000000000000001", "0.333333333333333333", "600")
edges = amounts(
    "99999999999999999999999999999999999999.999999999999999999999999999999999999",
    "0.000000000000000000000000000000000001",
    "0.000000000000000001",
    "7",
)


def maybe(strategy: st.SearchStrategy[Any], default: Any = None) -> st.SearchStrategy[Any]:
    return st.one_of(st.just(default), strategy)


def mostly(strategy: st.SearchStrategy[Any], otherwise: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.sampled_from([strategy] * 9 + [otherwise]).flatmap(lambda chosen: chosen)


feeds = st.sampled_from(["live", "test"])
sources = st.sampled_from(["1", "2", "\\N"])
reservation_ids = st.sampled_from(RESERVATIONS)
