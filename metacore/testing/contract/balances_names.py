"""The contract of the names of assets."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from metacore.domain.people.users import User
from metacore.domain.trading.balances import AccountBalance
from metacore.domain.trading.decisions import Changes
from metacore.errors import InvalidDataError
from metacore.sync.storage.storage import Storage
from metacore.testing.contract.base import Contract
from metacore.testing.factories import BalanceDeltaFactory


class AssetNameContract(Contract):
    """Of how `metacore.storage.balances.BalanceStorage` tells assets apart."""

    @pytest.mark.parametrize("replace", [False, True])
    def test_put_refuses_a_name_of_another_case(self, storage: Storage, user: User, replace: bool) -> None:
        storage.balances.put(user.id, "USDT", Decimal(1), Decimal(0))
        put = storage.balances.replace_all if replace else storage.balances.put_all
        rows = [AccountBalance(asset=asset, free=Decimal(2)) for asset in ("BTC", "usdt")]
        calls: list[Callable[[], object]] = [
            lambda: put(user.id, rows),
            lambda: storage.balances.put(user.id, "Usdt", Decimal(2), Decimal(0)),
        ]
        for call in calls:
            with pytest.raises(InvalidDataError) as error:
                call()
            assert error.value.field == "asset"
        assert [(row.asset, row.free) for row in storage.balances.list(user.id)] == [("USDT", Decimal(1))]

    def test_apply_and_save_refuse_a_name_of_another_case(self, storage: Storage, user: User, other: User) -> None:
        first = BalanceDeltaFactory.build(user_id=user.id)
        storage.balances.apply([first])
        deltas = [BalanceDeltaFactory.build(user_id=user.id, asset=asset) for asset in ("BTC", "usdt")]
        for call in (
            lambda: storage.balances.apply(deltas),
            lambda: storage.run(lambda tx: tx.save(Changes(balance_deltas=tuple(deltas)))),
        ):
            with pytest.raises(InvalidDataError):
                call()
        assert [row.asset for row in storage.balances.list(user.id)] == ["USDT"]
        (theirs,) = storage.balances.apply([first.changed(user_id=other.id, asset="usdt")])
        assert theirs.asset == "usdt"

    def test_two_new_names_of_one_asset_are_refused_together(self, storage: Storage, user: User) -> None:
        rows = [AccountBalance(asset=asset, free=Decimal(2)) for asset in ("btc", "BTC")]
        with pytest.raises(InvalidDataError):
            storage.balances.put_all(user.id, rows)
        assert not storage.balances.list(user.id)

    def test_letters_beyond_ascii_are_distinguished_by_case(self, storage: Storage, user: User) -> None:
        for asset in ("\xc4", "\xe4", "\u0130", "i"):
            assert storage.balances.put(user.id, asset, Decimal(1), Decimal(0))
        assert len(storage.balances.list(user.id)) == 4

    def test_get_many_for_update_gives_the_one_that_is_there(self, storage: Storage, user: User) -> None:
        storage.balances.put(user.id, "USDT", Decimal(1), Decimal(0))
        with storage.transaction() as tx:
            keys = [(user.id, asset) for asset in ("usdt", "BTC", "USDT")]
            found = tx.balances.get_many(keys, for_update=True)
        assert [row.asset for row in found] == ["BTC", "USDT"]
        assert [row.asset for row in storage.balances.list(user.id)] == ["BTC", "USDT"]
