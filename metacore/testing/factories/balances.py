# pyright: reportIncompatibleVariableOverride=false
# Every `class Meta` of factory-boy overrides the one before it.
"""Factories of what moves balances, and of what they are."""

from __future__ import annotations

from decimal import Decimal

from factory.base import Factory
from factory.declarations import LazyAttribute, Sequence

from metacore.domain.trading.balances import AccountBalance, BalanceDelta, EntryReason
from metacore.domain.trading.reservations import NewReservation
from metacore.domain.trading.snapshots import AccountSnapshot
from metacore.testing.factories.fields import moment


class NewReservationFactory(Factory[NewReservation]):
    """A reservation of 100 USDT. `user_id` must be told."""

    class Meta:
        model = NewReservation

    asset = "USDT"
    amount = Decimal(100)
    reference = Sequence(lambda n: f"reservation-{n}")


class BalanceDeltaFactory(Factory[BalanceDelta]):
    """A deposit of 1,000 USDT. `user_id` must be told."""

    class Meta:
        model = BalanceDelta

    asset = "USDT"
    delta_free = Decimal(1000)
    reason = EntryReason.DEPOSIT
    reference = Sequence(lambda n: f"deposit-{n}")
    occurred_at = Sequence(moment)


class AccountBalanceFactory(Factory[AccountBalance]):
    """1,000 USDT, nothing of it locked."""

    class Meta:
        model = AccountBalance

    asset = "USDT"
    free = Decimal(1000)
    locked = Decimal(0)


class AccountSnapshotFactory(Factory[AccountSnapshot]):
    """A snapshot of 1,000 USDT and 1 BTC."""

    class Meta:
        model = AccountSnapshot

    taken_at = Sequence(moment)
    balances = LazyAttribute(
        lambda _: (AccountBalanceFactory.build(), AccountBalanceFactory.build(asset="BTC", free=Decimal(1)))
    )
