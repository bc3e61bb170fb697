"""The routes of coins: what a user holds, in exact quantities."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AfterValidator, BaseModel, Field

from common import problems
from common.problems import UnauthorizedError
from crypto.live import Live
from crypto.signing_in import WhoAsks
from metacore import Amount, NotFoundError, Portfolio, PortfolioService, PositiveAmount

PLACES = 18
"""After the point: finer than any coin is counted."""
LONGEST_SYMBOL = 32


def _of_so_many_places(quantity: Decimal) -> Decimal:
    if len(f"{quantity:f}".partition(".")[2]) > PLACES:
        raise ValueError(f"a quantity has at most {PLACES} digits after the point")
    return quantity


Symbol = Annotated[str, Field(min_length=1, max_length=LONGEST_SYMBOL, pattern="^[A-Za-z0-9._-]+$")]


class Coin(BaseModel):
    """A quantity of a coin, as text or a whole number: above zero, with at most 18 digits after the point."""

    symbol: Symbol = Field(description="The pair it is priced by, such as BTCUSDT; in whatever case.")
    quantity: Annotated[PositiveAmount, AfterValidator(_of_so_many_places)]


class Coins(BaseModel):
    """What a user holds, exactly, by symbol in lower case."""

    quantities: dict[str, Amount]

    @classmethod
    def of(cls, portfolio: Portfolio) -> Coins:
        """Of a portfolio."""
        return cls(quantities=dict(portfolio.holdings))


def router(portfolios: PortfolioService, live: Live) -> APIRouter:
    """The routes, over the service of portfolios; whoever looks on is told of each change."""
    routes = APIRouter(prefix="/v2/coin")

    def changed(portfolio: Portfolio) -> Coins:
        live.changed(portfolio)
        return Coins.of(portfolio)

    @routes.get("/symbols", responses=problems.documented(401, 503))
    async def list_coins(claims: WhoAsks) -> Coins:
        """What whoever asks holds."""
        try:
            return Coins.of(await portfolios.portfolio(claims.user_id))
        except NotFoundError:
            raise UnauthorizedError("there is no such user any more") from None

    @routes.post("/symbol", responses=problems.documented(400, 401, 404, 413, 503))
    async def add_coin(coin: Coin, claims: WhoAsks) -> Coins:
        """Hold so much more of a coin."""
        return changed(await portfolios.add_coin(claims.user_id, coin.symbol, coin.quantity))

    @routes.patch("/symbol", responses=problems.documented(400, 401, 404, 413, 503))
    async def set_coin(coin: Coin, claims: WhoAsks) -> Coins:
        """Hold exactly so much of a coin, whether any is held yet or not."""
        return changed(await portfolios.update_coin(claims.user_id, coin.symbol, coin.quantity))

    @routes.delete("/symbol", responses=problems.documented(400, 401, 404, 503))
    async def remove_coin(symbol: Annotated[Symbol, Query()], claims: WhoAsks) -> Coins:
        """Hold no more of a coin."""
        return changed(await portfolios.remove_coin(claims.user_id, symbol))

    return routes
