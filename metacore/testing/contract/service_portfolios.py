"""The contract of the service before the storage of portfolios."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from metacore.domain.people.users import User
from metacore.errors import (
    InsufficientFundsError,
    InvalidDataError,
    NotFoundError,
)
from metacore.sync.services.portfolios import PortfolioService
from metacore.sync.storage.storage import Storage
from metacore.testing.contract.base import Contract
from metacore.testing.contract.samples import NOBODY
from metacore.testing.runners import Runner

ONE = Decimal(1)


class PortfolioServiceContract(Contract):
    """Of `metacore.services.portfolios.PortfolioService`."""

    @pytest.fixture
    def service(self, runner: Runner, storage: Storage) -> PortfolioService:
        service: PortfolioService = runner.service("PortfolioService", storage)
        return service

    def test_coins_are_added_updated_and_removed(self, storage: Storage, service: PortfolioService, user: User) -> None:
        service.add_coin(user.id, "BTC", Decimal("0.5"))
        assert service.add_coin(user.id, "btc", Decimal("0.5")).holdings == {"btc": ONE}
        assert service.update_coin(user.id, "Btc", Decimal(3)).holdings == {"btc": Decimal(3)}
        service.add_coin(user.id, "eth", ONE)
        assert service.remove_coin(user.id, "BTC").holdings == {"eth": ONE}
        assert service.portfolio(user.id) == storage.portfolios.get(user.id)

    def test_its_errors_are_those_of_the_storage(self, service: PortfolioService, user: User) -> None:
        with pytest.raises(InsufficientFundsError):
            service.add_coin(user.id, "btc", -ONE)
        with pytest.raises(InvalidDataError):
            service.update_coin(user.id, "btc", -ONE)
        with pytest.raises(NotFoundError):
            service.remove_coin(user.id, "btc")
        with pytest.raises(NotFoundError):
            service.portfolio(NOBODY)
        with pytest.raises(NotFoundError):
            service.value(NOBODY, {})

    def test_a_valuation_is_exact_and_lists_what_has_no_price_apart(
        self, service: PortfolioService, user: User
    ) -> None:
        for symbol, quantity in (("BTC", "0.123456789012345678"), ("ETH", "2"), ("DOGE", "1000")):
            service.add_coin(user.id, symbol, Decimal(quantity))
        valuation = service.value(user.id, {"BTC": Decimal("97000.000000000000000001"), "eth": Decimal("3000.5")})
        assert json.loads(valuation.model_dump_json()) == {
            "quantities": {"btc": "0.123456789012345678", "doge": "1000", "eth": "2"},
            "prices": {"btc": "97000.000000000000000001", "eth": "3000.5"},
            "totals": {"btc": "11975.308534197530766000123456789012345678", "eth": "6001"},
            "total": "17976.308534197530766000123456789012345678",
            "unpriced": ["doge"],
        }

    def test_on_a_transaction_it_is_part_of_that(self, storage: Storage, runner: Runner, user: User) -> None:
        with pytest.raises(ZeroDivisionError), storage.transaction() as tx:
            runner.service("PortfolioService", tx).add_coin(user.id, "btc", ONE)
            raise ZeroDivisionError
        assert storage.portfolios.get(user.id).holdings == {}
