"""What is expected of the parts of psycopg that its documentation does not tell of."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import AsyncConnection, Connection, pq
from psycopg.adapt import Loader
from psycopg.rows import dict_row

from metacore._compat.answers import wait
from metacore._compat.psycopg_undocumented import (
    OpeningConnection,
    PGresult,
    Ready,
    RowLoader,
    Wait,
    error_from_result,
    wait_async,
    wait_blocking,
)
from metacore.config import Settings
from metacore.postgres.client.connections import connection_parameters

PATIENCE = 10
in_both_ways = pytest.mark.parametrize("wait_async", [wait_async, wait], ids=["in the task", "in the loop"])
AsyncWait = Callable[[AsyncConnection, Generator[Wait, Ready | int, Any]], Coroutine[Any, Any, Any]]
Waiting = Generator[Wait, Ready | int, PGresult]


@pytest.fixture
def connection(metacore_database_url: str) -> Iterator[Connection]:
    with psycopg.connect(**connection_parameters(metacore_database_url, Settings())) as connection:
        yield connection


def answer(pgconn: pq.abc.PGconn, text: bytes, seen: list[Ready | int] | None = None) -> Waiting:
    """The answer to the statement `text`; what psycopg says is ready goes to `seen`: None where it waits again."""
    pgconn.send_query_params(text, None)
    while pgconn.flush():
        yield Wait.RW
    while pgconn.is_busy():
        ready = yield Wait.R
        if seen is not None:
            seen.append(ready)
        if ready and ready & Ready.R:
            pgconn.consume_input()
    result = pgconn.get_result()
    assert result is not None
    while pgconn.get_result() is not None:
        pass
    return result


class TestRows:
    def test_values_come_by_our_loaders(self, connection: Connection) -> None:
        text = (
            b"SELECT 1::int8, 1.10::numeric, NULL::text, '\xc3\xa4'::text, true, ARRAY['a', NULL]::text[],"
            b" '00000000-0000-7000-8000-000000000001'::uuid, '[1.10, 1e400]'::json"
        )
        rows = RowLoader().rows(wait_blocking(connection, answer(connection.pgconn, text)))
        number = UUID("00000000-0000-7000-8000-000000000001")
        assert rows == [(1, Decimal("1.10"), None, "ä", True, ["a", None], number, "[1.10, 1e400]")]
        assert str(rows[0][1]) == "1.10"

    def test_one_loader_takes_results_of_any_shape_one_after_the_other(self, connection: Connection) -> None:
        loader = RowLoader()

        def rows(text: bytes) -> list[tuple[object, ...]]:
            return loader.rows(wait_blocking(connection, answer(connection.pgconn, text)))

        assert rows(b"SELECT n, n::text FROM generate_series(1, 3) n") == [(1, "1"), (2, "2"), (3, "3")]
        assert rows(b"SELECT 'a'::text WHERE false") == []
        assert rows(b"SELECT") == [()]
        assert rows(b"SELECT 1.5::numeric") == [(Decimal("1.5"),)]


class TestErrors:
    def test_an_error_of_the_server_has_its_class_its_code_and_its_constraint(self, connection: Connection) -> None:
        text = b"INSERT INTO metacore.users SELECT (jsonb_populate_record(NULL::metacore.users, '{}')).*"
        error = error_from_result(wait_blocking(connection, answer(connection.pgconn, text)))
        assert isinstance(error, psycopg.errors.NotNullViolation)
        assert (error.sqlstate, error.diag.table_name) == ("23502", "users")
        text = b"DO $$ BEGIN RAISE unique_violation USING CONSTRAINT = 'mine'; END $$"
        error = error_from_result(wait_blocking(connection, answer(connection.pgconn, text)))
        assert isinstance(error, psycopg.errors.UniqueViolation)
        assert (error.sqlstate, error.diag.constraint_name) == ("23505", "mine")

    def test_a_code_that_psycopg_does_not_know_is_kept(self, connection: Connection) -> None:
        text = b"DO $$ BEGIN RAISE 'odd' USING ERRCODE = 'ZZ999'; END $$"
        error = error_from_result(wait_blocking(connection, answer(connection.pgconn, text)))
        assert isinstance(error, psycopg.Error)
        assert error.sqlstate == "ZZ999"

    def test_what_libpq_says_by_itself_has_no_code(self, connection: Connection) -> None:
        result = connection.pgconn.make_empty_result(pq.ExecStatus.FATAL_ERROR)
        assert error_from_result(result).sqlstate is None


class TestWaiting:
    def test_the_generator_gets_what_is_ready_and_runs_while_nothing_is(self, connection: Connection) -> None:
        seen: list[Ready | int] = []
        result = wait_blocking(connection, answer(connection.pgconn, b"SELECT pg_sleep(0.3), 1", seen))
        assert result.ntuples == 1
        assert {bool(ready & Ready.R) for ready in seen} == {True, False}

    @in_both_ways
    def test_so_is_one_in_an_event_loop(self, metacore_database_url: str, wait_async: AsyncWait) -> None:
        async def run() -> tuple[int, list[Ready | int]]:
            seen: list[Ready | int] = []
            async with await AsyncConnection.connect(metacore_database_url, autocommit=True) as connection:
                waiting = answer(connection.pgconn, b"SELECT pg_sleep(0.3), 1", seen)
                return (await wait_async(connection, waiting)).ntuples, seen

        ntuples, seen = asyncio.run(run())
        assert ntuples == 1
        assert {bool(ready & Ready.R) for ready in seen} == {True, False}

    def test_an_error_of_the_generator_comes_through(self, connection: Connection) -> None:
        def broken() -> Waiting:
            yield from answer(connection.pgconn, b"SELECT 1")
            raise LookupError("mine")

        with pytest.raises(LookupError, match="mine"):
            wait_blocking(connection, broken())
        assert connection.execute("SELECT 1").fetchone() == (1,)

    @in_both_ways
    def test_an_error_of_one_in_an_event_loop_comes_through(
        self, metacore_database_url: str, wait_async: AsyncWait
    ) -> None:
        async def run() -> object:
            async with await AsyncConnection.connect(metacore_database_url, autocommit=True) as connection:

                def broken() -> Waiting:
                    yield from answer(connection.pgconn, b"SELECT 1")
                    raise LookupError("mine")

                with pytest.raises(LookupError, match="mine"):
                    await wait_async(connection, broken())
                return await (await connection.execute("SELECT 1")).fetchone()

        assert asyncio.run(run()) == (1,)

    @in_both_ways
    def test_what_waits_for_one_thing_and_another_is_told_of_each(
        self, metacore_database_url: str, wait_async: AsyncWait
    ) -> None:
        async def run() -> tuple[object, list[Ready | int | None]]:
            seen: list[Ready | int | None] = []
            async with await AsyncConnection.connect(metacore_database_url, autocommit=True) as connection:

                def mixed() -> Generator[Wait, Ready | int | None, PGresult | None]:
                    connection.pgconn.send_query_params(b"SELECT 7", None)
                    for waits_for in (Wait.R, Wait.W, Wait.RW, Wait.R):
                        ready = yield waits_for
                        seen.append(ready)
                    connection.pgconn.consume_input()
                    result = connection.pgconn.get_result()
                    assert connection.pgconn.get_result() is None
                    return result

                result = await wait_async(connection, mixed())
                return RowLoader().rows(result)[0][0], seen

        value, seen = asyncio.run(run())
        assert value == 7
        assert [bool(ready) for ready in seen] == [True, True, True, True]

    @in_both_ways
    def test_many_wait_in_one_loop_and_again_in_the_next(
        self, metacore_database_url: str, wait_async: AsyncWait
    ) -> None:
        async def ask(number: int) -> object:
            async with await AsyncConnection.connect(metacore_database_url, autocommit=True) as connection:
                seen: list[Ready | int] = []
                text = b"SELECT pg_sleep(%a), %d" % (0.25 + number / 100, number)
                result = await wait_async(connection, answer(connection.pgconn, text, seen))
                assert {bool(ready & Ready.R) for ready in seen} == {True, False}
                return RowLoader().rows(result)[0][1]

        async def run() -> list[object]:
            return list(await asyncio.gather(*map(ask, range(4))))

        assert [asyncio.run(run()), asyncio.run(run())] == [[0, 1, 2, 3]] * 2

    @in_both_ways
    def test_a_cancelled_wait_cancels_the_statement_and_leaves_the_connection_idle(
        self, metacore_database_url: str, wait_async: AsyncWait
    ) -> None:
        async def run() -> pq.TransactionStatus:
            async with await AsyncConnection.connect(metacore_database_url, autocommit=True) as connection:
                waiting = answer(connection.pgconn, b"SELECT pg_sleep(60)")
                task = asyncio.create_task(wait_async(connection, waiting))
                await asyncio.sleep(0.3)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await asyncio.wait_for(task, PATIENCE)
                return connection.pgconn.transaction_status

        assert asyncio.run(run()) == pq.TransactionStatus.IDLE

    def test_threads_use_a_connection_one_after_the_other(self, connection: Connection) -> None:
        start = threading.Barrier(4)

        def run(number: int) -> object:
            start.wait(PATIENCE)
            text = b"SELECT pg_sleep(0.02), %d" % number
            return RowLoader().rows(wait_blocking(connection, answer_later(connection.pgconn, text)))[0][1]

        with ThreadPoolExecutor(4) as threads:
            assert list(threads.map(run, range(4))) == [0, 1, 2, 3]

    @in_both_ways
    def test_tasks_use_a_connection_one_after_the_other(
        self, metacore_database_url: str, wait_async: AsyncWait
    ) -> None:
        async def run() -> list[object]:
            async with await AsyncConnection.connect(metacore_database_url, autocommit=True) as connection:

                async def ask(number: int) -> object:
                    text = b"SELECT pg_sleep(0.02), %d" % number
                    result = await wait_async(connection, answer_later(connection.pgconn, text))
                    return RowLoader().rows(result)[0][1]

                return list(await asyncio.gather(*map(ask, range(4))))

        assert asyncio.run(run()) == [0, 1, 2, 3]


class Beginning(OpeningConnection, Connection):
    """Begins a transaction before each statement outside of one."""

    def openings(self) -> list[bytes]:
        return [b"BEGIN", b"SAVEPOINT s"] if self.info.transaction_status == pq.TransactionStatus.IDLE else []


class TestOpenings:
    def test_they_go_before_whatever_is_sent_first(self, connection: Connection) -> None:
        def pipeline(second: Connection) -> None:
            with second.pipeline():
                second.execute("SELECT 1")

        def named(second: Connection) -> None:
            with second.cursor("named") as cursor:
                cursor.execute("SELECT 1")

        def copy(second: Connection) -> None:
            with second.cursor() as cursor, cursor.copy("COPY (SELECT 1) TO STDOUT") as rows:
                assert list(rows.rows()) == [("1",)]

        uses = [
            pipeline,
            copy,
            named,
            lambda second: second.cursor().executemany("SELECT %s", [(1,), (2,)]),
            lambda second: list(second.cursor().stream("SELECT 1")),
        ]
        for use in uses:
            second = Beginning(connection)
            use(second)
            second.execute("ROLLBACK TO SAVEPOINT s")
            connection.execute("ROLLBACK")

    def test_what_is_set_on_the_second_object_stays_with_it(self, connection: Connection) -> None:
        second = Beginning(connection)
        second.row_factory = dict_row
        second.adapters.register_loader("int4", WordLoader)
        assert second.execute("SELECT 1 AS n").fetchone() == {"n": "loaded"}
        assert connection.execute("SELECT 1").fetchone() == (1,)


class WordLoader(Loader):
    def load(self, data: object) -> str:
        return "loaded"


def answer_later(pgconn: pq.abc.PGconn, text: bytes) -> Waiting:
    """The same as `answer`, sent at its first step rather than when it is made."""
    return (yield from answer(pgconn, text))
