"""The routes of the market data service."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import SimpleNamespace
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import AwareDatetime, BaseModel
from starlette.types import ASGIApp, Receive, Scope, Send

from common import problems
from marketflow import answers
from marketflow.answers import LatestPrice, PeriodPrice
from marketflow.history import History
from marketflow.market import PERIODS
from marketflow.modes import Modes
from marketflow.settings import MarketSettings, Mode
from metacore import InvalidDataError, NotFoundError, Storage

_JSON = "application/json"
_LATEST = "/prices/latest/"
_ROUTES = [
    SimpleNamespace(path_format=f"{_LATEST}{{symbol}}"),
    SimpleNamespace(path_format=f"{_LATEST}{{exchange}}/{{symbol}}"),
]

Symbol = Annotated[str, Path(description="Such as BTCUSDT.")]
Exchange = Annotated[str, Path(description="The name of a source.")]
Period = Annotated[str, Query(description=", ".join(PERIODS))]


class Family(StrEnum):
    """What can be asked of a period."""

    HIGHEST = "highest"
    LOWEST = "lowest"
    AVERAGE = "average"


class ModeState(BaseModel):
    """The mode that it is."""

    mode: Mode


class SourceState(BaseModel):
    """What a source does, and what it sent since the start, or since the mode began."""

    exchange: str
    state: str
    ticks: int
    broken: dict[str, int]


class Prices:
    """Answers, of the last minutes where they have what is asked for, else of what is stored."""

    def __init__(self, modes: Modes, storage: Storage, settings: MarketSettings) -> None:
        self._modes, self._storage = modes, storage
        self._symbols = frozenset(settings.symbols)
        self._ready: dict[str, tuple[Mode, int, bytes]] = {}

    def at_hand(self, path: str) -> bytes | None:
        """The newest price of what comes behind `/prices/latest/`, without waiting; None says nothing of it."""
        market = self._modes.market
        ready = self._ready.get(path)
        if ready is not None and ready[:2] == (market.mode, market.version):
            return ready[2]
        exchange, _, symbol = path.rpartition("/")
        if not self._known(symbol, exchange or None):
            return None
        try:
            body = answers.latest(market.latest(symbol, exchange or None), market.mode)
        except NotFoundError:
            return None
        self._ready[path] = (market.mode, market.version, body)
        return body

    async def latest(self, symbol: str, exchange: str | None) -> bytes:
        """The newest price; NotFoundError if there is none."""
        self._require(symbol, exchange)
        market = self._modes.market
        try:
            tick = market.latest(symbol, exchange)
        except NotFoundError:
            tick = await self._storage.bars.latest(market.mode, symbol, exchange)
        return answers.latest(tick, market.mode)

    def of_period(self, family: str, symbol: str, exchange: str | None, period: str) -> bytes:
        """A price of the last `period`; NotFoundError if there was none."""
        if period not in PERIODS:
            raise InvalidDataError(f"a period is one of {', '.join(PERIODS)}", field="period")
        self._require(symbol, exchange)
        market = self._modes.market
        summary = market.summary(symbol, exchange, PERIODS[period], self._storage.now())
        return answers.of_period(family, summary, period, market.mode)

    def _known(self, symbol: str, exchange: str | None) -> bool:
        return symbol in self._symbols and (exchange is None or exchange in self._modes.exchanges)

    def _require(self, symbol: str, exchange: str | None) -> None:
        if not self._known(symbol, exchange):
            raise NotFoundError("price", symbol if exchange is None else (exchange, symbol))


class AtHand:
    """Answers who asks for the newest price before any routing, which costs more than all the rest."""

    def __init__(self, app: ASGIApp, prices: Prices) -> None:
        self._app, self._prices = app, prices

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        if scope.get("method") == "GET" and scope["path"].startswith(_LATEST):
            asked = scope["path"][len(_LATEST) :]
            body = self._prices.at_hand(asked)
            if body is not None:
                scope["route"] = _ROUTES["/" in asked]
                headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
                await send({"type": "http.response.start", "status": 200, "headers": headers})
                await send({"type": "http.response.body", "body": body})
                return
        await self._app(scope, receive, send)


def router(prices: Prices, modes: Modes, history: History) -> APIRouter:
    """The routes of prices, modes and sources."""
    routes = APIRouter()
    of_latest: Any = {"response_model": LatestPrice, "responses": problems.documented(404, 503)}
    of_period: Any = {"response_model": PeriodPrice, "responses": problems.documented(400, 404)}

    @routes.head(f"{_LATEST}{{symbol}}", include_in_schema=False)
    @routes.get(f"{_LATEST}{{symbol}}", **of_latest)
    async def latest(symbol: Symbol) -> Response:
        return _ready(await prices.latest(symbol, None))

    @routes.head(f"{_LATEST}{{exchange}}/{{symbol}}", include_in_schema=False)
    @routes.get(f"{_LATEST}{{exchange}}/{{symbol}}", **of_latest)
    async def latest_of_exchange(exchange: Exchange, symbol: Symbol) -> Response:
        return _ready(await prices.latest(symbol, exchange))

    @routes.get("/prices/recent", responses=problems.documented(400))
    async def recent(after: AwareDatetime | None = None) -> Mapping[str, Any]:
        boards = history.since(after)
        return {"mode": modes.mode, "exchanges": modes.exchanges, "boards": boards}

    @routes.get("/prices/{family}/{symbol}", **of_period)
    async def price_of_period(family: Family, symbol: Symbol, period: Period = "1m") -> Response:
        return _ready(prices.of_period(family, symbol, None, period))

    @routes.get("/prices/{family}/{exchange}/{symbol}", **of_period)
    async def price_of_period_and_exchange(
        family: Family, exchange: Exchange, symbol: Symbol, period: Period = "1m"
    ) -> Response:
        return _ready(prices.of_period(family, symbol, exchange, period))

    @routes.get("/mode")
    async def mode() -> ModeState:
        return ModeState(mode=modes.mode)

    @routes.post("/mode/{mode}", responses=problems.documented(400))
    async def switch_mode(mode: Mode) -> ModeState:
        await modes.switch(mode)
        return ModeState(mode=mode)

    @routes.get("/sources")
    async def sources() -> list[SourceState]:
        return [
            SourceState(exchange=one.exchange, state=one.state(), ticks=one.ticks, broken=one.broken)
            for one in modes.sources
        ]

    return routes


def _ready(body: bytes) -> Response:
    return Response(body, media_type=_JSON)
