"""An embedded PostgreSQL that crashed, or was cut short, comes up again."""

import ctypes
import os
import shutil
import signal
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from metacore.errors import StorageUnavailableError
from metacore.postgres.embedded import EmbeddedPostgres

from .embedded_servers import ask, lives, wait_until

BUSY = """
DO $$
DECLARE until timestamptz := clock_timestamp() + interval '20 seconds';
BEGIN WHILE clock_timestamp() < until LOOP END LOOP; END
$$
"""


def test_a_killed_server_comes_up_again_with_all_that_was_committed(place: Path) -> None:
    with EmbeddedPostgres(place / "data") as postgres, EmbeddedPostgres(place / "data") as other:
        ask(postgres, "CREATE TABLE kept (number integer)")
        url = postgres.url
        for number in range(5):
            ask(postgres, f"INSERT INTO kept VALUES ({number})")
            pid = postgres.pid
            os.kill(pid, signal.SIGKILL)
            (postgres if number % 2 else other).start()
            assert other.pid == postgres.pid != pid
            assert ask(other, "SELECT count(*) FROM kept") == number + 1
        assert postgres.url == other.url == url


def test_a_killed_temporary_server_comes_up_again_or_is_removed(place: Path) -> None:
    with EmbeddedPostgres() as postgres:
        ask(postgres, "CREATE TABLE kept AS SELECT 42 AS answer")
        os.kill(postgres.pid, signal.SIGKILL)
        assert ask(postgres.start(), "SELECT answer FROM kept") == 42
        os.kill(postgres.pid, signal.SIGKILL)
    assert list(place.iterdir()) == []


def test_memory_that_a_process_lets_go_of_late_does_not_keep_the_next_from_starting(place: Path) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.shmat.restype = ctypes.c_void_p
    with EmbeddedPostgres(place / "data") as postgres:
        ask(postgres, "CREATE TABLE kept AS SELECT 42 AS answer")
        shared = int((place / "data" / "postmaster.pid").read_text().split("\n")[6].split()[1])
        attached = libc.shmat(shared, None, 0)
        assert attached != ctypes.c_void_p(-1).value
        letting_go = threading.Timer(0.5, libc.shmdt, [ctypes.c_void_p(attached)])
        letting_go.start()
        os.kill(postgres.pid, signal.SIGKILL)
        postgres.start()
        assert not letting_go.is_alive()
        assert ask(postgres, "SELECT answer FROM kept") == 42


def test_a_backend_that_outlives_the_server_does_not_keep_the_next_from_starting(place: Path) -> None:
    with EmbeddedPostgres(place / "data") as postgres, ThreadPoolExecutor(1) as pool:
        busy = pool.submit(ask, postgres, BUSY)
        backend = "SELECT max(pid) FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid()"
        wait_until(lambda: ask(postgres, backend) is not None)
        pid = ask(postgres, backend)
        os.kill(postgres.pid, signal.SIGKILL)
        postgres.start()
        assert not lives(pid)
        assert isinstance(busy.exception(), psycopg.OperationalError)
        assert ask(postgres, "SELECT 1") == 1


def test_a_stranger_with_the_number_of_the_killed_server_is_no_server_and_is_left_alone(place: Path) -> None:
    with EmbeddedPostgres(place / "data") as postgres:
        pid = postgres.pid
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not lives(pid))
        owner = postgres.data_directory.stat().st_uid
        with subprocess.Popen(["sleep", "20"], user=owner) as stranger:
            try:
                for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
                    lines = (place / "data" / name).read_text().split("\n", 1)
                    assert lines[0] == str(pid)
                    (place / "data" / name).write_text(f"{stranger.pid}\n{lines[1]}")
                with pytest.raises(StorageUnavailableError):
                    _ = postgres.pid
                assert ask(postgres.start(), "SELECT 1") == 1
                assert postgres.pid != stranger.pid
                assert stranger.poll() is None
            finally:
                stranger.kill()


@pytest.mark.parametrize("content", ["", "17\n"])
def test_a_torn_pid_file_does_not_matter(place: Path, content: str) -> None:
    with EmbeddedPostgres(place / "data") as postgres:
        pid = postgres.pid
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not lives(pid))
        (place / "data" / "postmaster.pid").write_text(content)
        assert ask(postgres.start(), "SELECT 1") == 1


def test_an_initialisation_that_was_cut_short_starts_over(place: Path) -> None:
    (place / "data" / ".metacore-initdb" / "base").mkdir(parents=True)
    (place / "data" / "metacore.lock").touch()
    with EmbeddedPostgres(place / "data") as postgres:
        assert ask(postgres, "SELECT 1") == 1


def test_an_initialisation_that_was_almost_done_is_completed(place: Path) -> None:
    with EmbeddedPostgres(place / "data", version=16) as postgres:
        ask(postgres, "CREATE TABLE kept AS SELECT 42 AS answer")
    done = place / "data" / ".metacore-initialised"
    done.mkdir()
    for name in ("PG_VERSION", "base", "postgresql.conf"):
        shutil.move(place / "data" / name, done / name)
    with EmbeddedPostgres(place / "data") as postgres:
        assert postgres.version == 16
        assert ask(postgres, "SELECT answer FROM kept") == 42
    assert not done.exists()


def test_a_server_that_cannot_start_says_why_and_can_be_mended(place: Path) -> None:
    postgres = EmbeddedPostgres(place / "data")
    with postgres:
        pass
    configuration = place / "data" / "postgresql.conf"
    good = configuration.read_text()
    configuration.write_text(good + "\nno_such_setting = 1\n")
    with pytest.raises(StorageUnavailableError, match="no_such_setting"):
        postgres.start()
    configuration.write_text(good)
    with postgres:
        assert ask(postgres, "SELECT 1") == 1


def test_a_directory_deleted_under_the_server_is_no_error_at_the_stop(place: Path) -> None:
    postgres = EmbeddedPostgres(place / "data").start()
    pid = postgres.pid
    shutil.rmtree(place / "data")
    postgres.stop()
    os.kill(pid, signal.SIGQUIT)
    wait_until(lambda: not lives(pid))
