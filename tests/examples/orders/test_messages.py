"""What comes by Kafka: stored as it came, or kept as a dead letter, and then the next."""

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orders.publish import key_of, messages

EXAMPLES = Path(__file__).parents[3] / "examples"
SAMPLE = EXAMPLES / "data" / "order_messages.jsonl"

_DATE = b'"date_created": "2021-11-26T06:22:19Z"}'
BROKEN = {
    "broken": b'{"order_uid": "x", ',
    "array": b"[1, 2]",
    "empty": b"",
    "no value": None,
    "deep": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "NUL": b'{"order_uid": "a\\u0000b", "items": [{}], ' + _DATE,
    "surrogate": b'{"order_uid": "\\ud800", "items": [{}], ' + _DATE,
    "number": b'{"order_uid": "n", "items": [{"price": 1e9999999999999999999}], ' + _DATE,
    "bytes": bytes(range(256)),
    "5 MB": b'{"order_uid": "big", "entry": "' + b"x" * 5_000_000 + b'"}',
}


def stored(system: Any, order: dict[str, Any]) -> Callable[[], bool]:
    def check() -> bool:
        answer = system.http.get(f"/order/{order['order_uid']}")
        return answer.status_code == 200 and answer.json() == order

    return check


def letters(system: Any, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    while True:
        page = system.http.get("/api/v1/dead-letters", params={**query, **after, "limit": 5}).json()
        found += page["items"]
        if page["next"] is None:
            return found
        after = {"after": page["next"]}


def as_message(order: dict[str, Any]) -> bytes:
    return json.dumps(order).encode()


def test_an_order_comes_back_as_it_came(system: Any, produce: Any, order: Any, eventually: Any) -> None:
    one = order(number=1, real=1.0, empty="", zero=0, nothing=None)
    produce([as_message(one)])
    eventually(stored(system, one))
    assert [type(one[key]) for key in ("number", "real")] == [int, float]


def test_the_same_message_many_times_over_all_partitions_is_one_order(
    system: Any, produce: Any, order: Any, eventually: Any
) -> None:
    one, last = order(), order()
    produce([as_message(one)] * 99, partitions=[0, 1, 2])
    produce([as_message(last)] * 3, partitions=[0, 1, 2])
    eventually(stored(system, last))
    eventually(lambda: "orders_backlog 0.0" in system.http.get("/metrics").text)
    listed = [item["order_uid"] for item in system.http.get("/api/v1/orders", params={"limit": 1000}).json()["items"]]
    assert listed.count(one["order_uid"]) == 1


def test_a_changed_message_replaces_the_whole_order(system: Any, produce: Any, order: Any, eventually: Any) -> None:
    one = order()
    produce([as_message(one)])
    eventually(stored(system, one))
    changed = {key: one[key] for key in ("order_uid", "date_created")} | {"items": [{"name": "other"}]}
    produce([as_message(changed)])
    eventually(stored(system, changed))


def test_orders_that_share_what_is_not_their_key_are_all_there(
    system: Any, produce: Any, order: Any, eventually: Any
) -> None:
    several = [order() for _ in range(3)]
    produce([as_message(one) for one in several])
    for one in several:
        eventually(stored(system, one))


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_no_order_is_a_dead_letter_and_the_next_is_stored(
    system: Any, produce: Any, order: Any, eventually: Any, kind: str
) -> None:
    following = order()
    known = {letter["position"] for letter in letters(system)}
    produce([BROKEN[kind], as_message(following)], partitions=[1])
    began = time.monotonic()
    eventually(stored(system, following))
    assert time.monotonic() - began < 20
    (letter,) = [letter for letter in letters(system) if letter["position"] not in known]
    assert (letter["value"] and base64.b64decode(letter["value"])) == (BROKEN[kind] or letter["value"])
    assert (letter["value"] is None) is (BROKEN[kind] is None)
    assert letter["error"]


def test_letters_are_replayed_after_repair_or_discarded_and_twice_is_once(
    system: Any, produce: Any, order: Any, eventually: Any
) -> None:
    known = {letter["position"] for letter in letters(system)}
    produce([b'{"order_uid": "broken"}'] * 2, partitions=[2])
    eventually(lambda: len(letters(system)) == len(known) + 2)
    first, second = (letter for letter in letters(system) if letter["position"] not in known)
    path = "/api/v1/dead-letters/{source}/{position}/".format
    repaired, other = order(), order()
    assert system.http.post(path(**first) + "replay").status_code == 400
    for body in (repaired, other):
        answer = system.http.post(path(**first) + "replay", json=body)
        assert answer.status_code == 200
        assert answer.json()["resolution"] == "REPLAYED"
    assert system.http.get(f"/order/{repaired['order_uid']}").json() == repaired
    assert system.http.get(f"/order/{other['order_uid']}").status_code == 404
    for _ in range(2):
        assert system.http.post(path(**second) + "discard").json()["resolution"] == "DISCARDED"
    assert system.http.post(path(**second) + "replay", json=other).status_code == 409
    assert system.http.post(path(**first) + "discard").status_code == 409
    assert system.http.post(path(source="nothing", position="0-0-0") + "discard").status_code == 404
    assert len(letters(system)) == len(known)
    assert {first["position"], second["position"]} <= {letter["position"] for letter in letters(system, resolved=True)}


def test_the_sample_file_is_published_line_by_line(system: Any, variables: dict[str, str], eventually: Any) -> None:
    known = len(letters(system))
    publish = [sys.executable, "-m", "orders.publish", str(SAMPLE)]
    published = subprocess.run(publish, cwd=EXAMPLES, env={**os.environ, **variables}, capture_output=True, text=True)
    assert published.returncode == 0, published.stderr
    assert published.stdout.startswith("12 messages sent")
    for uid in ("order-a", "order-b", "order-c", "order-d"):
        eventually(lambda uid=uid: system.http.get(f"/order/{uid}").status_code == 200)
    eventually(lambda: len(letters(system)) == known + 5)


def test_a_file_that_is_one_object_is_one_message() -> None:
    whole = json.dumps({"order_uid": "a", "items": []}, indent=1).encode()
    assert messages(whole) == [whole]
    assert messages(b"{}\n\nbroken\r\n[1]") == [b"{}", b"broken", b"[1]"]
    assert key_of(whole) == b"a"
    assert [key_of(text) for text in (b"broken", b"[1]", b'{"order_uid": 1}', b"\xff")] == [None] * 4
