"""The contract of the ledger service: transfers between users."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from metacore.domain.people.users import User, UserPatch
from metacore.domain.trading.balances import EntryReason
from metacore.domain.trading.reports import Outcome
from metacore.domain.values.amounts import total
from metacore.errors import (
    ConflictError,
    InsufficientFundsError,
    InvalidDataError,
    MetacoreError,
    NotAllowedError,
    NotFoundError,
)
from metacore.sync.services.ledger import LedgerService
from metacore.sync.services.trading import TradingService
from metacore.sync.storage.storage import Storage
from metacore.testing.clock import ManualClock
from metacore.testing.contract.samples import NOBODY
from metacore.testing.contract.service_ledger import UNIT, LedgerContract, amount_of
from metacore.testing.contract.service_ledger_races import WORKERS, results, units
from metacore.testing.contract.service_trading import money, snapshot
from metacore.testing.factories import NewUserFactory
from metacore.testing.runners import Runner


class UserTransferContract(LedgerContract):
    """Of `transfer`."""

    def test_an_amount_is_moved_once_for_each_reference(
        self, storage: Storage, ledger: LedgerService, clock: ManualClock, stock: User, buyer: User
    ) -> None:
        moved = ledger.transfer(stock.id, buyer.id, UNIT, Decimal(3), "rent")
        assert (moved.outcome, moved.balance) == (Outcome.APPLIED, storage.balances.get(stock.id, UNIT))
        assert (money(storage, stock), money(storage, buyer)) == ({UNIT: "7 / 0"}, {UNIT: "4 / 0"})
        for user, delta in ((stock, -3), (buyer, 3)):
            last = storage.balances.entries(user.id).items[-1]
            assert (last.reason, last.reference, last.delta_free) == (EntryReason.TRANSFER, "rent", Decimal(delta))
            assert last.occurred_at == clock.now
        clock.advance()
        again = ledger.transfer(stock.id, buyer.id, UNIT, Decimal("3.0"), "rent")
        assert (again.outcome, again.balance) == (Outcome.DUPLICATE, moved.balance)
        third = storage.users.create(NewUserFactory.build())
        others: list[Callable[[], Any]] = [
            lambda: ledger.transfer(stock.id, buyer.id, UNIT, Decimal(2), "rent"),
            lambda: ledger.transfer(stock.id, buyer.id, "BTC", Decimal(3), "rent"),
            lambda: ledger.transfer(stock.id, third.id, UNIT, Decimal(3), "rent"),
        ]
        for call in others:
            with pytest.raises(ConflictError) as caught:
                call()
            assert caught.value.conflicts == ("rent",)

    def test_a_reference_is_that_of_who_gives(
        self, storage: Storage, ledger: LedgerService, stock: User, buyer: User
    ) -> None:
        assert ledger.transfer(stock.id, buyer.id, UNIT, Decimal(3), "r").outcome == "APPLIED"
        assert ledger.transfer(buyer.id, stock.id, UNIT, Decimal(2), "r").outcome == "APPLIED"
        made = ledger.reserve(amount_of(stock, 4, reference="r"))
        ledger.post(*made.key, to=buyer.id)
        assert (money(storage, stock), money(storage, buyer)) == ({UNIT: "5 / 0"}, {UNIT: "6 / 0"})

    def test_what_cannot_be_moved_changes_nothing(
        self, storage: Storage, ledger: LedgerService, clock: ManualClock, stock: User, buyer: User
    ) -> None:
        move = partial(ledger.transfer, stock.id, buyer.id, UNIT)
        future = clock.now + timedelta(minutes=6)
        refused: list[tuple[Callable[[], Any], type[MetacoreError]]] = [
            (lambda: move(Decimal(11), "r"), InsufficientFundsError),
            (lambda: move(Decimal(0), "r"), InvalidDataError),
            (lambda: move(Decimal(1), "r", future), InvalidDataError),
            (lambda: ledger.transfer(stock.id, stock.id, UNIT, Decimal(1), "r"), InvalidDataError),
            (lambda: ledger.transfer(stock.id, NOBODY, UNIT, Decimal(1), "r"), NotFoundError),
            (lambda: ledger.transfer(NOBODY, stock.id, UNIT, Decimal(1), "r"), NotFoundError),
        ]
        for call, error in refused:
            with pytest.raises(error):
                call()
        assert move(Decimal(1), "done").outcome == "APPLIED"
        storage.users.update(stock.id, UserPatch(can_withdraw=False))
        with pytest.raises(NotAllowedError):
            move(Decimal(1), "r")
        assert move(Decimal(1), "done").outcome == "DUPLICATE"
        storage.users.update(stock.id, UserPatch(can_withdraw=True))
        storage.users.update(buyer.id, UserPatch(can_withdraw=False))
        assert move(Decimal(1), "r").outcome == "APPLIED"

    def test_each_side_is_covered_by_its_own_snapshot(
        self,
        storage: Storage,
        ledger: LedgerService,
        trading: TradingService,
        clock: ManualClock,
        stock: User,
        buyer: User,
    ) -> None:
        trading.sync_account(stock.id, snapshot(clock.advance(seconds=60), **{UNIT: 10}))
        moment = clock.advance(seconds=60)
        trading.sync_account(stock.id, snapshot(clock.advance(seconds=60), **{UNIT: 6}))
        assert ledger.transfer(stock.id, buyer.id, UNIT, Decimal(4), "r", moment).outcome == "COVERED"
        assert (money(storage, stock), money(storage, buyer)) == ({UNIT: "6 / 0"}, {UNIT: "5 / 0"})
        assert storage.balances.get(stock.id, UNIT).unexplained == 0
        now = clock.advance(seconds=60)
        trading.sync_account(stock.id, snapshot(now, **{UNIT: 6}))
        near = now + timedelta(seconds=1)
        assert ledger.transfer(buyer.id, stock.id, UNIT, Decimal(1), "near", near).outcome == "APPLIED"
        assert ledger.transfer(stock.id, buyer.id, UNIT, Decimal(1), "near", near).outcome == "APPLIED"
        between = now + timedelta(milliseconds=500)
        # It knew of one of the two alone, and the books choose which.
        assert trading.sync_account(stock.id, snapshot(between, **{UNIT: 5})).differences == {UNIT: -1}
        assert (money(storage, stock), storage.balances.get(stock.id, UNIT).unexplained) == (
            {UNIT: "6 / 0"},
            Decimal(0),
        )
        assert trading.sync_account(stock.id, snapshot(clock.advance(seconds=2), **{UNIT: 7})).differences == {UNIT: 1}
        assert [*storage.balances.audit(stock.id), *storage.balances.audit(buyer.id)] == []

    def test_it_is_covered_where_the_snapshot_of_who_receives_knew_of_it(
        self,
        storage: Storage,
        ledger: LedgerService,
        trading: TradingService,
        clock: ManualClock,
        stock: User,
        buyer: User,
    ) -> None:
        trading.sync_account(buyer.id, snapshot(clock.advance(seconds=60), **{UNIT: 1}))
        moment = clock.advance(seconds=60)
        trading.sync_account(buyer.id, snapshot(clock.advance(seconds=60), **{UNIT: 5}))
        assert ledger.transfer(stock.id, buyer.id, UNIT, Decimal(4), "r", moment).outcome == "COVERED"
        assert (money(storage, stock), money(storage, buyer)) == ({UNIT: "6 / 0"}, {UNIT: "5 / 0"})

    def test_the_same_transfer_by_many_is_made_once(
        self, storage: Storage, runner: Runner, ledger: LedgerService, stock: User, buyer: User
    ) -> None:
        calls = [partial(ledger.transfer, stock.id, buyer.id, UNIT, Decimal(4), "r")] * WORKERS
        outcomes = Counter(row.outcome for row in results(runner.together(*calls)))
        assert outcomes == {Outcome.APPLIED: 1, Outcome.DUPLICATE: WORKERS - 1}
        assert (money(storage, stock), money(storage, buyer)) == ({UNIT: "6 / 0"}, {UNIT: "5 / 0"})

    def test_transfers_in_opposite_directions_do_not_wait_for_each_other_for_ever(
        self, storage: Storage, runner: Runner, trading: TradingService, ledger: LedgerService, stock: User, buyer: User
    ) -> None:
        trading.deposit(buyer.id, UNIT, Decimal(9), "more")
        ways = [(stock.id, buyer.id), (buyer.id, stock.id)]
        calls = [partial(ledger.transfer, *ways[n % 2], UNIT, Decimal("0.5"), f"r{n}") for n in range(WORKERS)]
        assert {row.outcome for row in results(runner.together(*calls))} == {Outcome.APPLIED}
        assert total([units(storage, stock), units(storage, buyer)]) == 20
        assert [*storage.balances.audit(stock.id), *storage.balances.audit(buyer.id)] == []
