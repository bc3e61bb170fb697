"""Credentials: what decrypting costs, users with and without them, and a rotation of keys beside running readers.

    python benchmarks/credentials.py [USERS]

Users (50,000 unless told) have credentials under an old key; the keys are rotated as `metacore rotate-keys` does it. In
the last run readers read random users' credentials, by id and by API key, meanwhile: each must get what was set.
"""

from __future__ import annotations

import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import psycopg
from harness import Contest

from metacore import new_id
from metacore.crypto.ring import KeyRing
from metacore.crypto.sealing import api_key_hashes, hash_api_key, seal, unseal
from metacore.postgres import EmbeddedPostgres, SchemaDeployer
from metacore.sync import Credentials, KeyRotation, NewUser, Settings, Storage, connect

READERS = 4
CALLS = 1000
READS = 20
OLD, NEW = bytes(range(32)), bytes(range(1, 33))
BEFORE, AFTER = KeyRing({"old": OLD}), KeyRing({"new": NEW, "old": OLD})
ADD_USER = """
INSERT INTO metacore.users (
    id, exchange, kyc_status, can_trade, can_withdraw, can_deposit, account_type, permissions, is_active,
    balances_contrary, version, created_at, updated_at)
SELECT id, 'MEXC', 'PRIMARY', true, true, true, 'SPOT', '{}', true, '{}', 1, now(), now() FROM unnest(%s::uuid[]) AS id
"""
TABLES = ("users", "user_names", "user_credentials", "user_api_keys")
ADD_NAMES = """
INSERT INTO metacore.user_names SELECT 'API_KEY', encode(api_key_hash, 'hex'), user_id FROM metacore.user_api_keys
"""


def credentials_of(user_id: UUID) -> Credentials:
    """An API key and secret as long as MEXC's."""
    return Credentials(api_key=f"mx0{user_id.hex[-15:]}", api_secret=user_id.hex)


def many(contestants: dict[str, Callable[[], object]], calls: int = READS) -> dict[str, Callable[[], object]]:
    return {name: lambda call=call: [call() for _ in range(calls)] for name, call in contestants.items()}


def ciphers() -> None:
    user_id = new_id()
    credentials = credentials_of(user_id)
    sealed = seal(AFTER, user_id, credentials)
    contestants: dict[str, Callable[[], object]] = {
        "decrypt API key and secret": lambda: unseal(AFTER, sealed),
        "encrypt them": lambda: seal(AFTER, user_id, credentials),
        "hash the API key, two keys": lambda: hash_api_key(AFTER, credentials.api_key),
    }
    Contest("in memory", many(contestants, CALLS), CALLS, 21).run()


def reads(storage: Storage, without_keys: Storage, again: Storage) -> None:
    plain, keyed = (storage.users.create(NewUser()).id for _ in range(2))
    storage.users.set_credentials(keyed, credentials_of(keyed))
    contestants: dict[str, Callable[[], object]] = {
        "no keys configured": lambda: without_keys.users.get(plain),
        "no keys, another storage": lambda: again.users.get(plain),
        "keys configured": lambda: storage.users.get(plain),
        "... and credentials set": lambda: storage.users.get(keyed),
    }
    Contest("users.get", many(contestants), READS, 101).run()
    api_key = credentials_of(keyed).api_key
    contestants = {
        "users.get": lambda: storage.users.get(keyed),
        "users.credentials": lambda: storage.users.credentials(keyed),
        "users.get_by_api_key": lambda: storage.users.get_by_api_key(api_key),
        "users.set_credentials": lambda: storage.users.set_credentials(keyed, credentials_of(keyed)),
    }
    Contest("with credentials", many(contestants), READS, 31).run()
    for user_id in (plain, keyed):
        storage.users.delete(user_id)


def fill(url: str, count: int) -> list[UUID]:
    """Users with credentials under the old key, in place of all there were."""
    user_ids = [new_id() for _ in range(count)]
    sealed = [seal(BEFORE, user_id, credentials_of(user_id)) for user_id in user_ids]
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("TRUNCATE metacore.users, metacore.user_names CASCADE")
        cursor.execute(ADD_USER, [user_ids])
        with cursor.copy("COPY metacore.user_credentials FROM STDIN") as copy:
            for row in sealed:
                copy.write_row([row.user_id, row.key_id, row.sealed])
        with cursor.copy("COPY metacore.user_api_keys FROM STDIN") as copy:
            for row in sealed:
                for hashed in api_key_hashes(BEFORE, row.user_id, credentials_of(row.user_id)):
                    copy.write_row([hashed.user_id, hashed.key_id, row.generation, hashed.api_key_hash])
        cursor.execute(ADD_NAMES)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "VACUUM ANALYZE metacore.users, metacore.user_names, metacore.user_credentials, metacore.user_api_keys"
        )
    return user_ids


def rotate(storage: Storage, batch_size: int) -> float:
    started = time.perf_counter()
    report = KeyRotation(storage).run(batch_size)
    taken = time.perf_counter() - started
    counts = f"{report.overtaken} overtaken, {report.unreadable} unreadable, {report.remaining} remaining"
    rate = f"{report.rotated:,} users in {taken:.1f} s, {report.rotated / taken:,.0f} rows/s"
    print(f"  batches of {batch_size:>5,}: {rate}; {counts}")
    return taken


def rotate_beside_readers(storage: Storage, user_ids: list[UUID]) -> None:
    over = threading.Event()

    def read(seed: int) -> Counter[str]:
        chosen, counts = random.Random(seed), Counter[str]()
        while not over.is_set():
            user_id = chosen.choice(user_ids)
            expected = credentials_of(user_id)
            try:
                same = (
                    storage.users.credentials(user_id) == expected
                    and storage.users.get_by_api_key(expected.api_key).id == user_id
                )
            except Exception as error:  # noqa: BLE001 - a failure is what is counted
                counts[type(error).__name__] += 1
            else:
                counts["right" if same else "wrong"] += 2
        return counts

    with ThreadPoolExecutor(READERS) as pool:
        readers = [pool.submit(read, seed) for seed in range(READERS)]
        taken = rotate(storage, 500)
        over.set()
        counts = sum((reader.result() for reader in readers), Counter[str]())
    right = counts.pop("right")
    failures = dict(counts) or "none"
    print(f"  {READERS} readers meanwhile: {right:,} reads right, {right / taken:,.0f} /s; failures: {failures}")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    ciphers()
    with EmbeddedPostgres() as server:
        SchemaDeployer(server.url).deploy()
        with connect(server.url, settings=Settings(encryption_keys=AFTER)) as storage:
            with connect(server.url) as without_keys, connect(server.url) as again:
                reads(storage, without_keys, again)
            print(f"\nrotation of {count:,} users")
            for batch_size in (100, 500, 1000):
                fill(server.url, count)
                rotate(storage, batch_size)
            rotate_beside_readers(storage, fill(server.url, count))


if __name__ == "__main__":
    main()
