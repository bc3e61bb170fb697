"""The contract of what sets balances."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from metacore.domain.people.users import User
from metacore.domain.trading.balances import Balance, BalanceEntry, EntryReason
from metacore.errors import InvalidDataError, NotFoundError
from metacore.sync.storage.storage import Storage
from metacore.testing.cases import each_case
from metacore.testing.clock import START, ManualClock
from metacore.testing.contract.balances import ATTO, ONE, ZERO, account, amounts
from metacore.testing.contract.base import Contract
from metacore.testing.contract.samples import EDGE_AMOUNTS, NOBODY
from metacore.testing.factories import NewUserFactory

BAD_AMOUNTS = (
    -ATTO,
    Decimal("NaN"),
    Decimal("Infinity"),
    0.1,
    Decimal("1e-37"),
    Decimal(10) ** 38,
    None,
    True,
    "one",
    b"1",
)
"""What is no amount, or a negative one."""


class BalancePutContract(Contract):
    """Of what sets balances: `put`, `put_all` and `replace_all`."""

    def test_put_sets_a_balance_with_one_adjustment(self, storage: Storage, clock: ManualClock, user: User) -> None:
        assert storage.balances.put(user.id, "USDT", Decimal(10), Decimal(3)) is True
        now = clock.advance()
        assert storage.balances.put(user.id, "USDT", Decimal(4), Decimal(5)) is True
        entry = storage.balances.entries(user.id).items[1]
        assert storage.balances.get(user.id, "USDT") == Balance(
            user_id=user.id,
            asset="USDT",
            free=Decimal(4),
            locked=Decimal(5),
            last_seq=2,
            head=entry.hash,
            version=3,
            created_at=START,
            updated_at=now,
        )
        assert entry == BalanceEntry(
            user_id=user.id,
            asset="USDT",
            seq=2,
            delta_free=Decimal(-6),
            delta_locked=Decimal(2),
            free_after=Decimal(4),
            locked_after=Decimal(5),
            unexplained_after=Decimal(0),
            hash=entry.hash,
            reason=EntryReason.ADJUSTMENT,
            occurred_at=now,
            created_at=now,
        )

    def test_put_of_what_is_stored_changes_nothing(self, storage: Storage, clock: ManualClock, user: User) -> None:
        storage.balances.put(user.id, "USDT", Decimal(10), Decimal(3))
        stored = storage.balances.get(user.id, "USDT")
        clock.advance()
        assert storage.balances.put(user.id, "USDT", Decimal("10.00"), Decimal(3)) is False
        assert storage.balances.get(user.id, "USDT") == stored
        assert len(storage.balances.entries(user.id).items) == 1

    def test_put_of_zero_stores_a_balance_that_did_not_exist(self, storage: Storage, user: User) -> None:
        assert storage.balances.put(user.id, "USDT", ZERO, ZERO) is True
        assert storage.balances.put(user.id, "USDT", ZERO, ZERO) is False
        assert storage.balances.get(user.id, "USDT") == Balance.empty(user.id, "USDT", START)
        assert storage.balances.entries(user.id).items == ()

    @each_case("amount", EDGE_AMOUNTS)
    def test_every_amount_comes_back_to_the_digit(self, storage: Storage, amount: Decimal) -> None:
        user = storage.users.create(NewUserFactory.build())
        storage.balances.put(user.id, "USDT", amount, amount)
        balance: Any = storage.balances.get(user.id, "USDT")
        assert balance.free.as_tuple() == balance.locked.as_tuple() == amount.as_tuple()
        (entry,) = storage.balances.entries(user.id).items
        amounts = (entry.delta_free, entry.delta_locked, entry.free_after, entry.locked_after)
        assert {value.as_tuple() for value in amounts} == {amount.as_tuple()}

    def test_put_for_a_user_that_does_not_exist_is_not_found(self, storage: Storage) -> None:
        with pytest.raises(NotFoundError) as caught:
            storage.balances.put(NOBODY, "USDT", ONE, ZERO)
        assert (caught.value.entity, caught.value.key) == ("user", NOBODY)
        assert storage.balances.list(NOBODY) == ()

    @each_case("amount", BAD_AMOUNTS)
    @each_case("field", ["free", "locked"])
    def test_put_of_what_is_no_amount_or_negative_is_refused(
        self, storage: Storage, user: User, field: str, amount: Any
    ) -> None:
        storage.balances.put(user.id, "USDT", ONE, ONE)
        stored = storage.balances.get(user.id, "USDT")
        amounts = {"free": ONE, "locked": ONE, field: amount}
        with pytest.raises(InvalidDataError) as caught:
            storage.balances.put(user.id, "USDT", **amounts)
        assert caught.value.field == field
        assert storage.balances.get(user.id, "USDT") == stored

    @each_case("asset", ["", "x" * 256, None, 5])
    def test_put_of_what_is_no_asset_is_refused(self, storage: Storage, user: User, asset: Any) -> None:
        with pytest.raises(InvalidDataError) as caught:
            storage.balances.put(user.id, asset, ONE, ZERO)
        assert caught.value.field == "asset"
        assert storage.balances.list(user.id) == ()

    def test_put_all_puts_each_and_tells_how_many_changed(self, storage: Storage, user: User, other: User) -> None:
        storage.balances.put_all(other.id, account(BTC=Decimal(7)))
        assert storage.balances.put_all(user.id, iter(account(USDT=Decimal(5), BTC=(ONE, ONE), ETH=ZERO))) == 3
        assert storage.balances.put_all(user.id, account(USDT=Decimal(5), BTC=ONE, ETH=ZERO)) == 1
        assert amounts(storage, user) == {"USDT": (5, 0), "BTC": (1, 0), "ETH": (0, 0)}
        assert amounts(storage, other) == {"BTC": (7, 0)}
        assert storage.balances.put_all(user.id, []) == 0

    def test_put_all_leaves_other_balances_alone(self, storage: Storage, user: User) -> None:
        storage.balances.put(user.id, "USDT", ONE, ZERO)
        stored = storage.balances.get(user.id, "USDT")
        storage.balances.put_all(user.id, account(BTC=ONE))
        assert storage.balances.get(user.id, "USDT") == stored

    def test_put_all_takes_mappings_too(self, storage: Storage, user: User) -> None:
        rows: Any = [{"asset": "USDT", "free": "1.5", "locked": 2}]
        assert storage.balances.put_all(user.id, rows) == 1
        assert amounts(storage, user) == {"USDT": (Decimal("1.5"), 2)}

    def test_replace_all_makes_every_other_balance_zero(self, storage: Storage, user: User, other: User) -> None:
        storage.balances.put_all(user.id, account(USDT=Decimal(5), BTC=(ONE, ONE), ETH=ZERO, MX=ONE))
        storage.balances.put_all(other.id, account(BTC=ONE))
        assert storage.balances.replace_all(user.id, account(USDT=Decimal(5), MX=Decimal(2), XRP=ONE)) == 3
        assert amounts(storage, user) == {"USDT": (5, 0), "BTC": (0, 0), "ETH": (0, 0), "MX": (2, 0), "XRP": (1, 0)}
        assert amounts(storage, other) == {"BTC": (1, 0)}
        assert storage.balances.replace_all(user.id, []) == 3
        assert storage.balances.list(user.id, nonzero=True) == ()

    @pytest.mark.parametrize("name", ["put_all", "replace_all"])
    def test_an_asset_named_twice_is_refused_and_nothing_changed(self, storage: Storage, user: User, name: str) -> None:
        storage.balances.put(user.id, "USDT", ONE, ZERO)
        with pytest.raises(InvalidDataError) as caught:
            getattr(storage.balances, name)(user.id, [*account(BTC=ONE, USDT=ZERO), *account(BTC=ONE)])
        assert caught.value.field == "balances"
        assert amounts(storage, user) == {"USDT": (1, 0)}

    @pytest.mark.parametrize("name", ["put_all", "replace_all"])
    def test_one_bad_balance_changes_none(self, storage: Storage, user: User, name: str) -> None:
        storage.balances.put(user.id, "USDT", ONE, ZERO)
        rows: Any = [*account(USDT=ZERO, BTC=ONE), {"asset": "ETH", "free": -1, "locked": 0}]
        with pytest.raises(InvalidDataError):
            getattr(storage.balances, name)(user.id, rows)
        assert amounts(storage, user) == {"USDT": (1, 0)}

    @pytest.mark.parametrize("name", ["put_all", "replace_all"])
    def test_balances_of_a_user_that_does_not_exist_are_not_found(self, storage: Storage, name: str) -> None:
        for rows in (account(BTC=ONE), []):
            with pytest.raises(NotFoundError) as caught:
                getattr(storage.balances, name)(NOBODY, rows)
            assert (caught.value.entity, caught.value.key) == ("user", NOBODY)
