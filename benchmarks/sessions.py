"""`sessions.rotate` against hand-written psycopg, and what a sign-in costs.

    python benchmarks/sessions.py

The hand-written side has the same statement; the plainer one does not tell whose session it is.
"""

from __future__ import annotations

import secrets
import time
from datetime import timedelta
from statistics import median
from typing import Any

from harness import Contest
from psycopg_pool import ConnectionPool

import metacore
import metacore.sync
from metacore.domain.people.sessions import Session
from metacore.domain.people.tokens import TokenSecret
from metacore.postgres import EmbeddedPostgres, SchemaDeployer
from metacore.postgres.statements import sessions as statements

OPERATIONS, ROUNDS, ATTEMPTS, NAMES = 50, 31, 18, 2
"""No name fails so often that it is locked."""
IDLE, GRACE = timedelta(days=7), timedelta(seconds=10)

PLAIN = """
UPDATE metacore.sessions SET token_hash = %(next_hash)s, previous_hash = token_hash, nonce = %(nonce)s,
    generation = generation + 1, rotated_at = %(now)s, idle_until = %(idle_until)s
WHERE user_id = %(user_id)s AND id = %(id)s AND token_hash = %(presented_hash)s AND ended_at IS NULL
    AND idle_until > %(now)s
RETURNING generation
"""


class Chain:
    """A session, and the secret in force of it."""

    def __init__(self, storage: Any, user_id: Any) -> None:
        self._storage = storage
        self.secret = TokenSecret(secrets.token_bytes(32))
        self.session: Session = storage.sessions.create(
            metacore.NewSession(
                user_id=user_id,
                token_hash=self.secret.hashed(),
                idle_until=storage.now() + IDLE,
                expires_at=storage.now() + timedelta(days=30),
            )
        )

    def values(self) -> dict[str, Any]:
        """What presents the secret, whose successor is in force then."""
        presented, nonce, now = self.secret, secrets.token_bytes(32), self._storage.now()
        self.secret = presented.successor(nonce)
        return {
            "user_id": self.session.user_id,
            "id": self.session.id,
            "presented_hash": presented.hashed(),
            "next_hash": self.secret.hashed(),
            "nonce": nonce,
            "idle_until": now + IDLE,
            "now": now,
        }


def main() -> None:
    with EmbeddedPostgres() as server:
        SchemaDeployer(server.url).deploy()
        options = {"autocommit": True, "prepare_threshold": 0}
        with (
            metacore.sync.connect(server.url) as storage,
            ConnectionPool(server.url, kwargs=options, min_size=1, max_size=10) as pool,
        ):
            user = storage.users.create(metacore.NewUser(username="alice"))
            renew = statements.RENEW.text("metacore")
            by_hand, plain, by_metacore = (Chain(storage, user.id) for _ in range(3))

            def rotate_by_hand() -> None:
                for _ in range(OPERATIONS):
                    with pool.connection() as connection:
                        assert connection.execute(renew, by_hand.values()).fetchone()

            def rotate_plainly() -> None:
                for _ in range(OPERATIONS):
                    with pool.connection() as connection:
                        assert connection.execute(PLAIN, plain.values()).fetchone()

            def rotate_by_metacore() -> None:
                for _ in range(OPERATIONS):
                    arguments = by_metacore.values()
                    rotation = storage.sessions.rotate(
                        arguments["user_id"],
                        arguments["id"],
                        arguments["presented_hash"],
                        arguments["next_hash"],
                        arguments["nonce"],
                        arguments["idle_until"],
                        GRACE,
                    )
                    assert rotation.outcome == "ROTATED"

            contestants = {
                "psycopg": rotate_by_hand,
                "psycopg, no user": rotate_plainly,
                "metacore": rotate_by_metacore,
            }
            Contest("sessions.rotate, sync", contestants, OPERATIONS, ROUNDS).run()
            sign_in(metacore.sync.SessionService(storage))


def sign_in(service: Any) -> None:
    """Print what it takes to be refused, with a name that is there and one that is not, in turns."""
    times: dict[bool, list[float]] = {True: [], False: []}
    names = [f"bob {number}" for number in range(NAMES)]
    for name in names:
        service.register(name, "correct horse")
    for turn in range(ATTEMPTS * NAMES):
        for is_known in (True, False) if turn % 2 else (False, True):
            name = names[turn % NAMES] if is_known else "nobody"
            started = time.perf_counter()
            try:
                service.log_in(name, "wrong horse")
            except metacore.SignInError:
                times[is_known].append(time.perf_counter() - started)
    known, unknown = median(times[True]), median(times[False])
    print(f"\nrefused, {ATTEMPTS * NAMES} times each, in turns; medians")
    print(
        f"  a wrong password {known * 1e3:.1f} ms, an unknown name {unknown * 1e3:.1f} ms: {unknown / known:.3f} of it"
    )


if __name__ == "__main__":
    main()
