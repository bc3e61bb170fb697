"""What cannot be reached, used or understood: typed errors that say what to do, and never a password."""

import traceback

import psycopg
import pytest

from metacore import ConfigurationError, SchemaError, Settings, StorageUnavailableError
from metacore.postgres import EmbeddedPostgres, SchemaDeployer
from metacore.postgres.schema.revisions import head_revision, revisions
from metacore.postgres.schema.state import check_schema_state, marker

PASSWORD = "c4n4ry-s3cret"
OPERATIONS = ("deploy", "status", "check")
FIRST = next(iter(revisions()))


def failure(url, operation="deploy", **settings):
    with pytest.raises((ConfigurationError, StorageUnavailableError)) as caught:
        getattr(SchemaDeployer(url, settings=Settings(**settings)), operation)()
    return caught.value


def test_no_url_at_all(monkeypatch):
    monkeypatch.delenv("METACORE_URL", raising=False)
    error = failure(None)
    assert error.setting == "url"
    assert "METACORE_URL" in str(error)
    assert "--url" in str(error)


def test_the_url_may_come_from_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("METACORE_URL", f"embedded:{tmp_path}/data")
    assert not SchemaDeployer().status().is_usable


@pytest.mark.parametrize("url", ["memory://", "embedded:", "mysql://localhost/x", "not a url", "postgresql://[::1"])
def test_a_url_that_names_no_database_to_deploy(url):
    assert failure(url).setting == "url"


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://app:{PASSWORD}%zz@localhost/x",
        f"postgresql://app:{PASSWORD}@localhost:1/x?nonsense=1",
        f"postgresql://app:{PASSWORD}@localhost:port/x",
        f"postgresql://app:p@{PASSWORD}@localhost:1/x",
        f"postgresql://app:1/{PASSWORD}@localhost/x",
        f"postgresql://app:p/{PASSWORD}@localhost/x",
        f"postgresql://app:1?{PASSWORD}@localhost/x",
        f"postgresql://app:{PASSWORD}@[::1/x",
        f"postgresql://app@localhost:1/x?password={PASSWORD}",
        f"host=localhost port=1 password='{PASSWORD}",
        f"host=localhost port=1 password={PASSWORD}",
        f"embedded+postgresql://app:{PASSWORD}@localhost/x",
    ],
)
def test_no_error_tells_the_password(url, operation, caplog):
    error = failure(url, operation, connect_timeout=2)
    shown = "".join(traceback.format_exception(error)) + repr(error) + caplog.text + repr(SchemaDeployer(url))
    assert PASSWORD not in shown


def test_a_server_that_is_not_there():
    error = failure("postgresql://app@localhost:1/exchange", connect_timeout=2)
    assert isinstance(error, StorageUnavailableError)
    assert "port 1 failed" in str(error)


def test_a_wrong_password(tmp_path):
    with EmbeddedPostgres() as server:
        with psycopg.connect(server.url, autocommit=True) as admin:
            admin.execute(f"CREATE ROLE app LOGIN PASSWORD '{PASSWORD}'")
        access = server.data_directory / "pg_hba.conf"
        access.write_text("local all app scram-sha-256\n" + access.read_text())
        with psycopg.connect(server.url, autocommit=True) as admin:
            admin.execute("SELECT pg_reload_conf()")
        url = psycopg.conninfo.make_conninfo(server.url, user="app", password=PASSWORD[::-1])
        error = failure(url)
        assert isinstance(error, StorageUnavailableError)
        assert "password" in str(error)
        assert PASSWORD[::-1] not in "".join(traceback.format_exception(error))
        right = psycopg.conninfo.make_conninfo(server.url, user="app", password=PASSWORD)
        assert not SchemaDeployer(right).status().is_usable


def test_check_of_what_was_never_deployed(deployer):
    with pytest.raises(SchemaError, match="metacore deploy --url <url>") as caught:
        deployer.check()
    assert (caught.value.current, caught.value.expected) == (None, head_revision())


def test_check_of_an_older_schema(deployer):
    deployer.deploy()
    deployer.downgrade(FIRST)
    with pytest.raises(SchemaError, match="run: metacore deploy") as caught:
        deployer.check()
    assert (caught.value.current, caught.value.expected) == (FIRST, head_revision())


HEAD = head_revision()


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([], "not deployed"),
        ([(None, True, False)], "not deployed"),
        ([("a comment of somebody", True, False)], "not deployed"),
        ([(marker(HEAD, FIRST), False, False)], "--app-role"),
        ([(marker("0000", "0000"), True, False)], "metacore deploy --url <url> --schema 'my schema'"),
        ([(marker("9999", "9998"), True, False)], "install"),
    ],
)
def test_a_schema_that_storages_cannot_use(rows, says):
    with pytest.raises(SchemaError, match=says):
        check_schema_state(rows, "my schema")


def test_a_schema_that_storages_can_use(caplog):
    check_schema_state([(marker(HEAD, HEAD), True, False)], "metacore")
    assert caplog.text == ""
    check_schema_state([(marker("9999", HEAD), True, False)], "metacore")
    assert "9999" in caplog.text
