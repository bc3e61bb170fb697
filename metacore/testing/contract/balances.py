"""The contract of the storage of balances."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from metacore.domain.people.users import User
from metacore.domain.trading.balances import AccountBalance, Balance
from metacore.errors import InvalidDataError, NotFoundError
from metacore.sync.storage.balances import BalanceStorage
from metacore.sync.storage.storage import Storage
from metacore.testing.cases import each_case
from metacore.testing.clock import ManualClock
from metacore.testing.contract.base import Contract, Opening
from metacore.testing.contract.samples import HOSTILE_TEXTS, NOBODY, SPOILT_TEXTS
from metacore.testing.factories import BalanceDeltaFactory, NewUserFactory

OPERATIONS: dict[str, Callable[[BalanceStorage], object]] = {
    "get": lambda balances: balances.get(NOBODY, "USDT"),
    "get_or_zero": lambda balances: balances.get_or_zero(NOBODY, "USDT"),
    "get_many": lambda balances: balances.get_many([(NOBODY, "USDT")], for_update=True),
    "list": lambda balances: balances.list(NOBODY),
    "unexplained": lambda balances: balances.unexplained(),
    "stream_unexplained": lambda balances: list(balances.stream_unexplained()),
    "put": lambda balances: balances.put(NOBODY, "USDT", Decimal(1), Decimal(0)),
    "put_all": lambda balances: balances.put_all(NOBODY, []),
    "replace_all": lambda balances: balances.replace_all(NOBODY, []),
    "apply": lambda balances: balances.apply([BalanceDeltaFactory.build(user_id=NOBODY)]),
    "entries": lambda balances: balances.entries(NOBODY),
    "stream_entries": lambda balances: list(balances.stream_entries(NOBODY)),
    "journal": lambda balances: balances.journal(NOBODY),
    "stream_journal": lambda balances: list(balances.stream_journal(NOBODY)),
    "heads": lambda balances: balances.heads(NOBODY),
    "audit": lambda balances: balances.audit(NOBODY),
}
"""Every operation, on what does not exist."""

ZERO, ONE, ATTO = Decimal(0), Decimal(1), Decimal("1e-18")


def account(**amounts: Any) -> list[AccountBalance]:
    """Balances by asset: free, or free and locked."""
    pairs = {asset: value if isinstance(value, tuple) else (value, ZERO) for asset, value in amounts.items()}
    return [AccountBalance(asset=asset, free=free, locked=locked) for asset, (free, locked) in pairs.items()]


def amounts(storage: Storage, user: User) -> Any:
    """Free and locked of each asset of the user."""
    return {balance.asset: (balance.free, balance.locked) for balance in storage.balances.list(user.id)}


class BalanceStorageContract(Contract):
    """Of `metacore.storage.balances.BalanceStorage`, without what changes it."""

    def test_get_is_the_balance(self, storage: Storage, user: User) -> None:
        storage.balances.put(user.id, "USDT", Decimal("10.5"), Decimal(3))
        balance: Any = storage.balances.get(user.id, "USDT")
        assert (balance.free, balance.locked, balance.total) == (Decimal("10.5"), 3, Decimal("13.5"))
        assert (balance.user_id, balance.asset) == (user.id, "USDT")

    def test_get_of_an_asset_that_the_user_never_had_is_not_found(
        self, storage: Storage, user: User, other: User
    ) -> None:
        storage.balances.put(user.id, "USDT", ONE, ZERO)
        for key in ((user.id, "BTC"), (user.id, "usdt"), (user.id, ""), (other.id, "USDT"), (NOBODY, "USDT")):
            with pytest.raises(NotFoundError) as caught:
                storage.balances.get(*key)
            assert (caught.value.entity, caught.value.key) == ("balance", key)

    def test_get_or_zero_is_the_balance_or_one_that_is_not_stored(self, storage: Storage, user: User) -> None:
        storage.balances.put(user.id, "USDT", ONE, ZERO)
        assert storage.balances.get_or_zero(user.id, "USDT") == storage.balances.get(user.id, "USDT")
        assert storage.balances.get_or_zero(user.id, "BTC") == Balance.empty(user.id, "BTC", storage.now())
        assert [balance.asset for balance in storage.balances.list(user.id)] == ["USDT"]

    def test_get_or_zero_refuses_who_and_what_cannot_be(self, storage: Storage, user: User) -> None:
        storage.balances.put(user.id, "USDT", ONE, ZERO)
        with pytest.raises(NotFoundError) as caught:
            storage.balances.get_or_zero(NOBODY, "USDT")
        assert (caught.value.entity, caught.value.key) == ("user", NOBODY)
        for asset in ("usdt", "", "a" * 256, "\0"):
            with pytest.raises(InvalidDataError) as refused:
                storage.balances.get_or_zero(user.id, asset)
            assert refused.value.field == "asset"

    @each_case("text", HOSTILE_TEXTS)
    def test_every_text_comes_back_as_it_went_in(self, storage: Storage, text: str) -> None:
        user = storage.users.create(NewUserFactory.build())
        delta = BalanceDeltaFactory.build(user_id=user.id, asset=text, reference=text)
        assert storage.balances.apply([delta]) == (storage.balances.get(user.id, text),)
        assert storage.balances.get(user.id, text).asset == text
        (entry,) = storage.balances.entries(user.id, text).items
        assert (entry.asset, entry.reference) == (text, text)
        assert storage.balances.get_many([(user.id, text)]) == storage.balances.list(user.id)
        assert storage.balances.put(user.id, text, ONE, ONE)
        assert storage.balances.put_all(user.id, account(**{text: ONE})) == 1

    @each_case("text", SPOILT_TEXTS)
    def test_a_text_that_cannot_be_stored_is_refused(self, storage: Storage, user: User, text: str) -> None:
        calls: tuple[Callable[[], object], ...] = (
            lambda: storage.balances.get(user.id, text),
            lambda: storage.balances.get_many([(user.id, text)]),
            lambda: storage.balances.put(user.id, text, ONE, ZERO),
            lambda: storage.balances.entries(user.id, text),
        )
        for call in calls:
            with pytest.raises(InvalidDataError):
                call()
        assert storage.balances.list(user.id) == ()

    @pytest.mark.parametrize("for_update", [False, True])
    def test_get_many_answers_in_key_order_each_key_once(
        self, storage: Storage, user: User, other: User, for_update: bool
    ) -> None:
        assets = ["USDT", "BTC", "btd", "Ä", "a b", "{,}"]
        for owner in (user, other):
            storage.balances.put_all(owner.id, account(**dict.fromkeys(assets, ONE)))
        keys = [(owner.id, asset) for owner in (user, other) for asset in assets]
        with storage.transaction() as tx:
            balances = tx.balances.get_many(iter([*keys, *keys[::-1]]), for_update=for_update)
        assert [balance.key for balance in balances] == sorted(keys)
        assert storage.balances.get_many(keys) == balances

    def test_get_many_leaves_out_missing_ones(self, storage: Storage, user: User) -> None:
        storage.balances.put(user.id, "USDT", ONE, ZERO)
        balances = storage.balances.get_many([(user.id, "USDT"), (user.id, "BTC"), (NOBODY, "USDT")])
        assert [balance.key for balance in balances] == [(user.id, "USDT")]
        assert storage.balances.get_many([]) == ()

    def test_get_many_for_update_stores_missing_ones_of_users_as_zero(
        self, storage: Storage, clock: ManualClock, user: User
    ) -> None:
        storage.balances.put(user.id, "USDT", ONE, ZERO)
        now = clock.advance()
        with storage.transaction() as tx:
            keys = [(user.id, "USDT"), (user.id, "BTC"), (NOBODY, "USDT")]
            balances = tx.balances.get_many(keys, for_update=True)
        assert balances == (Balance.empty(user.id, "BTC", now), storage.balances.get(user.id, "USDT"))
        assert storage.balances.list(user.id) == balances
        assert storage.balances.entries(user.id, "BTC").items == ()

    def test_get_many_for_update_outside_a_transaction_stores_missing_ones_and_leaves_no_lock(
        self, open_storage: Opening
    ) -> None:
        storage = open_storage(lock_timeout=0.05)
        user = storage.users.create(NewUserFactory.build())
        (balance,) = storage.balances.get_many([(user.id, "USDT")], for_update=True)
        assert balance == storage.balances.get(user.id, "USDT")
        with storage.transaction() as tx:
            assert tx.balances.get_many([(user.id, "USDT")], for_update=True) == (balance,)

    def test_list_is_every_balance_of_the_user_by_asset(self, storage: Storage, user: User, other: User) -> None:
        assets = ["USDT", "BTC", "btd", "Ä", "_", "A", "Z"]
        for asset in assets:
            storage.balances.put(user.id, asset, ONE, ZERO)
        storage.balances.put(other.id, "USDC", ONE, ZERO)
        assert [balance.asset for balance in storage.balances.list(user.id)] == sorted(assets)
        assert storage.balances.list(NOBODY) == ()

    def test_list_is_of_what_is_not_zero_if_asked(self, storage: Storage, user: User) -> None:
        rows = account(A=ZERO, B=ATTO, C=(ZERO, ATTO), D=(ONE, ONE))
        storage.balances.put_all(user.id, rows)
        assert [balance.asset for balance in storage.balances.list(user.id, nonzero=True)] == ["B", "C", "D"]
        assert [balance.asset for balance in storage.balances.list(user.id)] == ["A", "B", "C", "D"]
