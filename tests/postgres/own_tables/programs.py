"""What programs with tables of their own do."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from psycopg.adapt import Loader

from metacore import (
    BalanceDelta,
    EntryReason,
    InsufficientFundsError,
    NewOrder,
    NewUser,
)
from metacore.sync.storage.storage import Storage, Transaction
from metacore.testing.factories import NewOrderFactory

ONE = Decimal(1)


class SomeError(Exception):
    """An error of the program around."""


def rich(storage: Storage) -> UUID:
    """A user who has money."""
    user = storage.users.create(NewUser())
    storage.balances.put(user.id, "USDT", ONE * 1000, Decimal(0))
    return user.id


def order_of(user_id: UUID) -> NewOrder:
    return NewOrderFactory.build(user_id=user_id, price=ONE, quantity=ONE)


def overdraw(tx: Transaction, user_id: UUID) -> None:
    """Fail by a rule, not by the server."""
    delta = BalanceDelta(
        user_id=user_id,
        asset="USDT",
        delta_free=-ONE * 10_000,
        reason=EntryReason.WITHDRAWAL,
        reference="too much",
        occurred_at=tx.now(),
    )
    with pytest.raises(InsufficientFundsError):
        tx.balances.apply([delta])


class FloatLoader(Loader):
    """What others may have registered for their connections."""

    def load(self, data: Any) -> float:
        return float(data)
