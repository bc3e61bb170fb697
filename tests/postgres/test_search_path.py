"""Whatever lies on the search path of a role, nothing of ours calls it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from metacore import AccountBalance, ConfigurationError, MetacoreError, NewUser, Settings
from metacore.postgres import EmbeddedPostgres, SchemaDeployer
from metacore.postgres.client.connections import connection_parameters
from metacore.postgres.schema.revisions import BASE, revisions
from metacore.sync import connect
from metacore.testing.contract.operations import operations_of_storages
from metacore.testing.databases import Databases, database_of, execute
from metacore.testing.factories import NewOrderFactory

ALL = tuple(revisions())
CALLED = "planted, and called"

_PLANT = """
DO $plant$
DECLARE
    types text[] := ARRAY['text', 'varchar', 'name', 'numeric', 'int4', 'int8', 'uuid', 'timestamptz', 'bytea',
        'text[]', 'uuid[]', 'oid', 'jsonb', '"char"'] || {domains}::text[];
    one text;
    two text;
    operator text;
BEGIN
    FOREACH one IN ARRAY types LOOP
        FOR operator IN SELECT unnest(ARRAY['lower', 'count', 'sum', 'max', 'min', 'coalesce', 'unnest', 'set_config',
                'to_regtype', 'version', 'obj_description', 'abs', 'array_agg', 'md5']) LOOP
            EXECUTE format('CREATE FUNCTION {place}.%I(%s) RETURNS text LANGUAGE plpgsql AS %L', operator, one,
                'BEGIN RAISE EXCEPTION ''{called}''; END');
        END LOOP;
        FOREACH two IN ARRAY types LOOP
            EXECUTE format('CREATE FUNCTION {place}.planted(%s, %s) RETURNS bool LANGUAGE plpgsql AS %L', one, two,
                'BEGIN RAISE EXCEPTION ''{called}''; END');
            FOR operator IN SELECT unnest(ARRAY['=', '<>', '<', '>', '<=', '>=', '||', '+', '-', '*', '->>']) LOOP
                EXECUTE format('CREATE OPERATOR {place}.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = {place}.planted)',
                    operator, one, two);
            END LOOP;
        END LOOP;
    END LOOP;
END
$plant$
"""

PATHS = {"as it is": "DEFAULT", "before everything": "public, pg_catalog"}


def as_role(url: str, role: str) -> str:
    """The URL of the same database for a role."""
    return urlsplit(url)._replace(netloc=f"{role}@").geturl()


def plant(connection: psycopg.Connection, place: str, domains: tuple[str, ...] = ()) -> None:
    """Plant in the schema `place` operators and functions of many types, those of `domains` among them."""
    names = sql.Literal(list(domains)).as_string()
    text = _PLANT.replace("{domains}", names).replace("{place}", place).replace("{called}", CALLED)
    connection.execute(text.encode())


@pytest.fixture(scope="module")
def databases() -> Iterator[Databases]:
    with EmbeddedPostgres() as server, Databases(server.url) as databases:
        with psycopg.connect(server.url, autocommit=True) as admin:
            admin.execute("CREATE ROLE owner LOGIN; CREATE ROLE app LOGIN")
        yield databases


@pytest.fixture(scope="module")
def planted(databases: Databases) -> Iterator[str]:
    """The URL of a database with operators and functions planted in it, to be copied."""
    with databases.database() as url:
        with psycopg.connect(url, autocommit=True, options="-c search_path=pg_catalog") as admin:
            admin.execute("CREATE SCHEMA trading AUTHORIZATION owner; CREATE SCHEMA app AUTHORIZATION app")
            SchemaDeployer(as_role(url, "owner"), "trading").deploy(app_role="app", may_delete=True)
            for place in ("public", "app"):
                plant(admin, place)
        yield url


@pytest.fixture(params=PATHS.values(), ids=PATHS)
def database(databases: Databases, planted: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a copy of it, as the owner of its schema `trading`."""
    original = urlsplit(planted).path[1:]
    name = f"{original}_copy"
    execute(databases.url, "CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", name, original)
    for role in ("owner", "app"):
        execute(databases.url, f"ALTER ROLE {role} IN DATABASE {{}} SET search_path = {request.param}", name)
    yield as_role(database_of(databases.url, name), "owner")
    databases.drop(name)


def test_what_is_planted_is_called_by_who_looks_for_it_there(database: str) -> None:
    with psycopg.connect(database) as connection, pytest.raises(psycopg.errors.RaiseException, match=CALLED):
        connection.execute("SELECT FROM pg_class WHERE relname = 'x'::varchar")


def test_the_deployer_does_not_call_it(database: str) -> None:
    deployer = SchemaDeployer(database, "trading")
    assert deployer.deploy(app_role="app", may_delete=True) == ()
    assert deployer.status().is_usable
    assert deployer.check() == []
    deployer.downgrade(BASE)
    assert deployer.deploy(app_role="app", may_delete=True) == ALL
    assert deployer.check() == []
    with pytest.raises(ConfigurationError, match="citus"):
        deployer.distribute()


def test_the_script_does_not_call_it(database: str, tmp_path: Path) -> None:
    deployer = SchemaDeployer(database, "trading")
    deployer.downgrade(BASE)
    path = tmp_path / "deploy.sql"
    path.write_text(deployer.sql(app_role="app"), encoding="utf-8")
    with psycopg.connect(as_role(database, "postgres"), autocommit=True) as admin:
        admin.execute(f"GRANT CREATE ON DATABASE {admin.info.dbname} TO owner".encode())
    subprocess.run(
        [EmbeddedPostgres().bin_path / "psql", database, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", path],
        check=True,
        timeout=60,
    )
    assert deployer.check() == []


def without_options(url: str, settings: Settings, *rest: Any) -> dict[str, Any]:
    return {**connection_parameters(url, settings, *rest), "options": ""}


def use(storage: Any) -> None:
    for call in operations_of_storages().values():
        message = ""
        try:
            call(storage)
        except MetacoreError as error:
            message = f"{error} {error.__cause__}"
        assert CALLED not in message
    user = storage.users.create(NewUser(username="alice"))
    storage.balances.put(user.id, "USDT", Decimal(5), Decimal(0))
    storage.balances.put_all(user.id, [AccountBalance(asset="BTC", free=Decimal(0), locked=Decimal(0))])
    assert [balance.asset for balance in storage.balances.list(user.id, nonzero=True)] == ["USDT"]
    assert storage.orders.create_many([NewOrderFactory.build(user_id=user.id)]).inserted == 1
    assert storage.balances.audit(user.id) == []
    storage.users.delete(user.id)


def test_storages_do_not_call_it(database: str) -> None:
    with psycopg.connect(as_role(database, "postgres"), options="-c search_path=pg_catalog") as admin:
        admin.execute("CREATE SCHEMA attic; GRANT USAGE ON SCHEMA attic TO app")
        plant(admin, "attic", ("trading.key", "trading.amount"))
        admin.execute(f"ALTER ROLE app IN DATABASE {admin.info.dbname} SET search_path = attic, public".encode())
    url = as_role(database, "app")
    with connect(url, settings=Settings(schema="trading")) as storage:
        use(storage)


def test_storages_do_not_call_it_where_options_do_not_arrive(
    database: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("metacore.sync.postgres.client.pool.connection_parameters", without_options)
    url = as_role(database, "app")
    with connect(url, settings=Settings(schema="trading")) as storage:
        use(storage)
    assert "timeouts_with_begin" in caplog.text


TURNED = (
    "default_transaction_read_only = on",
    "default_transaction_isolation = 'serializable'",
    "default_transaction_deferrable = on",
    "array_nulls = off",
    "transform_null_equals = on",
    "backslash_quote = off",
    "standard_conforming_strings = off",
    "bytea_output = 'escape'",
    "quote_all_identifiers = on",
    "DateStyle = 'SQL, DMY'",
    "TimeZone = 'Asia/Tokyo'",
    "row_security = off",
)


@pytest.mark.parametrize("begins", [False, True])
def test_settings_that_a_role_can_turn_against_us_are_pinned(
    databases: Databases, begins: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with databases.database() as url, psycopg.connect(url, autocommit=True) as admin:
        SchemaDeployer(url).deploy(app_role="app", may_delete=True)
        for setting in TURNED:
            admin.execute(f"ALTER ROLE app IN DATABASE {admin.info.dbname} SET {setting}".encode())
        if begins:
            # A BEGIN cannot make a standby writable, and dates are read as the connection's start says.
            for setting in ("default_transaction_read_only", "DateStyle"):
                admin.execute(f"ALTER ROLE app IN DATABASE {admin.info.dbname} RESET {setting}".encode())
            monkeypatch.setattr("metacore.sync.postgres.client.pool.connection_parameters", without_options)
        with connect(as_role(url, "app"), settings=Settings(timeouts_with_begin=begins)) as storage:
            use(storage)
