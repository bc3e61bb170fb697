"""Every public operation, failing in every way that a server offers."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, get_type_hints
from uuid import UUID

import pytest
from pydantic import SecretStr

import metacore
import metacore.sync
from metacore.domain.commerce.order_records import OrderRecord
from metacore.domain.market.bars import BarPart
from metacore.domain.market.prices import PriceFeed, PricesBySymbol
from metacore.domain.messages.dead_letters import DeadLetter, Resolution
from metacore.domain.messages.events import NewEvent
from metacore.domain.people.credentials import Credentials
from metacore.domain.people.sessions import NewSession
from metacore.domain.people.users import KycStatus, NewUser, UserPatch
from metacore.domain.trading.archiving import History
from metacore.domain.trading.balances import AccountBalance, BalanceDelta
from metacore.domain.trading.order_updates import NewOrderUpdate
from metacore.domain.trading.orders import NewOrder, OrderStatus
from metacore.domain.trading.reports import ExecutionReport
from metacore.domain.trading.reservations import NewReservation
from metacore.domain.trading.snapshots import AccountSnapshot
from metacore.domain.trading.trades import NewTrade
from metacore.domain.trading.transfers import NewDeposit
from metacore.errors import MetacoreError
from metacore.sync.storage.storages import STORAGES
from metacore.testing import factories
from metacore.testing.contract.samples import NOBODY

OF_THE_CACHE = ("cache_stats", "cached", "changing")
"""Operations that ask no server."""
SERVICES = [name for name in metacore.__all__ if name.endswith("Service")]


def samples(canary, user_id: UUID) -> dict[Any, Callable[[], Any]]:
    """An argument of each type that a public operation takes, or of a name."""
    found: dict[Any, Callable[[], Any]] = {
        UUID: lambda: user_id,
        str: lambda: "text",
        int: lambda: 1,
        Decimal: lambda: Decimal(1),
        datetime: lambda: datetime.now(UTC),
        str | SecretStr: lambda: canary.credentials.api_key,
        Credentials | None: lambda: canary.credentials,
        KycStatus: lambda: KycStatus.PRIMARY,
        OrderStatus: lambda: OrderStatus.NEW,
        NewUser: lambda: factories.NewUserFactory.build(email=canary.email),
        UserPatch: lambda: UserPatch(username="new", email=canary.email),
        NewOrder: lambda: factories.NewOrderFactory.build(user_id=user_id),
        NewOrderUpdate: lambda: factories.NewOrderUpdateFactory.build(
            user_id=user_id, order_id=NOBODY, previous_status="NEW"
        ),
        NewReservation: lambda: factories.NewReservationFactory.build(user_id=user_id),
        NewDeposit: lambda: NewDeposit(user_id=user_id, asset="USDT", amount=1, reference="text"),
        NewTrade: lambda: factories.NewTradeFactory.build(user_id=user_id),
        BalanceDelta: lambda: factories.BalanceDeltaFactory.build(user_id=user_id),
        AccountBalance: factories.AccountBalanceFactory.build,
        AccountSnapshot: factories.AccountSnapshotFactory.build,
        ExecutionReport: lambda: factories.ExecutionReportFactory.build(user_id=user_id, order_id=NOBODY),
        History: lambda: History(user_id=user_id),
        OrderRecord: factories.OrderRecordFactory.build,
        str | UUID: lambda: "text",
        NewEvent: factories.NewEventFactory.build,
        Mapping[tuple[str, str], int]: lambda: {("topic", "key"): 1},
        BarPart: factories.BarPartFactory.build,
        DeadLetter: factories.DeadLetterFactory.build,
        Resolution: lambda: Resolution.DISCARDED,
        bytes: lambda: canary.token_hash,
        NewSession: lambda: factories.NewSessionFactory.build(user_id=user_id, token_hash=canary.token_hash),
        timedelta: lambda: timedelta(seconds=10),
        tuple[str, str, int]: lambda: ("topic", "key", 1),
        tuple[UUID, UUID]: lambda: (user_id, NOBODY),
        tuple[UUID, str]: lambda: (user_id, "USDT"),
        PricesBySymbol | PriceFeed: lambda: {"btc": Decimal(1)},
    }
    several = {Iterable[kind]: lambda make=make: [make()] for kind, make in found.items()}
    by_name = {"email": canary.email, "password_hash": canary.password_hash, "nonce": canary.nonce}
    by_name |= {"expected_hash": canary.password_hash, "next_hash": canary.nonce}
    by_name |= {"password": canary.password, "new_password": canary.password, "token": canary.token.get_secret_value()}
    return found | several | {name: lambda value=value: value for name, value in by_name.items()}


def methods(kind: type, arguments: dict[Any, Callable[[], Any]]) -> Iterator[tuple[str, list[Callable[[], Any]]]]:
    """The public methods of a storage or service, and what makes arguments for what they require."""
    for name, method in inspect.getmembers(kind, inspect.isfunction):
        if not name.startswith("_") and name not in OF_THE_CACHE:
            hints = get_type_hints(method)
            required = list(inspect.signature(method).parameters.values())[1:]
            names = [each.name for each in required if each.default is each.empty]
            yield name, [arguments.get(each) or arguments[hints[each]] for each in names]


@pytest.fixture
def operations(runner, canary):
    """A function that gives every public operation of every storage and service, ready to be called."""

    def operations(storage, services=SERVICES, user_id=NOBODY, stores=STORAGES):
        arguments = samples(canary, user_id)
        for store in stores:
            protocol = STORAGES[store]
            for name, makers in methods(protocol, arguments):
                yield f"{store}.{name}", bind(getattr(getattr(storage, store), name), makers)
        for service in services:
            for name, makers in methods(getattr(metacore.sync, service), arguments):
                yield f"{service}.{name}", bind(getattr(runner.service(service, storage), name), makers)

    return operations


def bind(method, arguments):
    def call():
        result = method(*[make() for make in arguments])
        if isinstance(result, Iterator):
            for _ in result:
                """Streams fail when they are read."""

    return call


def test_every_operation_is_found(operations, storage):
    names = {name for name, _ in operations(storage)}
    assert {"users.set_credentials", "orders.create_many", "trades.stream", "AccountService.rotate_credentials"} < names
    assert len(names) > 80


def test_closed(evidence, operations, storage):
    storage.close()
    for name, call in operations(storage):
        evidence.fail(name, call)


def test_refused(evidence, operations, storage, admin, canary):
    admin.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA metacore FROM {canary.role}")
    try:
        for name, call in operations(storage):
            evidence.fail(name, call)
    finally:
        admin.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA metacore TO {canary.role}")


def test_missing(evidence, operations, storage, admin):
    admin.execute("ALTER SCHEMA metacore RENAME TO elsewhere")
    try:
        for name, call in operations(storage):
            evidence.fail(name, call)
    finally:
        admin.execute("ALTER SCHEMA elsewhere RENAME TO metacore")


def test_locked(evidence, operations, storage, admin):
    with admin.transaction():
        for (table,) in admin.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'metacore'").fetchall():
            admin.execute(f"LOCK TABLE metacore.{table} IN ACCESS EXCLUSIVE MODE")
        # Services would try again and again.
        for name, call in operations(storage, services=[]):
            evidence.fail(name, call)


@pytest.mark.parametrize("pool_timeout", [0.01])
def test_disconnected(evidence, operations, storage, admin, canary):
    admin.execute(f"ALTER ROLE {canary.role} CONNECTION LIMIT 0")
    try:
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", [canary.role])
        for name, call in operations(storage):
            evidence.fail(name, call)
    finally:
        admin.execute(f"ALTER ROLE {canary.role} CONNECTION LIMIT -1")


def test_doomed(evidence, operations, storage, canary):
    users = [storage.users.create(factories.NewUserFactory.build()) for _ in range(2)]

    def doom(tx):
        tx.users.set_credentials(users[0].id, canary.credentials)
        evidence.fail("doom", lambda: tx.users.set_credentials(users[1].id, canary.credentials))
        for name, call in operations(tx):
            evidence.fail(name, call)

    evidence.fail("run", lambda: storage.run(doom), MetacoreError)


@pytest.mark.parametrize("table", ["users", "user_names", "user_api_keys", None])
def test_violated(evidence, operations, storage, admin, canary, table):
    """Constraints that refuse every row, in one table or in all, make PostgreSQL repeat whole rows."""
    admin.execute("DELETE FROM metacore.user_names")
    admin.execute("DELETE FROM metacore.users")
    admin.execute(f"REVOKE DELETE ON metacore.users FROM {canary.role}")
    user = storage.users.create(factories.NewUserFactory.build(email=f"{canary.email}.au"))
    chosen = {} if table is None else {"services": ["AccountService"], "stores": ["users"]}
    rows = admin.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'metacore'").fetchall()
    refusing = [name for (name,) in rows if name == table or (table is None and name != "alembic_version")]
    for name in refusing:
        admin.execute(f"ALTER TABLE metacore.{name} ADD CONSTRAINT canary CHECK (false) NOT VALID")
    try:
        failed = [name for name, call in operations(storage, user_id=user.id, **chosen) if evidence.try_out(name, call)]
    finally:
        for name in refusing:
            admin.execute(f"ALTER TABLE metacore.{name} DROP CONSTRAINT canary")
        admin.execute(f"GRANT DELETE ON metacore.users TO {canary.role}")
    assert len(failed) > (40 if table is None else 3)
