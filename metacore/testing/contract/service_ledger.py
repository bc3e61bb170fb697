"""The contract of the ledger service."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from metacore.domain.people.users import User, UserPatch
from metacore.domain.trading.balances import EntryReason
from metacore.domain.trading.reservations import NewReservation, Reservation
from metacore.errors import ConflictError, InsufficientFundsError, InvalidDataError, MetacoreError, NotFoundError
from metacore.sync.services.ledger import LedgerService
from metacore.sync.services.trading import TradingService
from metacore.sync.storage.storage import Storage
from metacore.testing.clock import START, ManualClock
from metacore.testing.contract.samples import NOBODY
from metacore.testing.contract.service_trading import TradingContract, money, snapshot
from metacore.testing.factories import NewReservationFactory
from metacore.testing.runners import Runner

UNIT = "product-1"


def amount_of(user: User, amount: Any = 1, asset: str = UNIT, **values: Any) -> NewReservation:
    return NewReservationFactory.build(user_id=user.id, asset=asset, amount=amount, **values)


class LedgerContract(TradingContract):
    """What the classes below have in common: a user with ten units, another with one, and the ledger."""

    @pytest.fixture
    def ledger(self, runner: Runner, storage: Storage) -> LedgerService:
        service: LedgerService = runner.service("LedgerService", storage)
        return service

    @pytest.fixture
    def stock(self, trading: TradingService, user: User) -> User:
        trading.deposit(user.id, UNIT, Decimal(10), "stock")
        return user

    @pytest.fixture
    def buyer(self, trading: TradingService, other: User) -> User:
        trading.deposit(other.id, UNIT, Decimal(1), "stock")
        return other


class ReservationContract(LedgerContract):
    """Of `reserve`, `reserve_all`, `post`, `post_all`, `void`, `void_all` and `expire_due`."""

    def test_an_amount_is_reserved_once_for_each_asset_and_reference(
        self, storage: Storage, ledger: LedgerService, clock: ManualClock, stock: User
    ) -> None:
        new = amount_of(stock, 3, reference="order", expires_at=START)
        made = ledger.reserve(new)
        assert made == Reservation.created(new, clock.now)
        assert made == storage.reservations.get(*made.key)
        assert money(storage, stock) == {UNIT: "7 / 3"}
        clock.advance()
        again = NewReservation(user_id=stock.id, asset=UNIT, amount=Decimal("3.0"), reference="order")
        assert ledger.reserve(again) == ledger.reserve(new) == made
        for other in (again.changed(amount=2), new.changed(reference="other")):
            with pytest.raises(ConflictError) as caught:
                ledger.reserve(other)
            assert caught.value.conflicts == (str(made.id),)
        assert ledger.void(*made.key).state == "VOIDED"
        assert ledger.reserve(again).state == "VOIDED"
        with pytest.raises(InsufficientFundsError) as short:
            ledger.reserve(amount_of(stock, 11))
        assert (short.value.needed, short.value.available) == (Decimal(11), Decimal(10))
        with pytest.raises(NotFoundError):
            ledger.reserve(amount_of(stock).changed(user_id=NOBODY))
        with pytest.raises(InvalidDataError):
            ledger.reserve(amount_of(stock, asset=UNIT.upper()))
        assert [entry.reason for entry in storage.balances.entries(stock.id).items] == ["DEPOSIT", "HOLD", "RELEASE"]

    def test_all_are_reserved_or_none_in_list_order(
        self, storage: Storage, ledger: LedgerService, stock: User, buyer: User
    ) -> None:
        several = [amount_of(stock, 6), amount_of(buyer, 1), amount_of(stock, 5)]
        with pytest.raises(InsufficientFundsError) as caught:
            ledger.reserve_all(several)
        assert (caught.value.needed, caught.value.available) == (Decimal(5), Decimal(4))
        assert storage.reservations.list(stock.id).items == storage.reservations.list(buyer.id).items == ()
        made = ledger.reserve_all([*several[:2], several[0]])
        assert [row.id for row in made] == [several[0].id, several[1].id, several[0].id]
        assert (money(storage, stock), money(storage, buyer)) == ({UNIT: "4 / 6"}, {UNIT: "0 / 1"})
        assert ledger.reserve_all([]) == ()

    def test_what_is_posted_is_gone_and_the_rest_is_free(
        self, storage: Storage, ledger: LedgerService, clock: ManualClock, stock: User
    ) -> None:
        made = ledger.reserve(amount_of(stock, 5, reference="order"))
        now = clock.advance()
        posted = ledger.post(*made.key, Decimal(2))
        expected = {"state": "POSTED", "held_amount": 0, "posted_amount": 2, "resolved_at": now, "updated_at": now}
        assert posted == storage.reservations.get(*made.key) == made.changed(**expected, version=2)
        assert money(storage, stock) == {UNIT: "8 / 0"}
        lines = storage.balances.entries(stock.id).items[1:]
        assert [f"{row.reason} {row.delta_free} {row.delta_locked}" for row in lines] == [
            *("HOLD -5 5", "TRANSFER 0 -2", "RELEASE 3 -3")
        ]
        clock.advance()
        assert ledger.post(*made.key, Decimal("2.0")) == posted
        others: list[Callable[[], object]] = [
            lambda: ledger.post(*made.key),
            lambda: ledger.post(*made.key, Decimal(2), to=NOBODY),
            lambda: ledger.void(*made.key),
        ]
        for call in others:
            with pytest.raises(ConflictError):
                call()

    def test_it_is_posted_to_another_user(
        self, storage: Storage, ledger: LedgerService, stock: User, buyer: User
    ) -> None:
        storage.users.update(stock.id, UserPatch(is_active=False, can_withdraw=False))
        made = ledger.reserve(amount_of(stock, 5, reference="order"))
        posted = ledger.post(*made.key, to=buyer.id)
        assert (posted.posted_amount, posted.posted_to) == (Decimal(5), buyer.id)
        assert (money(storage, stock), money(storage, buyer)) == ({UNIT: "5 / 0"}, {UNIT: "6 / 0"})
        last = storage.balances.entries(buyer.id).items[-1]
        assert (last.reason, last.reference, last.delta_free) == (EntryReason.TRANSFER, "order", Decimal(5))
        storage.users.delete(buyer.id)
        assert ledger.post(*made.key, to=buyer.id) == posted

    def test_all_are_posted_or_none_in_list_order(
        self, storage: Storage, ledger: LedgerService, stock: User, buyer: User
    ) -> None:
        several = ledger.reserve_all([amount_of(stock, 2), amount_of(stock, 3), amount_of(stock, 1)])
        ids = [row.id for row in several]
        ledger.void(stock.id, ids[2])
        for broken, error in ((ids, ConflictError), ([*ids[:2], NOBODY], NotFoundError)):
            with pytest.raises(error):
                ledger.post_all(stock.id, broken, to=buyer.id)
            assert (money(storage, stock), money(storage, buyer)) == ({UNIT: "5 / 5"}, {UNIT: "1 / 0"})
        posted = ledger.post_all(stock.id, [*ids[:2], ids[0]], to=buyer.id)
        assert [(row.id, row.state, row.posted_to) for row in posted] == [
            (each, "POSTED", buyer.id) for each in (ids[0], ids[1], ids[0])
        ]
        assert (money(storage, stock), money(storage, buyer)) == ({UNIT: "5 / 0"}, {UNIT: "6 / 0"})
        assert ledger.post_all(stock.id, ids[:2], to=buyer.id) == posted[:2]
        assert ledger.post_all(stock.id, []) == ()

    def test_all_are_voided_or_none(self, storage: Storage, ledger: LedgerService, stock: User) -> None:
        ids = [row.id for row in ledger.reserve_all(amount_of(stock, amount) for amount in (2, 3, 1))]
        ledger.post(stock.id, ids[2])
        for broken, error in ((ids, ConflictError), ([*ids[:2], NOBODY], NotFoundError)):
            with pytest.raises(error):
                ledger.void_all(stock.id, broken)
            assert money(storage, stock) == {UNIT: "4 / 5"}
        voided = ledger.void_all(stock.id, [*ids[:2], ids[0]])
        assert [(row.id, row.state) for row in voided] == [(each, "VOIDED") for each in (ids[0], ids[1], ids[0])]
        assert money(storage, stock) == {UNIT: "9 / 0"}
        assert ledger.void_all(stock.id, []) == ()

    def test_what_cannot_be_posted_changes_nothing(
        self, storage: Storage, ledger: LedgerService, stock: User, buyer: User
    ) -> None:
        made = ledger.reserve(amount_of(stock, 5))
        refused: list[tuple[Callable[[], Any], type[MetacoreError]]] = [
            (lambda: ledger.post(*made.key, Decimal("5.1")), InvalidDataError),
            (lambda: ledger.post(*made.key, Decimal(0)), InvalidDataError),
            (lambda: ledger.post(*made.key, to=stock.id), InvalidDataError),
            (lambda: ledger.post(*made.key, to=NOBODY), NotFoundError),
            (lambda: ledger.post(stock.id, NOBODY), NotFoundError),
            (lambda: ledger.void(buyer.id, made.id), NotFoundError),
            (lambda: ledger.expire_due(0), InvalidDataError),
        ]
        for call, error in refused:
            with pytest.raises(error):
                call()
        assert storage.reservations.get(*made.key) == made

    def test_those_that_are_due_expire_and_others_do_not(
        self, storage: Storage, ledger: LedgerService, clock: ManualClock, stock: User, buyer: User
    ) -> None:
        times = (START, START + timedelta(seconds=1), START + timedelta(seconds=2), None)
        first, posted, later, never = (ledger.reserve(amount_of(stock, 1, expires_at=time)) for time in times)
        of_buyer = ledger.reserve(amount_of(buyer, 1, expires_at=START))
        now = clock.advance(seconds=1)
        ledger.post(*posted.key)
        assert ledger.expire_due(1) == 1
        assert (ledger.expire_due(), ledger.expire_due()) == (1, 0)
        states = [storage.reservations.get(*row.key) for row in (first, of_buyer, later, never)]
        assert [row.state for row in states] == ["EXPIRED", "EXPIRED", "PENDING", "PENDING"]
        assert (states[0].resolved_at, states[0].held_amount, states[0].version) == (now, Decimal(0), 2)
        assert money(storage, stock) == {UNIT: "7 / 2"}
        with pytest.raises(ConflictError):
            ledger.void(*first.key)

    def test_a_snapshot_cuts_it_last_and_posting_takes_what_is_free(
        self, storage: Storage, ledger: LedgerService, trading: TradingService, clock: ManualClock, stock: User
    ) -> None:
        older, newer = (ledger.reserve(amount_of(stock, n)) for n in (4, 5))
        trading.sync_account(stock.id, snapshot(clock.advance(seconds=60), **{UNIT: 6}))
        assert [storage.reservations.get(*row.key).held_amount for row in (older, newer)] == [4, 2]
        assert money(storage, stock) == {UNIT: "0 / 6"}
        with pytest.raises(InsufficientFundsError) as caught:
            ledger.post(*newer.key)
        assert (caught.value.needed, caught.value.available) == (Decimal(3), Decimal(0))
        ledger.void(*older.key)
        clock.advance(seconds=60)
        assert ledger.post(*newer.key).posted_amount == 5
        assert money(storage, stock) == {UNIT: "1 / 0"}
        assert not storage.balances.audit(stock.id)

    def test_a_post_near_a_snapshot_is_a_fact_after_it(
        self, storage: Storage, ledger: LedgerService, trading: TradingService, clock: ManualClock, stock: User
    ) -> None:
        clock.advance(seconds=60)
        trading.sync_account(stock.id, snapshot(clock.now, **{UNIT: 10}))
        made = ledger.reserve(amount_of(stock, 4))
        clock.advance(seconds=1)
        ledger.post(*made.key)
        clock.advance(seconds=1)
        result = trading.sync_account(stock.id, snapshot(clock.now, **{UNIT: 6}))
        assert (result.differences, money(storage, stock)) == ({}, {UNIT: "6 / 0"})

    def test_a_post_that_a_snapshot_knew_of_explains_it(
        self, storage: Storage, ledger: LedgerService, trading: TradingService, clock: ManualClock, stock: User
    ) -> None:
        clock.advance(seconds=60)
        trading.sync_account(stock.id, snapshot(clock.now, **{UNIT: 10}))
        made = ledger.reserve(amount_of(stock, 4))
        clock.advance(seconds=10)
        trading.sync_account(stock.id, snapshot(clock.now, **{UNIT: 6}))
        assert storage.balances.get(stock.id, UNIT).unexplained == -4
        clock.advance(seconds=1)
        ledger.post(*made.key)
        assert money(storage, stock) == {UNIT: "6 / 0"}
        assert storage.balances.get(stock.id, UNIT).unexplained == 0

    def test_it_takes_part_in_a_transaction(
        self, storage: Storage, runner: Runner, ledger: LedgerService, stock: User
    ) -> None:
        with pytest.raises(KeyError), storage.transaction() as tx:
            within: LedgerService = runner.service("LedgerService", tx)
            within.post(*within.reserve(amount_of(stock, 2, expires_at=START)).key)
            within.reserve(amount_of(stock, 2, expires_at=START))
            assert within.expire_due() == 1
            raise KeyError
        assert money(storage, stock) == {UNIT: "10 / 0"}
        assert storage.reservations.list(stock.id).items == ()
