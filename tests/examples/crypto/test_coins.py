"""Coins over HTTP: exact quantities, and whose they are."""

import json
from typing import Any

import pytest


def held(person: Any) -> dict[str, str]:
    quantities: dict[str, str] = person.http.get("/v2/coin/symbols").json()["quantities"]
    return quantities


def test_a_coin_is_one_in_upper_and_lower_case_and_added_twice_is_the_sum(person: Any) -> None:
    alice = person()
    assert alice.add("BTCUSDT", "0.100000000000000001").status_code == 200
    assert alice.add("btcusdt", "0.2").json() == {"quantities": {"btcusdt": "0.300000000000000001"}}
    assert alice.add("ETHUSDT", 3).status_code == 200
    assert held(alice) == {"btcusdt": "0.300000000000000001", "ethusdt": "3"}
    changed = alice.http.patch("/v2/coin/symbol", json={"symbol": "EthUsdt", "quantity": "99999999999999999999.5"})
    assert changed.json()["quantities"]["ethusdt"] == "99999999999999999999.5"
    assert alice.http.delete("/v2/coin/symbol", params={"symbol": "BTCUSDT"}).status_code == 200
    assert alice.http.delete("/v2/coin/symbol", params={"symbol": "BTCUSDT"}).status_code == 404
    assert held(alice) == {"ethusdt": "99999999999999999999.5"}


@pytest.mark.parametrize(
    "quantity",
    [
        *('"0"', "0", '"-1"', "-1", '"NaN"', "NaN", '"Infinity"', "1e400", '"1e400"', '"0.1234567890123456789"'),
        *("0.5", "true", "null", '""', '" 1"', '"1_000"', "[]", '"1' + "0" * 38 + '"', "1" + "0" * 38, "1" * 5000),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_what_is_no_quantity_is_a_bad_request(system: Any, quantity: str, method: str, one: Any) -> None:
    body = f'{{"symbol": "BTCUSDT", "quantity": {quantity}}}'
    answer = one.http.request(method, "/v2/coin/symbol", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400, answer.text
    assert held(one) == {}


@pytest.mark.parametrize("symbol", ["", " ", "x" * 33, "a/b", "\x00", "\ud800", "<b>", "é", "BTC\n"])
def test_what_is_no_symbol_is_a_bad_request(one: Any, symbol: str) -> None:
    body = json.dumps({"symbol": symbol, "quantity": "1"})
    headers = {"content-type": "application/json"}
    assert one.http.post("/v2/coin/symbol", content=body, headers=headers).status_code == 400
    if symbol != "\ud800":
        assert one.http.delete("/v2/coin/symbol", params={"symbol": symbol}).status_code == 400


def test_who_asks_sees_its_own_alone(person: Any) -> None:
    alice, bob = person(), person()
    alice.add("BTCUSDT", "1")
    bob.add("ETHUSDT", "2")
    assert (held(alice), held(bob)) == ({"btcusdt": "1"}, {"ethusdt": "2"})
    # Whoever has a token of A's shows B by no means, whatever else is said.
    answer = alice.http.get("/v2/coin/symbols", params={"user_id": bob.id}, headers={"x-user-id": bob.id})
    assert answer.json() == {"quantities": {"btcusdt": "1"}}
