"""The contract of what is added to balances."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from metacore.domain.people.users import User
from metacore.domain.trading.balances import BalanceDelta, BalanceEntry, EntryReason
from metacore.errors import AlreadyExistsError, InsufficientFundsError, InvalidDataError, MetacoreError, NotFoundError
from metacore.sync.storage.storage import Storage
from metacore.testing.clock import START, ManualClock
from metacore.testing.contract.balances import ATTO, ONE, ZERO, amounts
from metacore.testing.contract.base import Contract
from metacore.testing.contract.samples import EDGE_AMOUNTS, NOBODY
from metacore.testing.factories import BalanceDeltaFactory
from metacore.testing.runners import Runner


class BalanceApplyContract(Contract):
    """Of `BalanceStorage.apply`."""

    def test_apply_writes_one_entry_for_each_delta_in_their_order(
        self, storage: Storage, clock: ManualClock, user: User
    ) -> None:
        storage.balances.put(user.id, "USDT", Decimal(10), ZERO)
        causes = [
            (-4, 4, "HOLD"),
            (100, 0, "DEPOSIT"),
            (0, -1, "RELEASE"),
            (0, 0, "COMMISSION"),
            (-50, 0, "WITHDRAWAL"),
        ]
        deltas = [
            BalanceDelta(
                user_id=user.id,
                asset="USDT",
                delta_free=Decimal(free),
                delta_locked=Decimal(locked),
                reason=EntryReason(reason),
                reference=f"of {reason}",
                occurred_at=START - timedelta(days=n),
            )
            for n, (free, locked, reason) in enumerate(causes)
        ]
        now = clock.advance()
        balance: Any
        (balance,) = storage.balances.apply(iter(deltas))
        assert (balance.free, balance.locked, balance.last_seq, balance.version) == (56, 3, 6, 3)
        assert balance == storage.balances.get(user.id, "USDT")
        after: Any = [(6, 4), (106, 4), (106, 3), (106, 3), (56, 3)]
        entries = storage.balances.entries(user.id).items[1:]
        assert entries == tuple(
            BalanceEntry(
                **delta.fields(),
                seq=seq,
                free_after=Decimal(free),
                locked_after=Decimal(locked),
                unexplained_after=ZERO,
                hash=entry.hash,
                created_at=now,
            )
            for entry, seq, delta, (free, locked) in zip(entries, range(2, 7), deltas, after, strict=True)
        )

    def test_apply_returns_the_balances_sorted_by_key(self, storage: Storage, user: User, other: User) -> None:
        keys = [(owner.id, asset) for owner in (other, user) for asset in ("USDT", "BTC")]
        deltas = [BalanceDeltaFactory.build(user_id=user_id, asset=asset) for user_id, asset in keys * 2]
        balances = storage.balances.apply(deltas)
        assert [balance.key for balance in balances] == sorted(keys)
        assert balances == storage.balances.get_many(keys)

    def test_apply_stores_missing_balances(self, storage: Storage, user: User) -> None:
        balance: Any
        (balance,) = storage.balances.apply([BalanceDeltaFactory.build(user_id=user.id)])
        assert (balance.free, balance.last_seq, balance.version) == (1000, 1, 2)
        assert storage.balances.apply([]) == ()

    def test_apply_again_applies_again(self, storage: Storage, user: User) -> None:
        delta = BalanceDeltaFactory.build(user_id=user.id, reason=EntryReason.ADJUSTMENT)
        storage.balances.apply([delta])
        balance: Any
        (balance,) = storage.balances.apply([delta])
        assert (balance.free, balance.last_seq) == (2000, 2)

    @pytest.mark.parametrize(
        ("free", "locked", "needed", "available"), [(-6, 0, 6, 5), (5, -3, 3, 2), (-ATTO - 5, 2, ATTO + 5, 5)]
    )
    def test_apply_below_zero_is_refused_and_nothing_changed(
        self, storage: Storage, user: User, free: Decimal, locked: Decimal, needed: Decimal, available: Decimal
    ) -> None:
        storage.balances.put(user.id, "USDT", Decimal(5), Decimal(2))
        bad = BalanceDeltaFactory.build(user_id=user.id, delta_free=free, delta_locked=locked)
        with pytest.raises(InsufficientFundsError) as caught:
            storage.balances.apply([BalanceDeltaFactory.build(user_id=user.id, asset="BTC"), bad])
        error: Any = caught.value
        assert (error.asset, error.needed, error.available, error.user_id) == ("USDT", needed, available, user.id)
        assert amounts(storage, user) == {"USDT": (5, 2)}
        assert len(storage.balances.entries(user.id).items) == 1

    def test_apply_below_zero_on_the_way_is_refused(self, storage: Storage, user: User) -> None:
        deltas = [BalanceDeltaFactory.build(user_id=user.id, delta_free=Decimal(amount)) for amount in (1, -2, 5)]
        with pytest.raises(InsufficientFundsError):
            storage.balances.apply(deltas)
        assert storage.balances.list(user.id) == ()

    def test_apply_beyond_the_digits_is_refused_and_nothing_changed(self, storage: Storage, user: User) -> None:
        most = EDGE_AMOUNTS[0]
        storage.balances.put(user.id, "USDT", most, most)
        for change in ({"delta_free": ATTO}, {"delta_free": ZERO, "delta_locked": ATTO}):
            with pytest.raises(InvalidDataError):
                storage.balances.apply([BalanceDeltaFactory.build(user_id=user.id, **change)])
        assert amounts(storage, user) == {"USDT": (most, most)}
        assert storage.balances.get(user.id, "USDT").last_seq == 1

    def test_apply_for_a_user_that_does_not_exist_is_not_found(self, storage: Storage, user: User) -> None:
        with pytest.raises(NotFoundError) as caught:
            storage.balances.apply([BalanceDeltaFactory.build(user_id=user_id) for user_id in (user.id, NOBODY)])
        assert (caught.value.entity, caught.value.key) == ("user", NOBODY)
        assert storage.balances.list(user.id) == ()

    @pytest.mark.parametrize("reason", [EntryReason.DEPOSIT, EntryReason.WITHDRAWAL])
    def test_a_reference_of_a_deposit_or_withdrawal_is_taken_once(
        self, storage: Storage, user: User, reason: EntryReason
    ) -> None:
        delta = BalanceDeltaFactory.build(user_id=user.id, reason=reason, reference="once")
        storage.balances.apply([delta])
        with pytest.raises(AlreadyExistsError) as caught:
            storage.balances.apply([delta.changed(reference=None), delta.changed(asset="BTC")])
        error = caught.value
        assert (error.entity, error.field, error.value) == ("balance entry", "reference", "once")
        assert amounts(storage, user) == {"USDT": (1000, 0)}

    def test_a_reference_named_twice_in_one_call_is_refused(self, storage: Storage, user: User) -> None:
        delta = BalanceDeltaFactory.build(user_id=user.id)
        with pytest.raises(AlreadyExistsError):
            storage.balances.apply([delta, delta.changed(asset="BTC")])
        assert storage.balances.list(user.id) == ()

    def test_a_reference_is_taken_for_its_user_and_reason_alone(
        self, storage: Storage, user: User, other: User
    ) -> None:
        reasons = set(EntryReason) - {EntryReason.CHECKPOINT}
        for user_id in (user.id, other.id):
            for reason in reasons:
                delta = BalanceDeltaFactory.build(user_id=user_id, reason=reason, reference="same")
                storage.balances.apply([delta])
        for reason in reasons - {EntryReason.DEPOSIT, EntryReason.WITHDRAWAL}:
            storage.balances.apply([BalanceDeltaFactory.build(user_id=user.id, reason=reason, reference="same")])
        storage.balances.apply([BalanceDeltaFactory.build(user_id=user.id, reference=None) for _ in range(2)])
        assert storage.balances.audit(user.id) == []

    def test_no_change_is_lost_however_many_apply_at_once(self, storage: Storage, runner: Runner, user: User) -> None:
        def apply() -> int:
            for _ in range(5):
                storage.balances.apply([BalanceDeltaFactory.build(user_id=user.id, delta_free=ONE)])
            return 5

        assert sum(done for done in runner.together(*[apply] * 6) if isinstance(done, int)) == 30
        balance: Any = storage.balances.get(user.id, "USDT")
        assert (balance.free, balance.last_seq) == (30, 30)
        assert storage.balances.audit(user.id) == []

    def test_no_more_is_taken_than_there_is_however_many_take_at_once(
        self, storage: Storage, runner: Runner, user: User
    ) -> None:
        storage.balances.put(user.id, "USDT", Decimal(10), ZERO)

        def take() -> int:
            taken = 0
            for _ in range(4):
                try:
                    storage.balances.apply(
                        [BalanceDeltaFactory.build(user_id=user.id, delta_free=-ONE, reason=EntryReason.ADJUSTMENT)]
                    )
                except InsufficientFundsError:
                    continue
                taken += 1
            return taken

        taken = [done for done in runner.together(*[take] * 4) if not isinstance(done, MetacoreError)]
        assert sum(taken) == 10
        assert amounts(storage, user) == {"USDT": (0, 0)}
