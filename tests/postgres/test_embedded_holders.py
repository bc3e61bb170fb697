"""Who holds an embedded PostgreSQL: threads and processes share it, and the last to end, however it ends, stops it."""

import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from metacore.postgres.embedded import EmbeddedPostgres

from .embedded_servers import ask, crash, holder, lives, run, wait_until, watchdog

RACER = """
import sys
import psycopg
from metacore.postgres.embedded import EmbeddedPostgres
with EmbeddedPostgres(sys.argv[1]) as postgres, psycopg.connect(postgres.url) as connection:
    connection.execute("SELECT 1")
"""


FORKER = """
import os, sys
import psycopg
from metacore.postgres.embedded import EmbeddedPostgres
with EmbeddedPostgres() as postgres:
    if os.fork() == 0:
        psycopg.connect(postgres.url).close()
        postgres.stop()
        sys.exit()
    assert os.wait()[1] == 0
    psycopg.connect(postgres.url).close()
    print(postgres.data_directory)
"""


def test_holders_share_one_server_and_the_last_one_stops_it(place: Path) -> None:
    first, second = EmbeddedPostgres(place / "data"), EmbeddedPostgres(place / "other" / ".." / "data")
    first.start()
    second.start()
    second.start()
    assert second.pid == first.pid
    assert second.url == first.url
    pid = first.pid
    first.stop()
    first.stop()
    assert ask(second, "SELECT 1") == 1
    second.stop()
    assert not lives(pid)


def test_stop_does_not_wait_for_clients(place: Path) -> None:
    postgres = EmbeddedPostgres(place / "data").start()
    with psycopg.connect(postgres.url) as connection:
        connection.execute("SELECT 1")
        pid = postgres.pid
        postgres.stop()
        assert not lives(pid)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


def test_threads_may_start_and_stop_at_once(place: Path) -> None:
    barrier = threading.Barrier(6)

    def use() -> int:
        barrier.wait()
        total = 0
        for _ in range(2):
            with EmbeddedPostgres(place / "data") as postgres:
                total += ask(postgres, "SELECT 1")
        return total

    with ThreadPoolExecutor(6) as pool:
        assert [future.result() for future in [pool.submit(use) for _ in range(6)]] == [2] * 6
    assert not (place / "data" / "postmaster.pid").exists()


def test_processes_may_start_and_stop_at_once(place: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(run, RACER, str(place / "data")) for _ in range(4)]:
            assert future.result() == ""
    assert not (place / "data" / "postmaster.pid").exists()


def test_processes_share_one_server_and_the_last_one_stops_it(place: Path) -> None:
    postgres = EmbeddedPostgres(place / "data").start()
    with holder(str(place / "data")) as (process, pid, _):
        assert pid == postgres.pid
        postgres.stop()
        assert lives(pid)
        with postgres:
            assert postgres.pid == pid
        assert lives(pid)
        process.communicate()
        assert process.returncode == 0
    assert not lives(pid)


def test_a_crashed_process_is_no_holder_any_more(place: Path) -> None:
    with EmbeddedPostgres(place / "data") as postgres:
        with holder(str(place / "data")) as (process, pid, _):
            process.kill()
        assert postgres.pid == pid
    assert not lives(pid)


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_a_process_ended_by_a_signal_leaves_no_server(place: Path, ending: signal.Signals) -> None:
    with (
        holder() as (first, temporary, directory),
        holder(str(place / "data")) as (second, durable, _),
        holder(str(place / "data")) as (third, _, _),
    ):
        seconds, thirds = watchdog(second), watchdog(third)
        first.send_signal(ending)
        second.send_signal(ending)
        wait_until(lambda: not lives(temporary) and not directory.exists())
        wait_until(lambda: not lives(seconds.pid))
        assert lives(durable)
        third.send_signal(ending)
        wait_until(lambda: not lives(durable))
        wait_until(lambda: not lives(thirds.pid))
        assert not (place / "data" / "postmaster.pid").exists()


def test_the_server_of_a_crashed_process_is_taken_over(place: Path) -> None:
    with holder(str(place / "data")) as (process, pid, _):
        crash(process)
    assert lives(pid)
    with EmbeddedPostgres(place / "data") as postgres:
        assert postgres.pid == pid
    assert not lives(pid)


def test_the_temporary_server_of_a_crashed_process_is_removed_by_the_next(place: Path) -> None:
    with EmbeddedPostgres() as living, holder() as (process, pid, directory):
        crash(process)
        assert directory.is_dir()
        with EmbeddedPostgres():
            assert not lives(pid)
            assert not directory.exists()
            assert ask(living, "SELECT 1") == 1


def test_a_process_that_ends_stops_its_servers(place: Path) -> None:
    with holder() as (process, pid, directory):
        process.communicate()
        assert process.returncode == 0
    assert not lives(pid)
    assert not directory.exists()


def test_a_forked_child_does_not_stop_the_server_of_its_parent(place: Path) -> None:
    assert not Path(run(FORKER).strip()).exists()
