"""What cannot be opened is a typed error that says what to do next."""

import psycopg
import pytest
from pydantic import ValidationError
from pytest_mock import MockerFixture

import metacore
import metacore.sync
from metacore.errors import ConfigurationError, SchemaError, StorageUnavailableError
from metacore.postgres import SchemaDeployer
from metacore.postgres.client.errors import translate
from metacore.testing.databases import Databases


@pytest.mark.parametrize("connect", [metacore.connect, metacore.sync.connect], ids=["async", "blocking"])
@pytest.mark.parametrize(
    "url", ["mysql://localhost/db", "sqlite://", "memory://elsewhere", "http://x", "nonsense", "://", "\0:"]
)
def test_a_url_of_no_known_scheme_names_those_that_are(connect, url):
    with pytest.raises(ConfigurationError, match=r"postgresql://.*memory://.*embedded:") as caught:
        connect(url)
    assert caught.value.setting == "url"


@pytest.mark.parametrize("connect", [metacore.connect, metacore.sync.connect], ids=["async", "blocking"])
@pytest.mark.parametrize("url", [None, ""])
def test_no_url_at_all_names_the_argument_and_the_variable(connect, url, monkeypatch):
    monkeypatch.delenv("METACORE_URL", raising=False)
    with pytest.raises(ConfigurationError, match=r"url.*METACORE_URL") as caught:
        connect(url)
    assert caught.value.setting == "url"


@pytest.mark.parametrize("connect", [metacore.connect, metacore.sync.connect], ids=["async", "blocking"])
def test_the_error_of_a_url_of_sqlalchemys_says_what_to_write(connect):
    with pytest.raises(ConfigurationError, match=r"write postgresql:// in place of postgresql\+") as caught:
        connect("postgresql+psycopg://app:hunter2@db/exchange")
    assert "hunter2" not in str(caught.value)


def test_a_pooler_that_mixes_up_statements_is_an_error_as_the_storage_opens(
    metacore_database_url, mocker: MockerFixture
):
    error = psycopg.errors.DuplicatePreparedStatement("already exists")
    mocker.patch("metacore.sync.postgres.client.pool.Pool.exchange", side_effect=error)
    with pytest.raises(ConfigurationError, match="METACORE_PREPARED_STATEMENTS=false"):
        metacore.sync.connect(metacore_database_url).__enter__()


def test_without_a_url_the_variable_names_the_storage(monkeypatch):
    monkeypatch.setenv("METACORE_URL", "memory://")
    with metacore.sync.connect() as storage:
        assert storage.users.list().items == ()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://app:hunter2@127.0.0.1:1/db",
        "postgresql://app:hunter2@no-such-host.invalid/db",
        "postgresql:///db?host=/nowhere",
    ],
)
def test_a_server_that_is_not_there_is_unavailable(url):
    with pytest.raises(StorageUnavailableError) as caught, metacore.sync.connect(url):
        """Never reached."""
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["postgresql://app:hunter2@[::1/db", "postgresql://app:hunter2%zz@host/db"])
def test_the_error_of_a_malformed_url_has_no_password(url):
    with pytest.raises(ConfigurationError, match="malformed") as caught, metacore.sync.connect(url):
        """Never reached."""
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_schema_that_was_never_deployed_names_the_command(metacore_databases: Databases):
    with metacore_databases.database() as url:
        settings = metacore.Settings(schema="elsewhere")
        with pytest.raises(SchemaError, match="metacore deploy"), metacore.sync.connect(url, settings=settings):
            """Never reached."""


def test_a_server_that_is_too_old_is_refused_with_a_sentence(metacore_database_url: str, mocker: MockerFixture):
    mocker.patch.object(psycopg.ConnectionInfo, "server_version", mocker.PropertyMock(return_value=140_022))
    too_old = pytest.raises(ConfigurationError, match="is PostgreSQL 14, and Metacore needs 15 or newer")
    with too_old, metacore.sync.connect(metacore_database_url):
        """Never reached."""
    for work in (SchemaDeployer.deploy, SchemaDeployer.status, SchemaDeployer.check):
        with pytest.raises(ConfigurationError, match="needs 15 or newer"):
            work(SchemaDeployer(metacore_database_url))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pool_max_size", 0),
        ("pool_timeout", 0),
        ("pool_timeout", -1),
        ("lock_timeout", float("nan")),
        ("statement_timeout", float("inf")),
        ("connect_timeout", 0),
        ("schema", ""),
        ("schema", "x" * 64),
        ("application_name", ""),
        ("no_such_setting", 1),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_name(name, value):
    with pytest.raises(ValidationError, match=name):
        metacore.Settings(**{name: value})


def test_settings_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("METACORE_POOL_MAX_SIZE", "3")
    monkeypatch.setenv("METACORE_SCHEMA", "elsewhere")
    settings = metacore.Settings()
    assert (settings.pool_max_size, settings.schema) == (3, "elsewhere")


def test_the_deployer_deploys_the_schema_that_storages_use(monkeypatch):
    assert SchemaDeployer().schema == "metacore"
    monkeypatch.setenv("METACORE_SCHEMA", "elsewhere")
    assert SchemaDeployer().schema == "elsewhere"
    assert SchemaDeployer(settings=metacore.Settings(schema="settled")).schema == "settled"
    assert SchemaDeployer(schema="told", settings=metacore.Settings(schema="settled")).schema == "told"


@pytest.mark.parametrize(
    ("schema", "option"),
    [("metacore", ""), ("elsewhere", " --schema elsewhere"), ("it's odd", """ --schema 'it'"'"'s odd'""")],
)
@pytest.mark.parametrize("error", [psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege])
def test_a_command_to_run_names_the_schema(error, schema, option):
    raised = translate(error(), "orders.get", schema)
    assert f"run: metacore deploy --url <url>{option}" in str(raised)
