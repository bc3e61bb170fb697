"""Payloads of any kind, in any order, put together."""

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metacore.domain.trading.order_updates import UpdateSource
from metacore.domain.trading.orders import OrderStatus
from metacore.domain.trading.reconciliation import ExchangeState
from metacore.errors import InvalidDataError
from metacore.exchanges import mexc
from metacore.testing.cases import each_case
from tests.exchanges.mexc_payloads import NOW, SAMPLES, SYMBOLS, USER

ACCOUNT = {"balances": [{"asset": "USDT", "free": "1", "locked": "0"}]}


def state(*payloads: Any, **values: Any) -> ExchangeState:
    return mexc.exchange_state(payloads, user_id=USER, symbols=SYMBOLS, **values)


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.json").read_bytes()


KINDS = {
    "open_orders": "reports",
    "all_orders": "reports",
    "cancel_all": "reports",
    "order_new": "reports",
    "order_query": "reports",
    "order_cancel": "reports",
    "stream_order_protobuf": "reports",
    "stream_order_json": "reports",
    "my_trades": "trades",
    "stream_deal_protobuf": "trades",
    "stream_deal_json": "trades",
    "account": "snapshot",
}
SILENT = ("stream_account_protobuf", "stream_account_json", "exchange_info")


@each_case("name", list(KINDS))
def test_every_payload_is_known_by_what_it_says(name: str):
    read = state(sample(name), taken_at=NOW)

    assert read.bad == ()
    assert [kind for kind in ("reports", "trades", "deposits", "withdrawals", "snapshot") if getattr(read, kind)] == [
        KINDS[name]
    ]


def test_what_tells_nothing_of_the_account():
    pong = {"id": 0, "code": 0, "msg": "PONG"}
    deals = {"channel": "spot@public.deals.v3.api.pb@BTCUSDT", "publicDeals": {}}

    assert state(*map(sample, SILENT), pong, deals, [], b"[]", {"serverTime": 1767225600000}) == ExchangeState(
        user_id=USER
    )


def test_the_order_of_the_payloads_makes_no_difference():
    names = ("all_orders", "my_trades", "account", "stream_order_protobuf", "stream_deal_protobuf")

    def said(read: ExchangeState) -> Any:
        reports = [(report.exchange_order_id, report.status, report.occurred_at) for report in read.reports]
        return reports, [trade.key for trade in read.trades], read.snapshot, read.bad

    first, *others = [
        said(state(*map(sample, order), taken_at=NOW)) for order in itertools.permutations([*names, "account"], 6)
    ][::37]

    assert all(other == first for other in others)


def test_reports_of_one_order_go_from_least_to_most():
    def listed(status: str, executed: str, time: int) -> dict[str, Any]:
        order = json.loads(sample("order_query"))
        return order | {"status": status, "executedQty": executed, "time": time, "updateTime": time}

    newest, oldest = 1767225609000, 1767225600000
    read = state(
        listed("FILLED", "0.0032", oldest), listed("NEW", "0", newest), listed("PARTIALLY_FILLED", "0.001", oldest + 1)
    )

    assert [report.status for report in read.reports] == [
        OrderStatus.NEW,
        OrderStatus.PARTIALLY_FILLED,
        OrderStatus.FILLED,
    ]
    assert {report.source for report in read.reports} == {UpdateSource.RECONCILE}


def test_the_account_is_taken_in_the_exchanges_time():
    early, late = {"serverTime": 1767225600000}, {"serverTime": 1767225601000}

    def taken_at(*payloads: Any, **values: Any) -> datetime:
        read = state(*payloads, **values)
        assert read.snapshot is not None
        return read.snapshot.taken_at

    assert taken_at(late, ACCOUNT, early) == datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert taken_at(ACCOUNT, late, taken_at=NOW) == NOW
    assert taken_at(ACCOUNT, taken_at=NOW, clock_offset=timedelta(seconds=-3)) == NOW - timedelta(seconds=3)
    assert taken_at(ACCOUNT | {"updateTime": 1767225600000}, taken_at=NOW) == datetime(2026, 1, 1, tzinfo=UTC)


def test_an_account_of_no_time_is_bad():
    (bad,) = state([], ACCOUNT).bad

    assert (bad.payload, bad.index, bad.field) == (1, None, "updateTime")
    assert json.loads(bad.raw) == ACCOUNT


def test_of_several_accounts_the_newest_counts():
    other = {"balances": [{"asset": "USDT", "free": "2", "locked": "0"}]}
    older, newer = ({**ACCOUNT, "updateTime": time} for time in (1767225600000, 1767225601000))

    read = state(newer, older)
    assert (read.snapshot and read.snapshot.taken_at, read.bad) == (datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC), ())
    assert state(ACCOUNT, ACCOUNT, taken_at=NOW).snapshot is not None
    unsure = state(ACCOUNT, other, taken_at=NOW)
    assert unsure.snapshot is None
    assert [(bad.payload, bad.field) for bad in unsure.bad] == [(0, "balances"), (1, "balances")]


def test_a_deposit_counts_once_in_whatever_pages_it_comes():
    one = {"coin": "EOS", "amount": "1", "network": "EOS", "status": 5, "txId": "t", "insertTime": 1767225600000}
    other = {**one, "txId": "u"}

    read = state([one, one, other], [one, other], [other], one)

    assert len(read.deposits) == 3
    assert len({transfer.reference for transfer in read.deposits}) == 3


@each_case(
    ("payload", "index", "field"),
    [
        (b"", None, ""),
        (b"\x0a\x03abc", None, "channel"),
        (b"{", None, ""),
        (b"[", None, ""),
        ("7", None, ""),
        (None, None, ""),
        (7, None, ""),
        ({"hello": 1}, None, ""),
        ([{"hello": 1}], 0, ""),
        ([7], 0, ""),
        ([[]], 0, ""),
        ({"code": 700002, "msg": "no"}, None, "code"),
        ({"id": 0, "code": 0, "msg": "Not Subscribed successfully! [spot@x]. Reason: no"}, None, "msg"),
        ({"assets": []}, None, "assets"),
        ({"serverTime": 1767225600}, None, "serverTime"),
        ([{"orderId": "1", "side": "BUY"}], 0, "symbol"),
    ],
)
def test_what_cannot_be_read_is_bad_and_stops_nothing(payload: Any, index: int | None, field: str):
    read = state(ACCOUNT, payload, sample("my_trades"), taken_at=NOW)

    assert read.trades
    assert read.snapshot
    assert [(bad.payload, bad.index, bad.field) for bad in read.bad] == [(1, index, field)]
    assert isinstance(read.bad[0].raw, bytes)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"user_id": "me"}, "user_id"),
        ({"taken_at": "soon"}, "taken_at"),
        ({"taken_at": datetime(2026, 1, 1)}, "taken_at"),  # noqa: DTZ001
        ({"taken_at": NOW, "clock_offset": timedelta(days=10**7)}, "taken_at"),
    ],
)
def test_what_the_caller_gives_wrong_is_an_error(values: dict[str, Any], field: str):
    with pytest.raises(InvalidDataError) as caught:
        mexc.exchange_state([ACCOUNT], **{"user_id": USER, "symbols": SYMBOLS, **values})
    assert caught.value.field == field


NAMES = ["orderId", "side", "coin", "applyTime", "balances", "channel", "c", "d", "isBuyer", "msg", "code", "symbol"]
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.decimals()
    | st.floats()
    | st.binary(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=12,
)


@settings(deadline=None)
@given(payloads=st.lists(ANYTHING, max_size=4))
def test_anything_is_read_or_bad(payloads: list[Any]):
    for bad in state(*payloads, taken_at=NOW).bad:
        assert 0 <= bad.payload < len(payloads)
        assert isinstance(bad.raw, bytes)
