import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import alembic.autogenerate
import psycopg
import pytest
import sqlalchemy
from alembic.migration import MigrationContext
from psycopg import sql

from metacore import ConfigurationError, InvalidDataError, LockTimeoutError, MetacoreError, Settings
from metacore.postgres import EmbeddedPostgres, SchemaDeployer
from metacore.postgres.schema.catalogue import read_catalogue
from metacore.postgres.schema.revisions import BASE, head_revision, revisions
from metacore.postgres.tables import METADATA

from .versions import newest

ALL = tuple(revisions())

ODD_NAME = """a "b" %s%(x)s :x 'y' \\ $$ {schema} Grüße🚀; --"""


def tables_of(connection, schema):
    rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema]).fetchall()
    return {name for (name,) in rows}


def catalogue_of(connection, schema):
    """What `check` compares, of the deployed schema alone: to make what it is compared with takes most of the time."""
    return read_catalogue(connection, connection.execute("SELECT %s::regnamespace::oid", [schema]).fetchone()[0])


def test_deploy_brings_an_empty_database_to_the_newest_revision(deployer, admin, schema):
    assert deployer.deploy() == ALL
    assert tables_of(admin, schema) == {*METADATA.tables, "alembic_version"}


def test_deploy_at_the_newest_revision_does_nothing(deployer):
    deployer.deploy()
    assert deployer.deploy() == ()


def test_status_tells_what_is_pending(deployer, schema):
    before = deployer.status()
    assert (before.schema, before.revision, before.pending, before.is_usable) == (schema, None, ALL, False)
    deployer.deploy()
    deployed = deployer.status()
    assert (deployed.revision, deployed.head, deployed.pending) == (head_revision(), head_revision(), ())
    assert deployed.is_usable
    deployer.downgrade(ALL[1])
    behind = deployer.status()
    assert (behind.revision, behind.pending, behind.is_usable) == (ALL[1], ALL[2:], False)


def step_down(deployer, admin, schema):
    """Undo one revision after the other, and return the catalogue that each left, by the revision."""
    catalogues = {}
    for revision, before in zip(ALL[::-1], [*ALL[-2::-1], BASE], strict=True):
        catalogues[revision] = catalogue_of(admin, schema)
        assert deployer.downgrade(before) == (revision,)
    return catalogues


def test_every_revision_goes_down_and_up_again(deployer, admin, schema, mocker):
    deployer.deploy()
    before = step_down(deployer, admin, schema)
    for revision in ALL:
        mocker.patch("metacore.postgres.schema.deployer.head_revision", return_value=revision)
        assert deployer.deploy() == (revision,)
        assert (revision, catalogue_of(admin, schema)) == (revision, before[revision])
    mocker.stopall()
    assert deployer.check() == []


def test_the_base_leaves_nothing_but_the_schema(deployer, admin, schema):
    deployer.deploy()
    deployer.downgrade(BASE)
    found = admin.execute(
        "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = %s", [schema]
    ).fetchall()
    assert found == []
    assert deployer.downgrade(BASE) == ()


@newest
def test_downgrade_refuses_a_revision_that_there_is_not(deployer):
    deployer.deploy()
    with pytest.raises(InvalidDataError, match="0001"):
        deployer.downgrade("head")
    assert deployer.status().is_usable


@newest
def test_downgrade_refuses_a_revision_that_the_schema_has_not_reached(deployer):
    deployer.deploy()
    deployer.downgrade(ALL[0])
    with pytest.raises(InvalidDataError, match="before that revision"):
        deployer.downgrade(ALL[2])
    assert deployer.status().revision == ALL[0]


# SQLAlchemy warns of the type by which it reflects domains.
@newest
@pytest.mark.filterwarnings("ignore:.*DOMAIN.*operator_classes:sqlalchemy.exc.SADeprecationWarning")
# What computes a column PostgreSQL tells in words of its own, which Alembic cannot compare; `check` can.
@pytest.mark.filterwarnings("ignore:Computed default on orders\\..*:UserWarning")
def test_migrations_equal_the_metadata(deployer, server, schema):
    deployer.deploy()
    assert deployer.check() == []
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(server.url), poolclass=sqlalchemy.NullPool
    )
    expected = sqlalchemy.MetaData(schema=schema)
    for table in METADATA.sorted_tables:
        table.to_metadata(expected, schema=schema)
    options = {
        "include_schemas": True,
        "include_name": lambda name, kind, parents: kind != "schema" or name == schema,
        "version_table_schema": schema,
        "compare_server_default": True,
        # It does not see the domains of our columns; `check` does.
        "compare_type": False,
    }
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert alembic.autogenerate.compare_metadata(context, expected) == []


@newest
def test_twenty_deployers_at_once_deploy_once(server, schema):
    start = threading.Barrier(20)

    def deploy(_):
        deployer = SchemaDeployer(server.url, schema)
        start.wait(60)
        return deployer.deploy()

    with ThreadPoolExecutor(20) as pool:
        applied = sorted(pool.map(deploy, range(20)))
    assert applied == [()] * 19 + [ALL]
    assert SchemaDeployer(server.url, schema).check() == []


@newest
def test_another_deployer_is_waited_for_and_not_for_ever(server, admin, schema, mocker):
    mocker.patch("metacore.postgres.schema.deployer._TURN_TIMEOUT", 0.01)
    deployer = SchemaDeployer(server.url, schema, settings=Settings(lock_timeout=0.05))
    with admin.transaction():
        admin.execute(f"CREATE SCHEMA {schema}")
        with pytest.raises(LockTimeoutError, match="deploy"):
            deployer.deploy()
    assert deployer.deploy() == ALL


@newest
def test_a_locked_table_is_waited_for_lock_timeout(server, admin, schema):
    deployer = SchemaDeployer(server.url, schema, settings=Settings(lock_timeout=0.05))
    deployer.deploy()
    with admin.transaction():
        admin.execute(sql.SQL("SELECT FROM {}").format(sql.Identifier(schema, "users")))
        with pytest.raises(LockTimeoutError, match="nothing was changed"):
            deployer.downgrade(BASE)
    assert deployer.check() == []


def test_a_deployment_that_fails_leaves_nothing(deployer, admin, schema, mocker):
    mocker.patch("metacore.postgres.schema.migrating.last_statement", return_value="SELECT 1 / 0")
    with pytest.raises(MetacoreError, match="refused"):
        deployer.deploy()
    assert tables_of(admin, schema) == set()
    assert admin.execute("SELECT FROM pg_namespace WHERE nspname = %s", [schema]).fetchall() == []


@newest
def test_a_role_that_owns_only_the_schema_can_do_it_all(admin, schema, make_role, url_of):
    owner = make_role()
    admin.execute(f"CREATE SCHEMA {schema} AUTHORIZATION {owner}")
    deployer = SchemaDeployer(url_of(owner), schema)
    assert deployer.deploy() == ALL
    assert deployer.check() == []
    deployer.downgrade(BASE)
    assert deployer.deploy() == ALL


def test_the_error_says_that_a_role_may_not_make_the_schema(schema, make_role, url_of):
    with pytest.raises(ConfigurationError, match="CREATE on the database"):
        SchemaDeployer(url_of(make_role()), schema).deploy()


@newest
def test_settings_of_the_role_make_no_difference(admin, schema, make_role, url_of, deployer):
    role = make_role(options="SUPERUSER")
    elsewhere = schema + "_elsewhere"
    admin.execute(f"CREATE SCHEMA {elsewhere} AUTHORIZATION {role} CREATE TABLE users (id int)")
    for setting in (
        f"search_path = {elsewhere}",
        "default_transaction_isolation = 'serializable'",
        "default_transaction_read_only = on",
        "statement_timeout = '50ms'",
        "standard_conforming_strings = off",
        "quote_all_identifiers = on",
    ):
        admin.execute(f"ALTER ROLE {role} SET {setting}")
    assert SchemaDeployer(url_of(role), schema).deploy() == ALL
    assert SchemaDeployer(url_of(role), schema).check() == []
    assert tables_of(admin, elsewhere) == {"users"}


@newest
def test_a_schema_may_have_any_name(server, admin, tmp_path):
    name = uuid4().hex[:8] + ODD_NAME
    deployer = SchemaDeployer(server.url, name)
    try:
        assert deployer.deploy() == ALL
        assert deployer.check() == []
        assert deployer.downgrade(BASE) == ALL[::-1]
        run_psql(server, deployer.sql(), tmp_path)
        assert deployer.check() == []
        assert tables_of(admin, name) == {*METADATA.tables, "alembic_version"}
    finally:
        admin.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))


@pytest.mark.parametrize("name", ["", "x" * 64, "é" * 32, "nul\0", "\ud800", "pg_temp", "information_schema"])
def test_a_name_that_postgresql_would_not_take_is_refused(name):
    with pytest.raises(ConfigurationError) as caught:
        SchemaDeployer("postgresql://localhost", name)
    assert caught.value.setting == "schema"


@newest
def test_schemas_live_side_by_side(server, schema):
    first, second = SchemaDeployer(server.url, schema), SchemaDeployer(server.url, schema + "_2")
    first.deploy()
    second.deploy()
    second.downgrade(BASE)
    assert first.check() == []


@newest
def test_the_script_does_what_deploy_does(deployer, server, admin, schema, tmp_path, mocker):
    deployer.deploy()
    deployed = step_down(deployer, admin, schema)
    for start, revision in zip([BASE, *ALL], ALL, strict=False):
        mocker.patch("metacore.postgres.schema.deployer.head_revision", return_value=revision)
        run_psql(server, deployer.sql(start), tmp_path)
        assert (revision, catalogue_of(admin, schema)) == (revision, deployed[revision])
        assert deployer.deploy() == ()
    mocker.stopall()
    assert deployer.check() == []


@newest
def test_the_script_changes_nothing_when_it_fails(deployer, server, admin, schema, tmp_path):
    with pytest.raises(subprocess.CalledProcessError):
        run_psql(server, deployer.sql().replace("COMMIT;", "SELECT 1 / 0;\nCOMMIT;"), tmp_path)
    assert tables_of(admin, schema) == set()


def test_the_script_needs_no_server():
    assert "CREATE TABLE" in SchemaDeployer("postgresql://nowhere.invalid/none").sql()
    assert "CREATE TABLE" in SchemaDeployer().sql()


def test_the_script_refuses_a_revision_that_there_is_not():
    with pytest.raises(InvalidDataError, match="0001"):
        SchemaDeployer().sql("0000'; DROP SCHEMA metacore; --")


def run_psql(server: EmbeddedPostgres, script: str, tmp_path) -> None:
    path = tmp_path / "deploy.sql"
    path.write_text(script, encoding="utf-8")
    command = [server.bin_path / "psql", server.url, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", path]
    subprocess.run(command, check=True, capture_output=True, env={"PGCLIENTENCODING": "UTF8"}, timeout=60)


def test_an_embedded_server_is_deployed_and_stopped(place):
    url = f"embedded:{place}/a%20database"
    assert SchemaDeployer(url).deploy() == ALL
    assert SchemaDeployer(url).check() == []
    assert (place / "a database" / "PG_VERSION").exists()
    assert not (place / "a database" / "postmaster.pid").exists()
