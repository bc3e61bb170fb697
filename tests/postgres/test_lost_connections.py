"""What a storage says when a connection is lost or of no use, and what it does to those that are not its own."""

import os
import socket
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest

from metacore._compat.psycopg_blocking import wait
from metacore._compat.psycopg_undocumented import Wait
from metacore.postgres import EmbeddedPostgres, SchemaDeployer
from metacore.postgres.client.call import Call
from metacore.postgres.client.statement import Statement
from metacore.postgres.client.wire import Wire
from metacore.sync import (
    AlreadyExistsError,
    ConnectionLostError,
    NewUser,
    NotFoundError,
    Settings,
    StorageUnavailableError,
    TransactionAbortedError,
    connect,
)
from metacore.sync.storage.storage import Storage, Transaction
from metacore.testing.factories import OrderRecordFactory

from .versions import newest

pytestmark = newest

PATIENCE = 60
OURS = "to be ended"

Opening = Callable[..., Storage]


@pytest.fixture
def open_storage(server: EmbeddedPostgres, deployer: SchemaDeployer) -> Opening:
    deployer.deploy()

    def open_storage(**settings: float) -> Storage:
        settings = {"application_name": OURS, "pool_max_size": 1, **settings}  # type: ignore[dict-item]
        return connect(server.url, settings=Settings(schema=deployer.schema, **settings))  # type: ignore[arg-type]

    return open_storage


@pytest.fixture
def storage(open_storage: Opening) -> Iterator[Storage]:
    with open_storage() as storage:
        yield storage


def end_connections(admin: psycopg.Connection) -> None:
    admin.execute(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = %s", [OURS]
    ).fetchall()


def wait_until_none_idles(admin: psycopg.Connection) -> None:
    give_up = time.monotonic() + PATIENCE
    query = "SELECT 1 FROM pg_stat_activity WHERE application_name = %s AND state = 'idle in transaction'"
    while admin.execute(query, [OURS]).fetchone():
        assert time.monotonic() < give_up
        time.sleep(0.01)


def test_an_error_that_leaves_a_savepoint_passes_on_though_the_connection_is_lost(
    storage: Storage, admin: psycopg.Connection
) -> None:
    user = NewUser()

    def lose_it(tx: Transaction) -> None:
        with tx.transaction() as inner:
            inner.users.list()
            end_connections(admin)
            raise KeyError

    def go_on(tx: Transaction) -> None:
        tx.users.create(user)
        with pytest.raises(KeyError):
            lose_it(tx)
        with pytest.raises(TransactionAbortedError):
            tx.users.list()

    with pytest.raises(TransactionAbortedError):
        storage.run(go_on)
    with pytest.raises(NotFoundError):
        storage.users.get(user.id)


def test_a_connection_that_was_ended_before_the_commit_was_sent_has_stored_nothing(
    storage: Storage, admin: psycopg.Connection
) -> None:
    def create(tx: Transaction) -> None:
        tx.users.create(NewUser())
        end_connections(admin)

    with pytest.raises(ConnectionLostError):
        storage.run(create)
    assert storage.users.list().items == ()


@pytest.mark.parametrize("writes", [1, 2])
def test_a_transaction_that_idled_too_long_is_known_to_be_lost(
    open_storage: Opening, admin: psycopg.Connection, writes: int
) -> None:
    def idle(tx: Transaction) -> None:
        for _ in range(writes):
            tx.users.create(NewUser())
        wait_until_none_idles(admin)

    with open_storage(idle_in_transaction_timeout=0.05) as storage:
        with pytest.raises(StorageUnavailableError, match="idle_in_transaction_timeout"):
            storage.run(idle)
        assert storage.users.list().items == ()


@pytest.mark.parametrize("calls", [1, 3])
def test_a_connection_cut_off_without_a_word_is_an_operational_error(server: EmbeddedPostgres, calls: int) -> None:
    several: list[Call] = [(Statement("one", "SELECT 1"), {})] * calls
    with psycopg.connect(server.url, autocommit=True) as connection:
        wire = Wire(connection, prepares=True, made_at=0)
        assert wait(connection, wire.exchange("metacore", several)) == [[(1,)]] * calls
        with socket.fromfd(connection.fileno(), socket.AF_UNIX, socket.SOCK_STREAM) as cut:
            cut.shutdown(socket.SHUT_RDWR)
        for _ in range(2):
            with pytest.raises(psycopg.OperationalError):
                wait(connection, wire.exchange("metacore", several))


@pytest.mark.parametrize("calls", [1, 3])
def test_a_wait_that_is_taken_up_again_goes_on_where_it_was(server: EmbeddedPostgres, calls: int) -> None:
    """As psycopg does it when a call is cancelled while much is still to be sent."""
    length = Statement("length", "SELECT length(%(text)s::text)")
    with psycopg.connect(server.url, autocommit=True) as connection:
        waiting = Wire(connection, prepares=True, made_at=0).exchange(
            "metacore", [(length, {"text": "a" * 10_000_000})] * calls
        )
        assert next(waiting) == Wait.RW
        assert wait(connection, waiting) == [[(10_000_000,)]] * calls


def test_a_server_that_is_read_only_says_so(server: EmbeddedPostgres, deployer: SchemaDeployer) -> None:
    deployer.deploy()
    read_only = f"{server.url}&options=-c%20default_transaction_read_only%3Don"
    with connect(read_only, settings=Settings(schema=deployer.schema)) as storage:
        with pytest.raises(StorageUnavailableError, match="read-only"):
            storage.users.create(NewUser())
        assert storage.users.list().items == ()


def test_what_is_refused_as_late_as_at_the_commit_is_refused(
    storage: Storage, admin: psycopg.Connection, deployer: SchemaDeployer
) -> None:
    """By constraints that others have added: an operation of one statement has none, one of several has a pipeline."""
    for table, column in (("users", "telegram_id"), ("order_records", "track_number")):
        late = f"ADD CONSTRAINT late_{table} UNIQUE ({column}) DEFERRABLE INITIALLY DEFERRED"
        admin.execute(f"ALTER TABLE {deployer.schema}.{table} {late}")
    storage.users.create(NewUser(telegram_id=1))
    with pytest.raises(AlreadyExistsError):
        storage.users.create(NewUser(telegram_id=1, exchange="OTHER"))
    assert len(storage.users.list().items) == 1
    first, second = (OrderRecordFactory.build(track_number="same") for _ in range(2))
    storage.order_records.save(first)
    with pytest.raises(AlreadyExistsError):
        storage.order_records.save(second)
    assert storage.order_records.count() == 1
    assert storage.order_records.save(first).name == "UNCHANGED"


class ForkError(Exception):
    """Raised in the child."""


def test_a_fork_that_leaves_the_blocks_of_its_parent_ends_nothing(open_storage: Opening) -> None:
    user, parent = NewUser(), os.getpid()

    def create_and_fork(tx: Transaction) -> None:
        with tx.transaction() as inner:
            inner.users.create(user)
            if not (child := os.fork()):
                raise ForkError
            assert os.waitpid(child, 0)[1] == 0

    try:
        with open_storage() as storage:
            storage.run(create_and_fork)
            assert storage.users.get(user.id).id == user.id
    except ForkError:
        os._exit(0)
    finally:
        if os.getpid() != parent:
            os._exit(1)
