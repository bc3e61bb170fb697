"""What a role can really do, by whatever way: one that can do more than services is refused, and `check` tells it."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from pytest_mock import MockerFixture

from metacore import ConfigurationError, NewUser, Settings
from metacore.postgres import SchemaDeployer
from metacore.postgres.tables import MAY_DELETE, RIGHTS
from metacore.sync import connect

from .versions import newest

MakeRole = Callable[..., str]
UrlOf = Callable[[str], str]

WAYS = {
    "public": (
        "GRANT UPDATE ON {schema}.balance_entries TO PUBLIC",
        "UPDATE on table balance_entries, granted to PUBLIC",
    ),
    "public, a column": (
        "GRANT UPDATE (seq) ON {schema}.order_updates TO PUBLIC",
        "order_updates.seq, granted to PUBLIC",
    ),
    "public, the schema": ("GRANT CREATE ON SCHEMA {schema} TO PUBLIC", "CREATE on schema {schema}, granted to PUBLIC"),
    "a group": ("GRANT DELETE ON {schema}.users TO {group}; GRANT {group} TO {role}", "DELETE on table users"),
    "a group without INHERIT": (
        "ALTER ROLE {role} NOINHERIT; GRANT TRUNCATE ON {schema}.trades TO {group}; GRANT {group} TO {role}",
        "TRUNCATE on table trades",
    ),
    "a group of a group": (
        "GRANT pg_write_all_data TO {group}; GRANT {group} TO {role}",
        "what a member of pg_write_all_data can",
    ),
    "a group that may make roles": ("ALTER ROLE {group} CREATEROLE; GRANT {group} TO {role}", "CREATEROLE of"),
    "a group that is a superuser": ("ALTER ROLE {group} SUPERUSER; GRANT {group} TO {role}", "SUPERUSER of"),
    "all data, written": ("GRANT pg_write_all_data TO {role}", "pg_write_all_data"),
    "all data, read": ("GRANT pg_read_all_data TO {role}", "pg_read_all_data"),
    "programs": ("GRANT pg_execute_server_program TO {role}", "pg_execute_server_program"),
    "CREATEROLE": ("ALTER ROLE {role} CREATEROLE", "the attribute CREATEROLE"),
    "REPLICATION": ("ALTER ROLE {role} REPLICATION", "the attribute REPLICATION"),
    "BYPASSRLS": ("ALTER ROLE {role} BYPASSRLS", "the attribute BYPASSRLS"),
    "CREATEDB": ("ALTER ROLE {role} CREATEDB", "the attribute CREATEDB"),
    "triggers passed by": ("GRANT SET ON PARAMETER session_replication_role TO {role}", "session_replication_role"),
    "the database": ("GRANT CREATE ON DATABASE postgres TO {role}", "CREATE on database postgres"),
    "passing on": (
        "GRANT SELECT ON {schema}.trades TO {group} WITH GRANT OPTION; GRANT {group} TO {role}",
        "SELECT WITH GRANT OPTION on table trades",
    ),
    "another grantor": (
        "GRANT USAGE ON SCHEMA {schema} TO {group}; GRANT ALL ON {schema}.balance_entries TO {group} WITH GRANT OPTION;"
        " SET ROLE {group}; GRANT UPDATE ON {schema}.balance_entries TO {role}; RESET ROLE",
        "UPDATE on table balance_entries",
    ),
}


PUBLIC = """
REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM PUBLIC;
REVOKE ALL (seq) ON {schema}.order_updates FROM PUBLIC;
REVOKE ALL ON SCHEMA {schema} FROM PUBLIC;
REVOKE ALL ON PARAMETER session_replication_role FROM {role};
"""


def test_a_role_that_can_do_more_is_refused_with_the_reason(
    admin: psycopg.Connection, deployer: SchemaDeployer, schema: str, make_role: MakeRole, mocker: MockerFixture
) -> None:
    deployer.deploy()
    # To compare the tables as well takes longer than all else.
    mocker.patch("metacore.postgres.schema.deployer.find_drift", return_value=[])
    for way, (sets, reason) in WAYS.items():
        role, group = make_role(), make_role(prefix="group_")
        names = {"schema": schema, "role": role, "group": group}
        reason = reason.format(**names)
        admin.execute(sets.format(**names).encode())
        try:
            with pytest.raises(ConfigurationError) as caught:
                deployer.deploy(app_role=role)
            assert reason in str(caught.value), way
            assert caught.value.setting == "app_role", way
            held = admin.execute("SELECT has_table_privilege(%s, %s, 'INSERT')", [role, f"{schema}.users"]).fetchone()
            assert held == ("pg_write_all_data" in sets,), way
            assert reason in "".join(map(str, deployer.check(role))), way
        finally:
            admin.execute(PUBLIC.format(**names).encode())
            admin.execute(f"DROP OWNED BY {role}, {group} CASCADE".encode())
    mocker.stopall()
    assert deployer.check() == []


@newest
def test_a_role_of_the_owner_of_a_table_is_refused(
    admin: psycopg.Connection, deployer: SchemaDeployer, schema: str, make_role: MakeRole
) -> None:
    role, group = make_role(), make_role(prefix="group_")
    deployer.deploy(app_role=role)
    admin.execute(f"GRANT {group} TO {role}; ALTER TABLE {schema}.trades OWNER TO {group}".encode())
    with pytest.raises(ConfigurationError, match=group):
        deployer.deploy(app_role=role)
    assert f"owner table trades: expected postgres, is {group}" in "".join(map(str, deployer.check()))


@newest
def test_check_tells_of_grants_that_exceed(
    admin: psycopg.Connection, deployer: SchemaDeployer, schema: str, make_role: MakeRole
) -> None:
    role, reader = make_role(), make_role()
    deployer.deploy(app_role=role)
    admin.execute(f"GRANT USAGE ON SCHEMA {schema} TO {reader}; GRANT SELECT ON {schema}.trades TO {reader}".encode())
    assert deployer.check() == deployer.check(role) == []
    admin.execute(f"GRANT UPDATE ON {schema}.balance_entries TO {reader}".encode())
    admin.execute(f"GRANT SELECT ON {schema}.users TO PUBLIC".encode())
    admin.execute(f"GRANT CREATE ON SCHEMA {schema} TO {role}".encode())
    assert {str(drift) for drift in deployer.check()} == {
        f"DIFFERENT grant balance_entries to {reader}: expected SELECT, INSERT, is UPDATE",
        "UNEXPECTED grant users to PUBLIC: expected None, is SELECT",
        f"DIFFERENT grant {schema} to {role}: expected USAGE, is CREATE",
    }


@newest
def test_check_tells_what_a_role_lacks(
    admin: psycopg.Connection, deployer: SchemaDeployer, schema: str, make_role: MakeRole
) -> None:
    role = make_role()
    deployer.deploy(app_role=role)
    admin.execute(f"REVOKE INSERT ON {schema}.trades FROM {role}".encode())
    assert [str(drift) for drift in deployer.check(role)] == [
        f"MISSING right of {role}: expected INSERT on table trades, is None"
    ]
    assert len(deployer.check(role, may_delete=True)) == 1 + len(MAY_DELETE)


@newest
@pytest.mark.parametrize(
    "planted",
    [
        "CREATE SCHEMA {schema} AUTHORIZATION {stranger}",
        "CREATE SCHEMA {schema}; GRANT ALL ON SCHEMA {schema} TO {stranger}; SET ROLE {stranger};"
        " CREATE TABLE {schema}.alembic_version (version_num varchar(32) PRIMARY KEY); RESET ROLE",
        "CREATE SCHEMA {schema}; GRANT ALL ON SCHEMA {schema} TO {stranger}; SET ROLE {stranger};"
        " CREATE DOMAIN {schema}.key AS text; RESET ROLE",
        "CREATE SCHEMA {schema}; GRANT ALL ON SCHEMA {schema} TO {stranger}; SET ROLE {stranger};"
        " CREATE FUNCTION {schema}.lower(text) RETURNS text LANGUAGE sql AS 'SELECT $1'; RESET ROLE",
    ],
)
@pytest.mark.parametrize("deploys", ["SUPERUSER", "owner"])
def test_what_a_stranger_owns_is_refused(
    admin: psycopg.Connection, schema: str, make_role: MakeRole, url_of: UrlOf, planted: str, deploys: str
) -> None:
    stranger = make_role(prefix="stranger_")
    admin.execute(planted.format(schema=schema, stranger=stranger).encode())
    role = make_role(options="SUPERUSER") if deploys == "SUPERUSER" else make_role(options="IN ROLE postgres NOINHERIT")
    with pytest.raises(ConfigurationError, match="belongs to"):
        SchemaDeployer(url_of(role), schema).deploy()


@newest
def test_a_member_of_the_owner_may_deploy(
    admin: psycopg.Connection, schema: str, make_role: MakeRole, url_of: UrlOf
) -> None:
    owner = make_role(prefix="owner_")
    admin.execute(f"CREATE SCHEMA {schema} AUTHORIZATION {owner}".encode())
    deployer = SchemaDeployer(url_of(make_role(options=f"IN ROLE {owner}")), schema)
    assert deployer.deploy()
    assert deployer.check() == []


ERASURE = """
CREATE TEMPORARY TABLE kept AS SELECT * FROM {schema}.users;
CREATE TEMPORARY TABLE entries AS SELECT * FROM {schema}.balance_entries WHERE reason <> 'WITHDRAWAL';
DELETE FROM {schema}.users;
INSERT INTO {schema}.users SELECT * FROM kept;
"""


@newest
def test_the_role_cannot_replace_a_user_and_so_the_journal(
    admin: psycopg.Connection, deployer: SchemaDeployer, schema: str, make_role: MakeRole, url_of: UrlOf, server: Any
) -> None:
    role = make_role()
    deployer.deploy(app_role=role)
    url = server.url.replace("postgres@", f"{role}@")
    with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(ERASURE.format(schema=schema).encode())
    with connect(url, settings=Settings(schema=schema)) as storage:
        user = storage.users.create(NewUser())
        with pytest.raises(ConfigurationError, match="--may-delete"):
            storage.users.delete(user.id)
        deployer.deploy(app_role=role, may_delete=True)
        storage.users.delete(user.id)
    deployer.deploy(app_role=role)
    for table in RIGHTS:
        row = admin.execute("SELECT has_table_privilege(%s, %s, 'DELETE')", [role, f"{schema}.{table}"]).fetchone()
        assert row == ("DELETE" in RIGHTS[table],)
    assert set(MAY_DELETE) == {"users", "orders"}
