"""What the role of a service may do, tried as that role."""

import psycopg
import pytest
from psycopg import sql
from psycopg.errors import InsufficientPrivilege

from metacore import ConfigurationError
from metacore.postgres import SchemaDeployer
from metacore.postgres.tables import MAY_DELETE, METADATA, RIGHTS

JOURNALS = ("balance_entries", "order_updates")

ROWS = """
INSERT INTO users VALUES (
    gen_random_uuid(), 'MEXC', NULL, 'alice', NULL, NULL, 'PRIMARY', true, true, true, 'SPOT', '{SPOT}', true, NULL,
    NULL, NULL, '{}', NULL, 1, now(), now());
INSERT INTO orders SELECT
    gen_random_uuid(), id, 'BTCUSDT', 'BTC', 'USDT', 'BUY', 'LIMIT', 'GTC', 'NEW', 1, 1, NULL, NULL, 0, 0, 'e', 'c',
    NULL, NULL, NULL, 0, 0, 'USDT', 1, NULL, 1, now(), now() FROM users;
INSERT INTO order_updates SELECT
    user_id, id, NULL, 'NEW', 0, 0, 'APPLIED', NULL, 'LOCAL', now(), NULL, 1, now() FROM orders;
INSERT INTO balances SELECT 'USDT', 1, 0, id, 0, 1, 'h', 1, now(), now() FROM users;
INSERT INTO balance_entries SELECT id, 'USDT', 1, 0, 0, 'DEPOSIT', 'r', now(), 1, 1, 0, 0, 'h', now() FROM users;
"""


ROLE = SCHEMA = "services"


@pytest.fixture(scope="module")
def deployed(server):
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {ROLE} LOGIN")
        SchemaDeployer(server.url, SCHEMA).deploy(app_role=ROLE, may_delete=True)
        yield
        admin.execute(f"DROP SCHEMA {SCHEMA} CASCADE; DROP ROLE {ROLE}")


@pytest.fixture
def app(deployed, url_of):
    """A connection of the role, with the schema on its search path, in a transaction that is rolled back."""
    with psycopg.connect(url_of(ROLE)) as connection:
        connection.execute(f"SET search_path = {SCHEMA}")
        yield connection
        connection.rollback()


def count(connection, table):
    return connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()[0]


def granted(admin, schema, role):
    rows = admin.execute(
        """
        SELECT c.relname, string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type), bool_or(a.is_grantable)
        FROM pg_class c, aclexplode(c.relacl) a
        WHERE c.relnamespace = %s::regnamespace AND a.grantee = %s::regrole GROUP BY c.relname
        """,
        [schema, role],
    ).fetchall()
    assert not any(grantable for _, _, grantable in rows)
    return {table: set(privileges.split(", ")) for table, privileges, _ in rows}


def test_every_table_has_its_privileges():
    assert RIGHTS.keys() == METADATA.tables.keys()
    assert all("UPDATE" not in RIGHTS[journal] and "DELETE" not in RIGHTS[journal] for journal in JOURNALS)


def test_the_role_gets_exactly_these(admin, deployed):
    expected = {table: set(privileges.split(", ")) for table, privileges in RIGHTS.items()}
    for table in MAY_DELETE:
        expected[table].add("DELETE")
    assert granted(admin, SCHEMA, ROLE) == expected


def test_it_loses_what_it_had_beyond(admin, deployer, schema, make_role):
    role = make_role()
    deployer.deploy(app_role=role)
    admin.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO {role}; GRANT ALL ON SCHEMA {schema} TO {role}")
    assert deployer.deploy(app_role=role) == ()
    expected = {table: set(privileges.split(", ")) for table, privileges in RIGHTS.items()}
    assert granted(admin, schema, role) == expected
    (may_create,) = admin.execute("SELECT has_schema_privilege(%s, %s, 'CREATE')", [role, schema]).fetchone()
    assert not may_create


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (id int)",
        "CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE SCHEMA mine",
        "CREATE INDEX mine ON users (id)",
        "ALTER TABLE users ADD COLUMN mine int",
        "ALTER TABLE users DISABLE TRIGGER ALL",
        "ALTER TABLE balances DROP CONSTRAINT balances_free_not_negative",
        "DROP TABLE users",
        "TRUNCATE users CASCADE",
        "COMMENT ON TABLE alembic_version IS 'metacore revision 9999, compatible from 0001'",
        "UPDATE alembic_version SET version_num = '0001'",
        "CREATE RULE mine AS ON DELETE TO users DO INSTEAD NOTHING",
        "SET session_replication_role = replica",
    ],
)
def test_it_can_run_no_ddl(app, statement):
    with pytest.raises(InsufficientPrivilege):
        app.execute(statement)


def test_it_can_make_temporary_tables(app):
    app.execute("CREATE TEMPORARY TABLE incoming (LIKE trades)")
    assert count(app, "incoming") == 0


@pytest.mark.parametrize("journal", JOURNALS)
def test_it_can_add_to_a_journal_and_never_change_it(app, journal):
    app.execute(ROWS)
    assert count(app, journal) == 1
    for change in (f"UPDATE {journal} SET seq = 2", f"DELETE FROM {journal}"):
        with pytest.raises(InsufficientPrivilege), app.transaction():
            app.execute(change)
    assert count(app, journal) == 1


def test_what_belongs_to_a_user_goes_with_it(app):
    app.execute(ROWS)
    app.execute("DELETE FROM users")
    assert {table: count(app, table) for table in METADATA.tables} == dict.fromkeys(METADATA.tables, 0)


def test_what_belongs_to_an_order_goes_with_it(app):
    app.execute(ROWS)
    app.execute("DELETE FROM orders")
    assert (count(app, "order_updates"), count(app, "balance_entries")) == (0, 1)


@pytest.mark.parametrize("options", ["SUPERUSER", "IN ROLE {owner}"])
def test_a_role_that_no_grant_holds_back_is_refused(admin, schema, make_role, url_of, options):
    owner = make_role()
    admin.execute(f"CREATE SCHEMA {schema} AUTHORIZATION {owner}")
    role = make_role(options=options.format(owner=owner))
    deployer = SchemaDeployer(url_of(owner), schema)
    for refused in (role, role if "owner" not in options else owner):
        with pytest.raises(ConfigurationError, match="no grant holds it back") as caught:
            deployer.deploy(app_role=refused)
        assert caught.value.setting == "app_role"
    assert deployer.status().revision is None


def test_the_role_that_deploys_cannot_be_the_one_of_services(admin, schema, make_role, url_of):
    role = make_role()
    admin.execute(f"CREATE SCHEMA {schema}; GRANT CREATE, USAGE ON SCHEMA {schema} TO {role}")
    with pytest.raises(ConfigurationError, match="tables in it"):
        SchemaDeployer(url_of(role), schema).deploy(app_role=role)


@pytest.mark.parametrize("name", ["nobody_by_this_name", 'x"; DROP SCHEMA public; --', "PUBLIC", "", "x" * 64, "\0"])
def test_a_role_that_there_is_not_is_refused(deployer, name):
    with pytest.raises(ConfigurationError) as caught:
        deployer.deploy(app_role=name)
    assert caught.value.setting == "app_role"
    assert deployer.status().revision is None


def test_a_role_of_an_odd_name_is_quoted(admin, deployer, make_role, schema):
    role = make_role(prefix="""odd "role" 'x' %s $$ :y; --""")
    deployer.deploy(app_role=role)
    assert deployer.deploy(app_role=role) == ()
    assert deployer.sql(app_role=role).count(sql.Identifier(role).as_string()) == len(RIGHTS) + 3
