"""The contract of the ledger service called by many at the same time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import partial
from threading import Event
from typing import Any

from metacore.domain.people.users import User
from metacore.domain.trading.decisions import Selection
from metacore.domain.trading.reservations import Reservation
from metacore.domain.values.amounts import total
from metacore.errors import ConflictError, InsufficientFundsError, LockTimeoutError, MetacoreError
from metacore.sync.services.ledger import LedgerService
from metacore.sync.storage.storage import Storage
from metacore.testing.clock import START
from metacore.testing.contract.base import Contract, Opening
from metacore.testing.contract.service_ledger import UNIT, LedgerContract, amount_of
from metacore.testing.contract.service_trading import money
from metacore.testing.factories import NewUserFactory
from metacore.testing.loop_threads import PATIENCE
from metacore.testing.runners import Runner

WORKERS = 16


class LedgerRaceContract(LedgerContract):
    """Of the ledger service called by many at the same time."""

    def test_the_last_unit_is_reserved_once(
        self, storage: Storage, runner: Runner, ledger: LedgerService, buyer: User
    ) -> None:
        outcomes = runner.together(*(partial(ledger.reserve, amount_of(buyer)) for _ in range(WORKERS)))
        assert Counter(map(type, outcomes)) == {Reservation: 1, InsufficientFundsError: WORKERS - 1}
        assert money(storage, buyer) == {UNIT: "0 / 1"}

    def test_the_same_reservation_by_many_is_made_once(
        self, storage: Storage, runner: Runner, ledger: LedgerService, stock: User
    ) -> None:
        calls = [partial(ledger.reserve, amount_of(stock, 4, reference="order")) for _ in range(WORKERS)]
        assert len({row.id for row in results(runner.together(*calls))}) == 1
        (made,) = storage.reservations.list(stock.id).items
        assert money(storage, stock) == {UNIT: "6 / 4"}
        calls = [partial(ledger.post, *made.key)] * WORKERS
        assert {row.state for row in results(runner.together(*calls))} == {"POSTED"}
        assert money(storage, stock) == {UNIT: "6 / 0"}

    def test_it_is_resolved_in_one_way(
        self, storage: Storage, runner: Runner, ledger: LedgerService, stock: User, buyer: User
    ) -> None:
        made = ledger.reserve(amount_of(stock, 4, expires_at=START))
        ways: list[Callable[[], Any]] = [
            partial(ledger.post, *made.key, to=buyer.id),
            partial(ledger.void, *made.key),
            ledger.expire_due,
        ]
        outcomes = runner.together(*(ways * 4))
        state = storage.reservations.get(*made.key).state
        won = {row.state for row in outcomes if isinstance(row, Reservation)}
        assert state != "PENDING"
        assert won <= {state}
        assert money(storage, buyer) == {UNIT: "5 / 0" if state == "POSTED" else "1 / 0"}
        assert sum(row for row in outcomes if isinstance(row, int)) == (state == "EXPIRED")
        assert {type(row) for row in outcomes} <= {Reservation, int, ConflictError}
        assert total([units(storage, stock), units(storage, buyer)]) == 11
        assert [*storage.balances.audit(stock.id), *storage.balances.audit(buyer.id)] == []

    def test_many_sweepers_expire_each_once(
        self, storage: Storage, runner: Runner, ledger: LedgerService, stock: User, buyer: User
    ) -> None:
        ledger.reserve_all(
            [*(amount_of(stock, expires_at=START) for _ in range(10)), amount_of(buyer, expires_at=START)]
        )
        outcomes = runner.together(*[ledger.expire_due] * 6)
        assert sum(results(outcomes)) + ledger.expire_due() == 11
        assert (money(storage, stock), money(storage, buyer)) == ({UNIT: "10 / 0"}, {UNIT: "1 / 0"})
        assert [*storage.balances.audit(stock.id), *storage.balances.audit(buyer.id)] == []


class LedgerWaitingContract(Contract):
    """Of the ledger service where somebody else has a lock for longer than `lock_timeout`."""

    def test_who_has_a_user_for_too_long_is_waited_for_once_and_left_alone_by_sweepers(
        self, open_storage: Opening, runner: Runner
    ) -> None:
        storage = open_storage(lock_timeout=0.05)
        user = storage.users.create(NewUserFactory.build())
        storage.balances.put(user.id, UNIT, Decimal(10), Decimal(0))
        ledger: LedgerService = runner.service("LedgerService", storage)
        made = ledger.reserve(amount_of(user, 4, expires_at=START))
        locked, tried = Event(), Event()
        loads: list[int] = []

        def hold() -> None:
            with storage.transaction() as tx:
                tx.load(Selection(users=frozenset({user.id}), exclusive_users=True))
                locked.set()
                assert tried.wait(PATIENCE)

        def resolve() -> int:
            assert locked.wait(PATIENCE)
            try:
                loads.append(storage.stats().operations["load"])
                assert ledger.expire_due() == 0
                loads.append(storage.stats().operations["load"])
                return ledger.void(*made.key).version
            finally:
                loads.append(storage.stats().operations["load"])
                tried.set()

        held, error = runner.together(hold, resolve)
        assert held is None
        assert isinstance(error, LockTimeoutError)
        assert [count - loads[0] for count in loads] == [0, 1, 2]
        assert ledger.expire_due() == 1


def units(storage: Storage, user: User) -> Decimal:
    return storage.balances.get(user.id, UNIT).total


def results(outcomes: Iterable[Any]) -> Sequence[Any]:
    """All of `outcomes`, none of which is an error."""
    found = list(outcomes)
    assert not [each for each in found if isinstance(each, MetacoreError)]
    return found
