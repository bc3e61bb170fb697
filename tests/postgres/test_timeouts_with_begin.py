"""Time-outs that go with BEGIN, where the options of a connection's start do not arrive."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from metacore import LockTimeoutError, NewUser, Settings, StatementTimeoutError, UserPatch
from metacore.postgres.client.connections import connection_parameters
from metacore.sync import AccountService, KycStatus, connect
from metacore.sync.storage.storage import Storage
from metacore.testing.factories import NewOrderFactory


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, metacore_database_url: str) -> Callable[..., Storage]:
    def without_options(url: str, settings: Settings, *rest: Any) -> dict[str, Any]:
        return {**connection_parameters(url, settings), "options": ""}

    def opened(**settings: float) -> Storage:
        return connect(metacore_database_url, settings=Settings(timeouts_with_begin=True, **settings))

    monkeypatch.setattr("metacore.sync.postgres.client.pool.connection_parameters", without_options)
    return opened


CALLS: dict[str, Callable[[Storage, Any], object]] = {
    "alone": lambda storage, user: storage.users.update(user.id, UserPatch(username="bob")),
    "several": lambda storage, user: storage.users.delete(user.id),
    "savepoint": lambda storage, user: storage.run(lambda tx: tx.run(lambda tx: tx.users.delete(user.id)), 1),
    "service": lambda storage, user: AccountService(storage).set_kyc(user.id, KycStatus.PRIMARY),
    "import": lambda storage, user: storage.orders.create_many([NewOrderFactory.build(user_id=user.id)]),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_lock_is_waited_for_no_longer_than_lock_timeout(
    opened: Callable[..., Storage], metacore_database_url: str, call: Callable[[Storage, Any], object]
) -> None:
    with opened(lock_timeout=0.2, statement_timeout=20) as storage, psycopg.connect(metacore_database_url) as other:
        user = storage.users.create(NewUser())
        other.execute("SELECT FROM metacore.users FOR UPDATE")
        with pytest.raises(LockTimeoutError):
            call(storage, user)
        other.rollback()
        assert storage.users.get(user.id) == user
        assert (storage.stats().pool or {}).get("connections_lost", 0) == 0


@pytest.mark.parametrize("name", ["alone", "several", "savepoint", "service"])
def test_a_statement_runs_no_longer_than_statement_timeout(
    opened: Callable[..., Storage], metacore_database_url: str, name: str
) -> None:
    with opened(lock_timeout=20, statement_timeout=0.2) as storage, psycopg.connect(metacore_database_url) as other:
        user = storage.users.create(NewUser())
        other.execute("SELECT FROM metacore.users FOR UPDATE")
        with pytest.raises(StatementTimeoutError):
            CALLS[name](storage, user)
