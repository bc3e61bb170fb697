"""A role that `deploy(app_role=...)` gave its rights can do no more than the storages need.

That they need no more is shown by the contract suite, which runs as such a role; what the role may do to each table is
tried in postgres/test_privileges.py.
"""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from psycopg.errors import InsufficientPrivilege

from metacore.postgres import EmbeddedPostgres, SchemaDeployer

ROLE, OTHER_ROLE = "least_privileged", "another_service"


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    """A server with the schema and a role for it, and beside them what is not the role's business."""
    with EmbeddedPostgres() as server, psycopg.connect(server.url, autocommit=True) as admin:
        for role in (ROLE, OTHER_ROLE):
            admin.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
        SchemaDeployer(server.url).deploy(app_role=ROLE)
        SchemaDeployer(server.url, "another_schema").deploy(app_role=OTHER_ROLE)
        admin.execute("CREATE TABLE public.payroll (salary int)")
        admin.execute("CREATE MATERIALIZED VIEW public.salaries AS SELECT * FROM public.payroll")
        admin.execute("CREATE SEQUENCE public.numbers")
        yield server


@pytest.fixture
def service(server: EmbeddedPostgres) -> Iterator[psycopg.Connection]:
    """A connection of the role, in autocommit."""
    with psycopg.connect(server.url.replace("postgres@", f"{ROLE}@", 1), autocommit=True) as connection:
        yield connection


def test_it_has_no_rights_of_its_own_nor_by_membership(service: psycopg.Connection) -> None:
    row = service.execute(
        "SELECT rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls,"
        " ARRAY(SELECT roleid::regrole::text FROM pg_auth_members WHERE member = r.oid)"
        " FROM pg_roles r WHERE rolname = current_user"
    ).fetchone()
    assert row == (False, [])


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM public.payroll",
        "SELECT * FROM public.salaries",
        "INSERT INTO public.payroll VALUES (1)",
        "SELECT nextval('public.numbers')",
        "SELECT * FROM another_schema.users",
        "SELECT * FROM another_schema.user_credentials",
        "INSERT INTO another_schema.order_updates SELECT * FROM metacore.order_updates",
        "SELECT * FROM pg_catalog.pg_authid",
        "SELECT * FROM pg_catalog.pg_statistic",
        "SELECT * FROM pg_catalog.pg_hba_file_rules",
        "SELECT pg_read_file('PG_VERSION')",
        "SELECT pg_ls_dir('.')",
        "SELECT lo_import('/etc/passwd')",
        "COPY metacore.users TO '/tmp/users'",
        "COPY metacore.users TO PROGRAM 'cat'",
        "COPY metacore.users FROM PROGRAM 'id'",
    ],
)
def test_it_reads_and_writes_nothing_outside_its_schema(service: psycopg.Connection, statement: str) -> None:
    with pytest.raises(InsufficientPrivilege):
        service.execute(statement.encode())


@pytest.mark.parametrize(
    "statement",
    [
        "SET ROLE postgres",
        f"SET ROLE {OTHER_ROLE}",
        "SET SESSION AUTHORIZATION postgres",
        f"ALTER ROLE {ROLE} SUPERUSER",
        f"ALTER ROLE {OTHER_ROLE} PASSWORD 'x'",
        f"GRANT {ROLE} TO {OTHER_ROLE}",
        f"REASSIGN OWNED BY postgres TO {ROLE}",
        "CREATE ROLE mine",
        "CREATE DATABASE mine",
        "CREATE TABLE public.mine (id int)",
        "ALTER SYSTEM SET fsync = off",
        "ALTER DATABASE postgres SET work_mem = '1GB'",
        "SET log_statement = 'none'",
        "SET session_replication_role = replica",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres'",
        "ALTER TABLE metacore.balance_entries DISABLE TRIGGER ALL",
        f"ALTER TABLE metacore.users OWNER TO {ROLE}",
        "CREATE TRIGGER mine BEFORE DELETE ON metacore.users EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "DROP SCHEMA metacore CASCADE",
    ],
)
def test_it_becomes_nobody_else_and_changes_nothing_of_the_server(service: psycopg.Connection, statement: str) -> None:
    with pytest.raises(InsufficientPrivilege):
        service.execute(statement.encode())
    assert service.execute("SELECT current_user::text, session_user::text").fetchone() == (ROLE, ROLE)


@pytest.mark.parametrize("table", ["balance_entries", "order_updates"])
def test_it_neither_locks_nor_opens_a_journal(service: psycopg.Connection, table: str) -> None:
    for mode in ("SHARE", "EXCLUSIVE", "ACCESS EXCLUSIVE"):
        with pytest.raises(InsufficientPrivilege), service.transaction():
            service.execute(f"LOCK TABLE metacore.{table} IN {mode} MODE".encode())
    service.execute(f"GRANT ALL ON metacore.{table} TO {ROLE}".encode())
    service.execute(f"GRANT ALL ON metacore.{table} TO {OTHER_ROLE}".encode())
    rights = "UPDATE, DELETE, TRUNCATE, TRIGGER, REFERENCES"
    query = "SELECT has_table_privilege(%s, %s, %s), has_table_privilege(%s, %s, 'SELECT')"
    name = f"metacore.{table}"
    assert service.execute(query, [ROLE, name, rights, OTHER_ROLE, name]).fetchone() == (False, False)


def test_it_sees_no_statements_of_others(server: EmbeddedPostgres, service: psycopg.Connection) -> None:
    with psycopg.connect(server.url) as other:
        other.execute("SELECT 'a secret of the other session'")
        shown = service.execute("SELECT query FROM pg_catalog.pg_stat_activity").fetchall()
    assert len(shown) > 1
    assert not [query for (query,) in shown if "a secret of the other" in query]
