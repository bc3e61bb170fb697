"""The contract of what portfolios hold: symbols and amounts."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from metacore.domain.holdings.portfolios import Holding
from metacore.domain.people.users import User
from metacore.errors import InvalidDataError
from metacore.sync.storage.storage import Storage
from metacore.testing.cases import each_case
from metacore.testing.contract.base import Contract
from metacore.testing.contract.portfolios import ONE
from metacore.testing.contract.samples import EDGE_AMOUNTS, HOSTILE_TEXTS, SPOILT_TEXTS

BAD_AMOUNTS = (Decimal("NaN"), Decimal("Infinity"), 0.5, Decimal("1e-37"), Decimal(10) ** 38, "one", None, True)


class PortfolioValueContract(Contract):
    """Of the symbols and amounts that `metacore.storage.portfolios.PortfolioStorage` takes."""

    def test_a_symbol_is_one_in_upper_and_lower_case(self, storage: Storage, user: User) -> None:
        storage.portfolios.put(user.id, "BTC", ONE)
        storage.portfolios.add(user.id, "btc", ONE)
        assert storage.portfolios.add(user.id, "Btc", ONE).holdings == {"btc": Decimal(3)}
        assert storage.portfolios.holders("bTC") == storage.portfolios.holders("btc")
        assert storage.portfolios.symbols() == ("btc",)

    @each_case("text", HOSTILE_TEXTS)
    def test_every_symbol_comes_back_in_lower_case(self, storage: Storage, user: User, text: str) -> None:
        portfolio = storage.portfolios.put(user.id, text, ONE)
        assert portfolio.holdings == {text.lower(): ONE}
        assert storage.portfolios.get(user.id) == portfolio
        assert storage.portfolios.symbols() == (text.lower(),)
        assert [holding.user_id for holding in storage.portfolios.holders(text).items] == [user.id]
        assert storage.portfolios.clear(user.id).holdings == {}

    @each_case("symbol", [*SPOILT_TEXTS, "", "x" * 256, 5, None])
    def test_what_is_no_symbol_is_refused(self, storage: Storage, user: User, symbol: Any) -> None:
        calls: tuple[Callable[[], object], ...] = (
            lambda: storage.portfolios.put(user.id, symbol, ONE),
            lambda: storage.portfolios.add(user.id, symbol, ONE),
            lambda: storage.portfolios.remove(user.id, symbol),
            lambda: storage.portfolios.holders(symbol),
        )
        for call in calls:
            with pytest.raises(InvalidDataError) as caught:
                call()
            assert caught.value.field == "symbol"
        assert storage.portfolios.get(user.id).version == 1

    @each_case("quantity", EDGE_AMOUNTS)
    def test_every_amount_comes_back_exactly(self, storage: Storage, user: User, quantity: Decimal) -> None:
        storage.portfolios.put(user.id, "btc", quantity)
        assert storage.portfolios.get(user.id).holdings == {"btc": quantity}
        assert storage.portfolios.holders("btc").items == (Holding(user_id=user.id, symbol="btc", quantity=quantity),)

    @each_case("amount", BAD_AMOUNTS)
    def test_what_is_no_amount_is_refused(self, storage: Storage, user: User, amount: Any) -> None:
        before = storage.portfolios.put(user.id, "btc", ONE)
        for change in (storage.portfolios.put, storage.portfolios.add):
            with pytest.raises(InvalidDataError):
                change(user.id, "btc", amount)
        with pytest.raises(InvalidDataError):
            storage.portfolios.put(user.id, "btc", -ONE)
        assert storage.portfolios.get(user.id) == before

    def test_a_sum_that_is_no_amount_is_refused(self, storage: Storage, user: User) -> None:
        before = storage.portfolios.put(user.id, "btc", EDGE_AMOUNTS[0])
        with pytest.raises(InvalidDataError):
            storage.portfolios.add(user.id, "btc", ONE)
        assert storage.portfolios.get(user.id) == before
