"""What storages say when the server lacks something, or when tables and rules that others have added refuse a row."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

from metacore.errors import (
    AlreadyExistsError,
    ConfigurationError,
    ConflictError,
    InvalidDataError,
    MetacoreError,
    NotFoundError,
    StorageUnavailableError,
)
from metacore.postgres import EmbeddedPostgres, SchemaDeployer
from metacore.sync import NewUser, Settings, connect
from metacore.sync.storage.storage import Storage
from metacore.testing.cases import each_case
from metacore.testing.factories import NewOrderFactory

Adding = Callable[[str], None]


@pytest.fixture
def storage(server: EmbeddedPostgres, deployer: SchemaDeployer) -> Iterator[Storage]:
    deployer.deploy()
    with connect(server.url, settings=Settings(schema=deployer.schema, pool_max_size=1)) as storage:
        yield storage


@pytest.fixture
def add(storage: Storage, admin: psycopg.Connection, deployer: SchemaDeployer) -> Adding:
    """Runs what adds something to the schema, which is where names lead to."""
    admin.execute(f"SET search_path = {deployer.schema}, pg_catalog")
    return lambda statement: admin.execute(statement) and None


@pytest.fixture
def refuse(add: Adding) -> Adding:
    """Has each new user refused by a RAISE."""

    def refuse(raised: str) -> None:
        add(f"CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE {raised}; END $$")
        add("CREATE OR REPLACE TRIGGER refuse BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION refuse()")

    return refuse


@pytest.mark.parametrize("action", ["NO ACTION", "RESTRICT"])
def test_a_foreign_key_of_others_that_stops_a_delete_is_named(storage: Storage, add: Adding, action: str) -> None:
    add(f"CREATE TABLE notes (user_id uuid CONSTRAINT notes_of_users REFERENCES users ON DELETE {action})")
    user = storage.users.create(NewUser())
    add(f"INSERT INTO notes VALUES ('{user.id}')")
    with pytest.raises(ConflictError, match="notes_of_users of table notes") as caught:
        storage.users.delete(user.id)
    assert caught.value.conflicts == ("notes_of_users",)
    assert storage.users.get(user.id) == user
    add("DELETE FROM notes")
    storage.users.delete(user.id)


def test_constraints_of_others_are_named(storage: Storage, add: Adding) -> None:
    add("ALTER TABLE users ADD CONSTRAINT polite CHECK (username <> 'damn')")
    with pytest.raises(InvalidDataError) as invalid:
        storage.users.create(NewUser(username="damn"))
    assert invalid.value.field == "polite"
    add("CREATE UNIQUE INDEX one_of_each_type ON users (account_type) WHERE exchange = 'OTHER'")
    storage.users.create(NewUser(exchange="OTHER"))
    with pytest.raises(AlreadyExistsError) as taken:
        storage.users.create(NewUser(exchange="OTHER"))
    assert (taken.value.entity, taken.value.field, taken.value.value) == ("users", "one_of_each_type", None)
    add("ALTER TABLE users ADD CONSTRAINT alone EXCLUDE (exchange WITH =) WHERE (account_type = 'ALONE')")
    storage.users.create(NewUser(account_type="ALONE"))
    with pytest.raises(ConflictError) as conflict:
        storage.users.create(NewUser(account_type="ALONE"))
    assert conflict.value.conflicts == ("alone",)
    add("ALTER TABLE orders ADD COLUMN desk text")
    add("ALTER TABLE orders ALTER COLUMN desk SET NOT NULL")
    with pytest.raises(InvalidDataError) as missing:
        storage.orders.create(NewOrderFactory.build(user_id=storage.users.create(NewUser()).id))
    assert missing.value.field == "desk"


def test_a_trigger_of_others_that_refuses_is_a_conflict(storage: Storage, refuse: Adding) -> None:
    refuse("'not on Sundays'")
    with pytest.raises(ConflictError, match="trigger") as caught:
        storage.users.create(NewUser())
    assert "not on Sundays" in str(caught.value.__cause__)


@each_case(
    ("state", "kind", "message"),
    [
        ("53100", StorageUnavailableError, "disk is full"),
        ("53200", StorageUnavailableError, "out of memory"),
        ("53300", StorageUnavailableError, "no connection left"),
        ("53400", StorageUnavailableError, "limit of its configuration"),
        ("57P03", StorageUnavailableError, "starting, stopping or recovering"),
        ("58030", StorageUnavailableError, "read or write its files"),
        ("25006", StorageUnavailableError, "read-only"),
        ("26000", ConfigurationError, "METACORE_PREPARED_STATEMENTS=false"),
        ("42P05", ConfigurationError, "METACORE_PREPARED_STATEMENTS=false"),
    ],
)
def test_the_error_names_what_the_server_lacks(
    storage: Storage, refuse: Adding, state: str, kind: type[MetacoreError], message: str
) -> None:
    refuse(f"'no' USING ERRCODE = '{state}'")
    with pytest.raises(kind, match=message) as caught:
        storage.users.create(NewUser())
    assert "lost" not in str(caught.value)
    assert storage.users.list().items == ()


@each_case(
    ("raised", "expected", "attribute"),
    [
        (
            "unique_violation USING MESSAGE = 'twin violates \"orders_client_order_id_key_102008\"'",
            "client_order_id",
            "field",
        ),
        (
            "unique_violation USING MESSAGE = 'Schlüssel verletzt »orders_client_order_id_key«, \"users\"'",
            "client_order_id",
            "field",
        ),
        ("unique_violation USING CONSTRAINT = 'orders_client_order_id_key_102008'", "client_order_id", "field"),
        ("unique_violation USING MESSAGE = 'twin violates \"theirs\"'", "key", "field"),
        (
            'foreign_key_violation USING MESSAGE = \'"orders_1" violates "orders_users_fkey_102011"\'',
            "user",
            "entity",
        ),
    ],
)
def test_a_constraint_that_the_error_does_not_name_is_found_in_its_words(
    storage: Storage, refuse: Adding, raised: str, expected: str, attribute: str
) -> None:
    """As Citus has it, whose shards have tables, and so constraints, with a number."""
    refuse(raised)
    with pytest.raises((AlreadyExistsError, NotFoundError)) as caught:
        storage.users.create(NewUser(username="alice"))
    assert getattr(caught.value, attribute) == expected
