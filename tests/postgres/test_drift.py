"""Every manual change of a deployed schema is found, and told for what it is."""

from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from metacore import ConfigurationError
from metacore.postgres import EmbeddedPostgres, SchemaDeployer
from metacore.postgres.schema.drift import DriftKind, find_drift

COLUMNS = [
    ("ALTER TABLE users ALTER COLUMN version TYPE integer", "DIFFERENT users.version"),
    ("ALTER TABLE trades ALTER COLUMN commission TYPE numeric", "DIFFERENT trades.commission"),
    ('ALTER TABLE orders ALTER COLUMN reason TYPE text COLLATE "default"', "DIFFERENT orders.reason"),
    ("ALTER TABLE users ALTER COLUMN version SET DEFAULT 1", "DIFFERENT users.version"),
    ("ALTER TABLE users ALTER COLUMN kyc_status DROP NOT NULL", "DIFFERENT users.kyc_status"),
    ("ALTER TABLE users ALTER COLUMN email SET NOT NULL", "DIFFERENT users.email"),
    ("ALTER TABLE users ADD COLUMN note text", "UNEXPECTED users.note"),
    ("ALTER TABLE orders DROP COLUMN reason", "MISSING orders.reason"),
]

CONSTRAINTS = [
    ("ALTER TABLE trades DROP CONSTRAINT trades_users_fkey", "MISSING trades.trades_users_fkey"),
    ("ALTER TABLE balances ADD CONSTRAINT low CHECK (free < 5)", "UNEXPECTED balances.low"),
    (
        "ALTER TABLE balances DROP CONSTRAINT balances_free_not_negative,"
        " ADD CONSTRAINT balances_free_not_negative CHECK (free >= -1)",
        "DIFFERENT balances.balances_free_not_negative",
    ),
    (
        "ALTER TABLE balances DROP CONSTRAINT balances_free_not_negative,"
        " ADD CONSTRAINT balances_free_not_negative CHECK (free >= 0) NOT VALID",
        "DIFFERENT balances.balances_free_not_negative",
    ),
    (
        "ALTER TABLE trades DROP CONSTRAINT trades_users_fkey,"
        " ADD CONSTRAINT trades_users_fkey FOREIGN KEY (user_id) REFERENCES users",
        "DIFFERENT trades.trades_users_fkey",
    ),
    ("ALTER TABLE trades ALTER CONSTRAINT trades_users_fkey DEFERRABLE", "DIFFERENT trades.trades_users_fkey"),
    ("ALTER TABLE balance_entries DISABLE TRIGGER ALL", "DIFFERENT balance_entries.balance_entries_balances_fkey"),
]

INDEXES = [
    ("DROP INDEX users_newest_idx", "MISSING users.users_newest_idx"),
    ("CREATE INDEX extra ON users (account_type)", "UNEXPECTED users.extra"),
    (
        "DROP INDEX users_newest_idx; CREATE INDEX users_newest_idx ON users (created_at, id)",
        "DIFFERENT users.users_newest_idx",
    ),
    (
        "DROP INDEX orders_holding_idx; CREATE INDEX orders_holding_idx ON orders (user_id) WHERE held_amount > 0",
        "DIFFERENT orders.orders_holding_idx",
    ),
    (
        "DROP INDEX balance_entries_reference_key;"
        " CREATE INDEX balance_entries_reference_key ON balance_entries (user_id, reason, reference)"
        " WHERE reason IN ('DEPOSIT', 'WITHDRAWAL') AND reference IS NOT NULL",
        "DIFFERENT balance_entries.balance_entries_reference_key",
    ),
    (
        "DROP INDEX orders_client_order_id_key;"
        " CREATE UNIQUE INDEX orders_client_order_id_key ON orders (user_id, client_order_id) NULLS NOT DISTINCT"
        " WHERE client_order_id IS NOT NULL",
        "DIFFERENT orders.orders_client_order_id_key",
    ),
]

TABLES = [
    ("DROP TABLE portfolio_holdings", "MISSING portfolio_holdings"),
    ("CREATE TABLE notes (id int PRIMARY KEY, told text)", "UNEXPECTED notes"),
    ("ALTER TABLE portfolio_holdings SET UNLOGGED", "DIFFERENT portfolio_holdings"),
    ("ALTER TABLE users ENABLE ROW LEVEL SECURITY", "DIFFERENT users"),
]

DOMAINS = [
    ("ALTER DOMAIN amount DROP CONSTRAINT amount_exact", "DIFFERENT amount"),
    ("ALTER DOMAIN key ADD CHECK (VALUE <> '')", "DIFFERENT key"),
    ("ALTER DOMAIN order_status SET DEFAULT 'NEW'", "DIFFERENT order_status"),
    ("ALTER DOMAIN amount SET NOT NULL", "DIFFERENT amount"),
    ("CREATE DOMAIN price AS numeric", "UNEXPECTED price"),
]

OTHERS = [
    (
        "CREATE TRIGGER changed BEFORE UPDATE ON users FOR EACH ROW"
        " EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "UNEXPECTED users.changed",
    ),
    ("CREATE RULE kept AS ON DELETE TO users DO INSTEAD NOTHING", "UNEXPECTED users.kept"),
]


@pytest.fixture(scope="module")
def deployed(server: EmbeddedPostgres) -> str:
    name = f"test_{uuid4().hex}"
    SchemaDeployer(server.url, name).deploy()
    return name


def batches(changes):
    """`changes`, so that no two of a batch are of one object: what is expected is made once for all of a batch."""
    made = []
    for change, difference in changes:
        name = difference.split()[1]
        batch = next((batch for batch in made if name not in batch), None)
        if batch is None:
            made.append(batch := {})
        batch[name] = (change, difference)
    return [dict(batch.values()) for batch in made]


@pytest.mark.parametrize("changes", batches([*COLUMNS, *DOMAINS, *CONSTRAINTS, *INDEXES, *TABLES, *OTHERS]))
def test_manual_changes_are_found_and_nothing_else(server, deployed, changes):
    with psycopg.connect(server.url) as connection:
        connection.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(deployed)))
        for change in changes:
            connection.execute(change)
        found = find_drift(connection, deployed)
        connection.rollback()
    assert sorted(f"{drift.kind} {drift.name}" for drift in found) == sorted(changes.values())


def test_a_constraint_that_is_gone_takes_its_index_along(server, deployed):
    with psycopg.connect(server.url) as connection:
        table = sql.Identifier(deployed, "user_names")
        connection.execute(sql.SQL("ALTER TABLE {} DROP CONSTRAINT user_names_pkey").format(table))
        found = find_drift(connection, deployed)
        connection.rollback()
    assert [(drift.kind, drift.object, drift.name) for drift in found] == [
        (DriftKind.MISSING, "constraint", "user_names.user_names_pkey"),
        (DriftKind.MISSING, "index", "user_names.user_names_pkey"),
    ]


def test_check_tells_what_is_expected_and_what_is(deployer, admin, schema):
    deployer.deploy()
    admin.execute(sql.SQL("ALTER TABLE {}.orders ALTER version TYPE integer").format(sql.Identifier(schema)))
    (drift,) = deployer.check()
    assert (drift.object, drift.name) == ("column", "orders.version")
    assert (drift.expected, drift.actual) == ("bigint NOT NULL", "integer NOT NULL")
    assert str(drift) == "DIFFERENT column orders.version: expected bigint NOT NULL, is integer NOT NULL"


def test_check_leaves_nothing_behind(deployer, admin):
    deployer.deploy()
    deployer.check()
    left = admin.execute("SELECT relname FROM pg_class WHERE relpersistence = 't'").fetchall()
    assert left == []


def test_a_role_without_any_right_can_check(deployer, server, make_role, url_of, schema):
    deployer.deploy()
    role = make_role()
    assert deployer.deploy(app_role=role) == ()
    assert SchemaDeployer(url_of(role), schema).check() == []


def test_a_role_that_may_not_make_temporary_tables_is_drift(admin, deployer, make_role, url_of, schema):
    deployer.deploy()
    role = make_role()
    deployer.deploy(app_role=role)
    admin.execute("REVOKE TEMPORARY ON DATABASE postgres FROM PUBLIC")
    try:
        with pytest.raises(ConfigurationError, match="TEMPORARY on the database"):
            SchemaDeployer(url_of(role), schema).check()
        with pytest.raises(ConfigurationError, match=f'GRANT TEMPORARY ON DATABASE postgres TO "{role}"'):
            deployer.deploy(app_role=role)
    finally:
        admin.execute("GRANT TEMPORARY ON DATABASE postgres TO PUBLIC")
