"""The live profile over its WebSocket: exact, prompt, one a user, and none harmed by another."""

import json
import time
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect


def websocket_url(system: Any, query: str = "") -> str:
    return f"{system.url.replace('http', 'ws')}/v2/user/profile/ws{query}"


def test_within_two_seconds_of_a_price_it_is_sent_exactly(person: Any, exchange: Any, message_until: Any) -> None:
    alice = person()
    alice.add("AAAUSDT", "0.123456789012345678")
    alice.add("NOPRICEUSDT", 2)
    with alice.look_on() as socket:
        first = message_until(socket, lambda _: True)
        assert (first["ID"], first["Name"], first["Unpriced"]) == (alice.id, alice.name, ["aaausdt", "nopriceusdt"])
        exchange.quote(AAAUSDT="61250.40000000")
        began = time.monotonic()
        message = message_until(socket, lambda message: message["Prices"])
        assert time.monotonic() - began < 20
        ages = message.pop("Ages")
        assert ages.keys() == {"aaausdt"}
        assert ages["aaausdt"] < 20
        assert message == {
            "ID": alice.id,
            "Name": alice.name,
            "Quantities": {"aaausdt": "0.123456789012345678", "nopriceusdt": "2"},
            "Prices": {"aaausdt": "61250.4"},
            "Totals": {"aaausdt": "7561.7777097217777157712"},
            "Total": "7561.7777097217777157712",
            "Unpriced": ["nopriceusdt"],
            "Stale": [],
        }
        # What is changed is told, without any price.
        alice.http.delete("/v2/coin/symbol", params={"symbol": "AAAUSDT"})
        message = message_until(socket, lambda message: "aaausdt" not in message["Quantities"])
        assert (message["Prices"], message["Total"]) == ({}, "0")


def test_a_second_socket_of_a_user_closes_the_first(person: Any, message_until: Any) -> None:
    alice, bob = person(), person()
    with alice.look_on() as first, bob.look_on() as other, alice.look_on() as second:
        message_until(second, lambda _: True)
        with pytest.raises(ConnectionClosed) as closed:
            message_until(first, lambda _: False)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4001
        assert message_until(second, lambda _: True)["ID"] == alice.id
        assert message_until(other, lambda _: True)["ID"] == bob.id


def test_two_on_a_symbol_and_one_leaves_the_other_goes_on(person: Any, exchange: Any, message_until: Any) -> None:
    alice, bob = person(), person()
    for who in (alice, bob):
        who.add("CCCUSDT", "1")
    with bob.look_on() as bobs:
        with alice.look_on() as alices:
            exchange.quote(CCCUSDT="1")
            for socket in (alices, bobs):
                message_until(socket, lambda message: message["Total"] == "1")
        exchange.quote(CCCUSDT="2")
        message_until(bobs, lambda message: message["Total"] == "2")


def test_a_socket_ends_with_its_session(person: Any, message_until: Any) -> None:
    alice = person()
    with alice.look_on() as socket:
        message_until(socket, lambda _: True)
        alice.http.post("/v1/auth/logout-all")
        with pytest.raises(ConnectionClosed) as closed:
            message_until(socket, lambda _: False)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4002


def test_a_ticket_opens_one_socket_and_nothing_else_does(system: Any, person: Any, message_until: Any) -> None:
    alice = person()
    ticket = alice.http.post("/v2/user/profile/ws-ticket").json()["ticket"]
    with connect(websocket_url(system, f"?ticket={ticket}"), proxy=None) as socket:
        assert message_until(socket, lambda _: True)["ID"] == alice.id
    for query, headers in (
        (f"?ticket={ticket}", {}),
        ("?ticket=", {}),
        ("", {}),
        ("", {"authorization": "Bearer x"}),
    ):
        with pytest.raises(InvalidStatus) as refused:
            connect(websocket_url(system, query), additional_headers=headers, proxy=None)
        assert refused.value.response.status_code == 401
    assert httpx.post(f"{system.url}/v2/user/profile/ws-ticket").status_code == 401


def test_one_that_never_reads_harms_nobody(person: Any, exchange: Any, message_until: Any) -> None:
    slow, quick = person(), person()
    for who in (slow, quick):
        for number in range(20):
            who.add(f"DDD{number}USDT", "1.000000000000000001")
    with slow.look_on(max_queue=1, close_timeout=0.1) as _, quick.look_on() as socket:
        for price in range(1, 4):
            exchange.quote(**{f"DDD{number}USDT": str(price) for number in range(20)})
            message_until(socket, lambda message, price=price: set(message["Prices"].values()) == {str(price)})


def test_the_prices_of_the_last_minutes_are_listed_oldest_first(
    system: Any, exchange: Any, person: Any, message_until: Any
) -> None:
    alice = person()
    alice.add("EEEUSDT", "1")
    with alice.look_on() as socket:
        for price in ("0.10", "0.2"):
            exchange.quote(EEEUSDT=price)
            message_until(socket, lambda message, price=price: message["Total"] == price.rstrip("0"))
    history = system.http.get("/v2/prices/EEEUSDT").json()
    assert [one["price"] for one in history["prices"]] == ["0.1", "0.2"]
    assert system.http.get("/v2/prices/NONE").json() == {"symbol": "none", "prices": []}
    assert system.http.get("/v2/prices/a%20b").status_code == 400


def test_what_a_client_says_is_let_go_by(person: Any, message_until: Any) -> None:
    alice = person()
    with alice.look_on() as socket:
        for message in ("x", b"\xff", json.dumps({"a": 1}), "y" * 100_000):
            socket.send(message)
        assert message_until(socket, lambda _: True)["Name"] == alice.name
        assert message_until(socket, lambda _: True)["Name"] == alice.name
