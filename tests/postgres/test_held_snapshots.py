"""Events are appended and told at the same cost however long somebody holds a snapshot.

What is replaced or deleted stays as long as the snapshot that could see it, so whoever walks over that gets slower.
"""

from __future__ import annotations

import psycopg

from metacore import Settings
from metacore.postgres import EmbeddedPostgres, SchemaDeployer
from metacore.sync import connect
from metacore.testing.clock import ManualClock
from metacore.testing.factories import NewEventFactory

from .blocks import blocks_of

ROUNDS = 300


def test_events_of_one_key_are_claimed_at_the_same_cost_while_a_snapshot_is_held(
    admin: psycopg.Connection, deployer: SchemaDeployer, server: EmbeddedPostgres, schema: str
) -> None:
    deployer.deploy()
    clock = ManualClock()
    settings = Settings(schema=schema, pool_max_size=1)
    with connect(server.url, settings=settings, clock=clock) as storage, psycopg.connect(server.url) as holder:
        holder.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        holder.execute("SELECT 1")

        def tell() -> None:
            storage.outbox.append([NewEventFactory.build(topic="trading", key="order")])
            claim = storage.outbox.claim(["trading"])
            assert len(claim.events) == 1
            assert storage.outbox.done(claim.id, claim.upto) == ()

        def cost() -> int:
            # What is a while old is looked through once a second; the call after that is measured.
            clock.advance(seconds=5)
            tell()
            return blocks_of(admin, storage, schema, tell)

        for _ in range(10):
            tell()
        first = cost()
        for _ in range(ROUNDS):
            tell()
        # An index may have grown by a level.
        assert cost() < 1.7 * first
