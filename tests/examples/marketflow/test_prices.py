"""What is told of prices: as a second program recomputes it of what was sent."""

import time
from decimal import Decimal
from random import Random
from typing import Any

import pytest

PERIODS = ("1s", "3s", "5s", "10s", "30s", "1m", "3m", "5m")
MINUTE = 60_000


def drawn(random: Random, symbol: str, now: int, sent: Any) -> list[Any]:
    """Ticks of one symbol: late, doubled, equal, out of order, and at the edges of minutes."""
    edge = now - now % MINUTE
    choices = (
        lambda: now - random.randrange(2000),
        lambda: now - random.randrange(6 * MINUTE),
        lambda: edge - MINUTE + random.choice([-1, 0, 1]),
        lambda: edge - random.choice([1, MINUTE, MINUTE + 1]),
    )
    ticks = []
    for _ in range(400):
        price = Decimal(random.randrange(1, 10**14)).scaleb(-random.choice([0, 2, 6, 12]))
        ticks.append(sent(f"exchange{random.randrange(1, 4)}", symbol, price, random.choice(choices)()))
        if random.random() < 0.1:
            ticks.append(ticks[-1])
        if random.random() < 0.1:
            ticks.append(ticks[-1]._replace(price=Decimal(random.randrange(1, 1000))))
    return ticks


def ties(symbol: str, now: int, sent: Any) -> list[Any]:
    """Ticks of minutes whose averages lie in the middle of two prices of 18 places."""
    smallest, then = Decimal("1e-18"), now - 20 * MINUTE
    return [sent("exchange1", symbol, smallest * n, then + n // 2 * MINUTE) for n in range(2, 8)]


def counted(system: Any) -> int:
    return sum(source["ticks"] for source in system.http.get("/sources").json())


def await_ticks(system: Any, eventually: Any, count: int) -> None:
    eventually(lambda: counted(system) >= count, 20)
    time.sleep(0.1)


def test_all_families_and_periods_equal_a_recomputation(
    system: Any, feed: Any, symbols: Any, reckoning: Any, stored: Any, eventually: Any
) -> None:
    random, before = Random(16), counted(system)
    for symbol in symbols:
        ticks = drawn(random, symbol, reckoning.milliseconds(), reckoning.Sent)
        for start in range(0, len(ticks), 50):
            feed.send(*ticks[start : start + 50])
        feed.send(*ties(symbol, reckoning.milliseconds(), reckoning.Sent))
    await_ticks(system, eventually, before + len(feed.sent))
    answered = 0
    for symbol in symbols:
        for exchange in (None, "exchange1", "exchange2", "exchange3"):
            path = symbol if exchange is None else f"{exchange}/{symbol}"
            own = [one for one in feed.sent if one.symbol == symbol and exchange in (None, one.exchange)]
            latest = system.http.get(f"/prices/latest/{path}").json()
            assert latest["timestamp"] == max(one.at for one in own)
            newest = [one for one in own if one.at == latest["timestamp"]]
            assert Decimal(latest["price"]) in [one.price for one in newest]
            for period in PERIODS:
                asked = reckoning.milliseconds()
                for family, of in (("highest", max), ("lowest", min), ("average", reckoning.average)):
                    answer = system.http.get(f"/prices/{family}/{path}", params={"period": period})
                    if answer.status_code == 404:
                        assert not [one for one in own if one.at > asked - 500]
                        continue
                    body = answer.json()
                    ticks = reckoning.window(own, body)
                    assert body["count"] == len(ticks)
                    assert Decimal(body["price"]) == of([one.price for one in ticks])
                    answered += 1
    assert answered > 5 * 4 * 3 * 4
    eventually(lambda: sum(row[0] for row in stored().values()) == len(feed.sent))
    assert stored() == reckoning.recomputed(feed)


def test_the_latest_is_the_newest_though_it_came_first_and_equal_ones_count(
    system: Any, feed: Any, symbols: Any, reckoning: Any, eventually: Any
) -> None:
    now, symbol, before = reckoning.milliseconds() + 900, symbols[1], counted(system)
    for price, at in (("2", now), ("9", now - 700), ("2", now), ("3", now - 400)):
        feed.send(reckoning.Sent("exchange2", symbol, Decimal(price), at))
    await_ticks(system, eventually, before + 4)
    assert system.http.get(f"/prices/latest/exchange2/{symbol}").json()["timestamp"] == now
    assert system.http.get(f"/prices/latest/exchange2/{symbol}").json()["price"] == "2"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        *((f"/prices/average/{{symbol}}?period={period}", 400) for period in ("0s", "-1s", "abc", "1000h", "", "60s")),
        ("/prices/highest/{symbol}?period=%00", 400),
        ("/prices/latest/NOSUCH", 404),
        ("/prices/latest/nowhere/{symbol}", 404),
        ("/prices/latest/%00", 404),
        ("/prices/latest/exchange1/{symbol}/more", 404),
        ("/prices/median/{symbol}", 400),
        ("/prices/lowest/..%2f..%2f", 404),
        ("/prices/recent?after=yesterday", 400),
    ],
)
def test_what_is_not_there_is_404_and_what_makes_no_sense_400(
    system: Any, symbols: Any, path: str, status: int
) -> None:
    answer = system.http.get(path.format(symbol=symbols[0]))
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


BROKEN = {
    "form": [
        b"hello",
        b'{"symbol":"S","price":1',
        b"[1,2]",
        b"null",
        b'{"symbol":"S","price":NaN,"timestamp":NOW}',
        b'{"symbol":"S","price":Infinity,"timestamp":NOW}',
        b'{"symbol":"S","price":1,"timestamp":NOW}{"symbol":"S","price":1,"timestamp":NOW}',
        b'\xef\xbb\xbf{"symbol":"S","price":1,"timestamp":NOW}',
        b"\xff\xfe\x00",
        b'{"price":1,"timestamp":NOW}',
        b"[" * 10_000,
        b'{"symbol":"S","price":1e9999999999999999999,"timestamp":NOW}',
    ],
    "price": [
        b'{"symbol":"S","price":"1.5","timestamp":NOW}',
        b'{"symbol":"S","price":-1,"timestamp":NOW}',
        b'{"symbol":"S","price":0,"timestamp":NOW}',
        b'{"symbol":"S","price":true,"timestamp":NOW}',
        b'{"symbol":"S","price":null,"timestamp":NOW}',
        b'{"symbol":"S","price":1e400,"timestamp":NOW}',
    ],
    "time": [
        b'{"symbol":"S","price":1,"timestamp":1795955217}',
        b'{"symbol":"S","price":1,"timestamp":9999999999999}',
        b'{"symbol":"S","price":1,"timestamp":"NOW"}',
        b'{"symbol":"S","price":1,"timestamp":1795955217000.5}',
        b'{"symbol":"S","price":1,"timestamp":-1}',
    ],
    "symbol": [
        b'{"symbol":"NOSUCH","price":1,"timestamp":NOW}',
        b'{"symbol":["S"],"price":1,"timestamp":NOW}',
    ],
    "length": [b'{"symbol":"' + b"x" * 2**20 + b'","price":1,"timestamp":NOW}', b"y" * 70_000],
}


def test_broken_lines_are_counted_and_the_connection_lives(
    system: Any, feed: Any, symbols: Any, exchanges: Any, reckoning: Any, eventually: Any
) -> None:
    third = exchanges[2]
    connections, before = third.connections, counted(system)
    now, symbol = str(reckoning.milliseconds()).encode(), symbols[2].encode()
    for lines in BROKEN.values():
        for line in lines:
            third.send(line.replace(b"NOW", now).replace(b'"S"', b'"' + symbol + b'"') + b"\n\r\n")
    feed.send(reckoning.Sent(third.name, symbols[2], Decimal("1.25"), reckoning.milliseconds()))
    await_ticks(system, eventually, before + 1)
    source = system.http.get("/sources").json()[2]
    assert source["broken"] == {why: len(lines) for why, lines in BROKEN.items()}
    assert source["state"] == "connected"
    assert third.connections == connections
    assert system.http.get(f"/prices/latest/exchange3/{symbols[2]}").json()["price"] == "1.25"


def test_every_route_is_described_and_health_names_each_part(system: Any, exchanges: Any) -> None:
    paths = system.http.get("/openapi.json").json()["paths"]
    for path in ("/prices/latest/{symbol}", "/prices/{family}/{exchange}/{symbol}", "/mode/{mode}", "/sources"):
        assert path in paths
    health = system.http.get("/health").json()
    assert health["parts"].keys() == {"database", "redis", "minutes", *(one.name for one in exchanges)}
    assert "market_ticks" in system.http.get("/metrics").text
    assert system.http.post("/mode/demo").status_code == 400
