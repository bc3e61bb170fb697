"""Assets: balances and portfolio in one view."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from metacore.domain.holdings.assets import Asset, Assets
from metacore.domain.holdings.portfolios import Portfolio
from metacore.domain.trading.balances import Balance

USER, NOW = UUID(int=1), datetime(2026, 1, 1, tzinfo=UTC)


def balance(asset, free, locked):
    return Balance(user_id=USER, asset=asset, free=free, locked=locked, created_at=NOW, updated_at=NOW)


def portfolio(**holdings):
    return Portfolio(user_id=USER, holdings=holdings, created_at=NOW, updated_at=NOW)


def test_balances_and_portfolio_add_up_by_asset():
    held = portfolio(btc="0.5", doge="1000")
    assets = Assets.of(held, [balance("BTC", "1", "0.25"), balance("USDT", "10", "0"), balance("MX", "0", "0")])
    assert assets.items == (
        Asset(symbol="btc", free=Decimal(1), locked=Decimal("0.25"), held=Decimal("0.5"), total=Decimal("1.75")),
        Asset(symbol="doge", free=Decimal(0), locked=Decimal(0), held=Decimal(1000), total=Decimal(1000)),
        Asset(symbol="usdt", free=Decimal(10), locked=Decimal(0), held=Decimal(0), total=Decimal(10)),
    )
    valuation = assets.value({"BTC": Decimal(100), "usdt": Decimal(1)})
    assert (valuation.total, valuation.unpriced) == (185, ("doge",))


def test_amounts_at_the_limit_add_up_exactly():
    most = Decimal("99999999999999999999999999999999999999.999999999999999999999999999999999999")
    (asset,) = Assets.of(portfolio(btc=most), [balance("btc", most, most)]).items
    assert f"{asset.total:f}" == "299999999999999999999999999999999999999.999999999999999999999999999999999997"


def test_who_has_nothing_has_no_assets():
    assert Assets.of(portfolio(), []) == Assets(user_id=USER)
