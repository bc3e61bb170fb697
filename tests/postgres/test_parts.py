"""A decision that comes in parts is made while the server stores those before it."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from metacore.domain.trading.balances import EntryReason
from metacore.domain.trading.decisions import Changes, Selection
from metacore.errors import ConnectionLostError
from metacore.sync import Storage, Transaction, connect
from metacore.testing.factories import BalanceDeltaFactory, NewUserFactory

MANY, PATIENCE = 500, 60

STORES = """
    SELECT count(*) FROM pg_locks AS held JOIN pg_class AS held_table ON held_table.oid = held.relation
    WHERE held.pid = %s AND held.mode = 'RowExclusiveLock' AND held_table.relname = 'balance_entries'
"""


@pytest.fixture
def storage(metacore_database_url: str) -> Iterator[Storage]:
    with connect(metacore_database_url) as storage:
        yield storage


def changes(user: Any, number: int) -> Changes:
    delta = BalanceDeltaFactory.build(user_id=user.id, reason=EntryReason.TRADE)
    return Changes(balance_deltas=(delta,) * number)


def loaded(tx: Transaction, user: Any) -> int:
    """The process that serves `tx`, which has locked the user and a balance."""
    [pid] = tx.connection.execute("SELECT pg_backend_pid()").fetchone()
    tx.load(Selection(users=frozenset({user.id}), locked_balances=((user.id, "USDT"),)))
    return int(pid)


def test_the_server_stores_a_part_while_the_next_is_made(storage: Storage) -> None:
    user = storage.users.create(NewUserFactory.build())

    def parts(pid: int) -> Iterator[Changes]:
        yield changes(user, MANY)
        give_up = time.monotonic() + PATIENCE
        with storage.transaction() as other:
            while not other.connection.execute(STORES, [pid]).fetchone()[0]:
                assert time.monotonic() < give_up
                time.sleep(0.001)
        yield changes(user, 1)

    with storage.transaction() as tx:
        saved = tx.save(parts(loaded(tx, user)), last=True)
    assert [balance.last_seq for balance in saved.values()] == [MANY + 1]
    assert storage.balances.list(user.id) == tuple(saved.values())


def test_a_connection_lost_while_a_part_is_made_has_committed_nothing(storage: Storage) -> None:
    user = storage.users.create(NewUserFactory.build())

    def parts(pid: int) -> Iterator[Changes]:
        yield changes(user, MANY)
        with storage.transaction() as other:
            other.connection.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])
        yield changes(user, 1)

    with pytest.raises(ConnectionLostError), storage.transaction() as tx:
        tx.save(parts(loaded(tx, user)), last=True)
    assert not storage.balances.entries(user.id).items
