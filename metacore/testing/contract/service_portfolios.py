"""The contract of the service before the storage of portfolios."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from metacore.domain.holdings.assets import Assets
from metacore.domain.holdings.valuations import Valuation
from metacore.domain.market.prices import PriceFeed
from metacore.domain.people.users import User
from metacore.domain.trading.orders import OrderSide
from metacore.domain.trading.performance import CostMethod
from metacore.errors import (
    InsufficientFundsError,
    InvalidDataError,
    NotFoundError,
)
from metacore.sync.services.portfolios import PortfolioService
from metacore.sync.storage.storage import Storage
from metacore.testing.contract.base import Contract
from metacore.testing.contract.samples import NOBODY
from metacore.testing.factories import BarPartFactory, NewTradeFactory
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
            "priced_at": {},
        }

    def test_prices_come_from_the_bars_of_a_feed_and_say_when_they_were(
        self, storage: Storage, service: PortfolioService, user: User
    ) -> None:
        for coin in ("btc", "doge", "usdt"):
            service.add_coin(user.id, coin, Decimal(2))
        storage.trades.create(
            NewTradeFactory.build(user_id=user.id, symbol="BTCUSDT", side=OrderSide.BUY, quantity=ONE)
        )
        part = BarPartFactory.build(symbol="BTCUSDT")
        storage.bars.add([part, BarPartFactory.build(symbol="DOGEUSDT", feed="test")])
        feed = PriceFeed(feed="live", quote="USDT")
        valuation = service.value(user.id, feed)
        assert valuation.prices == {"btc": part.last, "usdt": ONE}
        assert (valuation.priced_at, valuation.unpriced) == ({"btc": part.last_at}, ("doge",))
        assert Valuation.model_validate_json(valuation.model_dump_json()) == valuation
        (symbol,) = service.performance(user.id, feed).symbols
        assert (symbol.price, symbol.priced_at) == (part.last, part.last_at)
        elsewhere = feed.changed(exchange="BINANCE")
        assert service.value(user.id, elsewhere).prices == {"usdt": ONE}
        assert service.performance(user.id, elsewhere).unpriced == ("BTCUSDT",)

    def test_assets_are_balances_and_portfolio_in_one_view(
        self, storage: Storage, service: PortfolioService, user: User
    ) -> None:
        assert service.assets(user.id) == Assets(user_id=user.id)
        storage.balances.put(user.id, "BTC", Decimal("0.5"), Decimal("0.25"))
        storage.balances.put(user.id, "MX", Decimal(0), Decimal(0))
        service.add_coin(user.id, "btc", ONE)
        service.add_coin(user.id, "doge", ONE)
        assert [(asset.symbol, asset.total) for asset in service.assets(user.id).items] == [
            ("btc", Decimal("1.75")),
            ("doge", ONE),
        ]
        with pytest.raises(NotFoundError):
            service.assets(NOBODY)

    def test_performance_counts_every_trade_oldest_first(
        self, storage: Storage, service: PortfolioService, user: User
    ) -> None:
        assert service.performance(user.id, {}).symbols == ()
        start = storage.now() - timedelta(hours=1)
        sides = (OrderSide.BUY, OrderSide.BUY, OrderSide.SELL)
        for number, (side, money) in reversed(list(enumerate(zip(sides, (100, 300, 500), strict=True)))):
            storage.trades.create(
                NewTradeFactory.build(
                    user_id=user.id,
                    symbol="BTCUSDT",
                    side=side,
                    quantity=ONE,
                    quote_quantity=Decimal(money),
                    commission=Decimal("0.5"),
                    commission_asset="MX",
                    traded_at=start + timedelta(seconds=number),
                )
            )
        average = service.performance(user.id, {"btcusdt": Decimal(250)})
        (symbol,) = average.symbols
        assert (symbol.realised, symbol.cost, symbol.unrealised) == (Decimal(300), Decimal(200), Decimal(50))
        assert (average.fees, average.unpriced) == ({"MX": Decimal("1.5")}, ())
        first_in_first_out = service.performance(user.id, {}, CostMethod.FIFO)
        (symbol,) = first_in_first_out.symbols
        assert (symbol.realised, symbol.cost, symbol.unrealised) == (Decimal(400), Decimal(300), None)
        assert first_in_first_out.unpriced == ("BTCUSDT",)
        with pytest.raises(NotFoundError):
            service.performance(NOBODY, {})

    def test_on_a_transaction_it_is_part_of_that(self, storage: Storage, runner: Runner, user: User) -> None:
        with pytest.raises(ZeroDivisionError), storage.transaction() as tx:
            runner.service("PortfolioService", tx).add_coin(user.id, "btc", ONE)
            raise ZeroDivisionError
        assert storage.portfolios.get(user.id).holdings == {}
