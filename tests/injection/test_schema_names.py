"""The name of the schema is quoted wherever it goes, or refused."""

from decimal import Decimal

import psycopg
import pytest
from psycopg import sql
from pydantic import ValidationError

from metacore.config import Settings
from metacore.domain.people.credentials import Credentials
from metacore.errors import ConfigurationError
from metacore.postgres import EmbeddedPostgres, SchemaDeployer
from metacore.sync import connect
from metacore.sync.storage.storage import Storage
from metacore.testing import factories

NAMES = [
    "x\"; DROP SCHEMA metacore CASCADE; -- '; DROP SCHEMA metacore",
    " A.b % %s %(user_id)s %% {schema} {0} {} ",
    "[schema_none] :user_id ? $1 $$ \\ \\\\",
    "select",
    "你好 🦜" + "ü" * 26,
]
BAD_NAMES = [
    "",
    "tab\t",
    "newline\n",
    "x" * 64,
    "ü" * 32,
    "nul\0",
    "lone \ud800",
    "pg_mine",
    "pg_catalog",
    "information_schema",
]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_quoted_everywhere(server: EmbeddedPostgres, name: str) -> None:
    deployer = SchemaDeployer(server.url, name)
    with psycopg.connect(server.url) as admin:
        before = admin.execute("SELECT count(*) FROM metacore.users").fetchone()
    try:
        deployer.deploy()
        assert not deployer.check()
        assert deployer.status().is_usable
        with connect(server.url, settings=Settings(schema=name, encryption_keys={"k1": bytes(range(32))})) as storage:
            use_everything(storage)
        with psycopg.connect(server.url, autocommit=True) as admin:
            assert admin.execute("SELECT count(*) FROM metacore.users").fetchone() == before
            admin.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))
            admin.execute(deployer.sql().encode())
            assert not deployer.check()
        assert deployer.downgrade("base")
    finally:
        with psycopg.connect(server.url, autocommit=True) as admin:
            admin.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(name)))


@pytest.mark.parametrize("name", ["x" * 63, "ü" * 31, "information_schema2"])
def test_what_is_nearly_none_is_a_name(server: EmbeddedPostgres, name: str) -> None:
    assert SchemaDeployer(server.url, name).status().revision is None


@pytest.mark.parametrize("name", BAD_NAMES, ids=ascii)
def test_what_cannot_be_a_name_is_refused(server: EmbeddedPostgres, name: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        SchemaDeployer(server.url, name)
    assert caught.value.setting == "schema"
    with pytest.raises((ConfigurationError, ValidationError)):
        connect(server.url, settings=Settings(schema=name))


def use_everything(storage: Storage) -> None:
    """An operation of every kind: read, write, set, page, import, pipeline, transaction."""
    user = storage.users.create(factories.NewUserFactory.build())
    assert storage.users.list().items == (user,)
    order = storage.orders.create(factories.NewOrderFactory.build(user_id=user.id))
    storage.orders.create_many([factories.NewOrderFactory.build(user_id=user.id)])
    storage.order_updates.append(factories.NewOrderUpdateFactory.build(of=order))
    storage.trades.create_many([factories.NewTradeFactory.build(of=order)])
    storage.balances.apply([factories.BalanceDeltaFactory.build(user_id=user.id)])
    storage.portfolios.put(user.id, "btc", Decimal(1))
    storage.order_records.save_many([factories.OrderRecordFactory.build()])
    storage.users.set_credentials(user.id, Credentials(api_key="k", api_secret="s"))
    assert storage.users.get_by_api_key("k") == user
    with storage.transaction() as tx:
        assert tx.orders.get_many([order.key], for_update=True) == (order,)
    assert not storage.balances.audit(user.id)
    storage.users.delete(user.id)
    assert storage.users.list().items == ()
