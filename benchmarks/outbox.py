"""Appending to the outbox in sets, and one relay that tells what is there, against hand-written psycopg; and claims
while a snapshot is held.

    python benchmarks/outbox.py

The hand-written side has a table of keys and one of events with the same indexes. It numbers the events, stores a set
by two statements, and reads one in one piece: no claims, no leases, no models.
"""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import threading
import time
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
from harness import Contest

from metacore.ids import new_id
from metacore.postgres import EmbeddedPostgres, SchemaDeployer
from metacore.sync import Event, NewEvent, Relay, Storage, connect

EVENTS = 5_000
KEYS = 100
ROUNDS = 15
SECONDS = 60
RATE = 800
HELD_KEYS = 1_000
WRITERS = 4

TABLES = """
CREATE TABLE event_keys (topic text, key text, last_seq bigint NOT NULL, PRIMARY KEY (topic, key));
CREATE TABLE events (id uuid NOT NULL, topic text, key text, seq bigint, type text NOT NULL, payload json NOT NULL,
    headers json NOT NULL, occurred_at timestamptz NOT NULL, recorded_at timestamptz NOT NULL,
    PRIMARY KEY (topic, key, seq));
CREATE UNIQUE INDEX ON events (topic, id);
CREATE INDEX ON events (recorded_at)
"""
COUNT = """
INSERT INTO event_keys SELECT %s, named.key, %s FROM unnest(%s::text[]) AS named (key) ORDER BY key
ON CONFLICT (topic, key) DO UPDATE SET last_seq = event_keys.last_seq + excluded.last_seq RETURNING key, last_seq
"""
INSERT = """
INSERT INTO events SELECT new.id, %s, new.key, new.seq, 'order.placed', new.payload::json, '{}', now(), now()
FROM unnest(%s::uuid[], %s::text[], %s::bigint[], %s::text[]) AS new (id, key, seq, payload)
"""
READ = """
SELECT id, topic, key, seq, type, payload, headers, occurred_at, recorded_at FROM events
WHERE topic = %s AND seq > 0 ORDER BY key, seq
"""
MARK = "UPDATE event_keys SET last_seq = last_seq WHERE topic = %s"

PAYLOADS = [{"order": number, "price": "50000.00", "quantity": "0.01"} for number in range(EVENTS)]
NAMES = [f"order-{number}" for number in range(KEYS)]


def append_by_hand(connection: psycopg.Connection[Any], topic: str) -> None:
    last = dict(connection.execute(COUNT, [topic, EVENTS // KEYS, NAMES]).fetchall())
    seqs = {key: seq - EVENTS // KEYS for key, seq in last.items()}
    ids, keys, numbers, texts = [], [], [], []
    for number, payload in enumerate(PAYLOADS):
        key = NAMES[number % KEYS]
        seqs[key] += 1
        ids.append(new_id())
        keys.append(key)
        numbers.append(seqs[key])
        texts.append(json.dumps(payload))
    connection.execute(INSERT, [topic, ids, keys, numbers, texts])
    connection.commit()


def tell_by_hand(connection: psycopg.Connection[Any], topic: str) -> None:
    read = sum(1 for _ in connection.execute(READ, [topic]).fetchall())
    connection.execute(MARK, [topic])
    connection.commit()
    assert read == EVENTS


def append(storage: Storage, topic: str) -> None:
    storage.outbox.append(
        NewEvent(topic=topic, key=NAMES[number % KEYS], type="order.placed", payload=payload)
        for number, payload in enumerate(PAYLOADS)
    )


def tell(storage: Storage, topic: str) -> None:
    def send(event: Event) -> None:
        """Nothing, at no cost."""

    assert Relay(storage, [topic], send).step() == EVENTS


def sets(storage: Storage, url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(TABLES)
        connection.commit()
        topics = [map(str, count()) for _ in range(4)]
        appending = {
            "psycopg": lambda: append_by_hand(connection, next(topics[0])),
            "metacore": lambda: append(storage, next(topics[1])),
        }
        telling = {
            "psycopg": lambda: tell_by_hand(connection, next(topics[2])),
            "metacore": lambda: tell(storage, next(topics[3])),
        }
        Contest(f"append of {EVENTS:,} events of {KEYS} keys", appending, EVENTS, ROUNDS).run()
        Contest(f"one relay, {EVENTS:,} events of {KEYS} keys", telling, EVENTS, ROUNDS).run()


def write(url: str) -> None:
    """What the child process does: appends events one by one, by several threads, at the rate."""
    begun, number = time.monotonic(), count(1)

    def append() -> None:
        for due in number:
            if due > SECONDS * RATE:
                return
            time.sleep(max(0, begun + due / RATE - time.monotonic()))
            key = f"order-{random.randrange(HELD_KEYS)}"
            storage.outbox.append([NewEvent(topic="held", key=key, type="order.placed", payload={"a": 1})])

    with connect(url) as storage:
        threads = [threading.Thread(target=append) for _ in range(WRITERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def held(storage: Storage, url: str) -> None:
    """Claims while others write and a reader's snapshot is held: how long the first and the last of them took."""
    with psycopg.connect(url) as reader, subprocess.Popen([sys.executable, __file__, url]) as writer:
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT count(*) FROM metacore.users")
        times: list[tuple[float, float]] = []
        claimed, begun = 0, 0.0
        while claimed < SECONDS * RATE:
            started = time.perf_counter()
            claim = storage.outbox.claim(["held"])
            now = time.perf_counter()
            if claim.keys:
                begun = begun or started
                times.append((started - begun, now - started))
                claimed += len(claim.events)
                storage.outbox.done(claim.id, claim.upto)
            elif writer.poll() not in (None, 0):
                raise RuntimeError("the writer failed")
            time.sleep(0.01)
        took = times[-1][0]
    print(f"\nclaims beside a snapshot held for {took:.0f} s: {claimed:,} events, {claimed / took:,.0f} a second")
    for since in range(0, int(took), 10):
        part = sorted(duration for at, duration in times if since <= at < since + 10)
        p50, p99 = statistics.median(part) * 1e3, part[int(len(part) * 0.99)] * 1e3
        print(f"  from {since:>3} s on: {len(part):>5,} claims, p50 {p50:.2f} ms, p99 {p99:.2f} ms")


def main() -> None:
    # On a path, it writes as a server does: fsync is on.
    with TemporaryDirectory() as directory, EmbeddedPostgres(Path(directory, "data")) as server:
        SchemaDeployer(server.url).deploy()
        with connect(server.url) as storage:
            held(storage, server.url)
            sets(storage, server.url)


if __name__ == "__main__":
    write(sys.argv[1]) if len(sys.argv) > 1 else main()
