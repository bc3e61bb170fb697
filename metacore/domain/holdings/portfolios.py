"""Portfolios: what users hold."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Self
from uuid import UUID

from pydantic import Field

from metacore.domain.holdings.valuations import Valuation
from metacore.domain.market.prices import PricesBySymbol
from metacore.domain.values.amounts import ZERO, PositiveAmount, exact, parse_amount
from metacore.domain.values.frozen import FrozenDict
from metacore.domain.values.model import Model, revised, unchecked
from metacore.domain.values.symbols import Holdings, Symbol, parse_quantity, parse_symbol, parsed
from metacore.domain.values.times import Time
from metacore.errors import InsufficientFundsError, NotFoundError, StaleVersionError


class Holding(Model):
    """How much of a symbol a user holds."""

    user_id: UUID
    symbol: Symbol
    quantity: PositiveAmount


class Portfolio(Model):
    """What a user holds. It begins with the user: empty, at version 1."""

    user_id: UUID
    holdings: Holdings = Field(default_factory=FrozenDict)
    version: int = 1
    created_at: Time
    updated_at: Time

    @classmethod
    def empty(cls, user_id: UUID, created_at: datetime) -> Self:
        """The portfolio that a user has from the beginning."""
        values = {"user_id": user_id, "holdings": FrozenDict(), "version": 1}
        return unchecked(cls, {**values, "created_at": created_at, "updated_at": created_at})

    def quantity(self, symbol: str) -> Decimal:
        """How much of `symbol` is held, in whatever case it is written; 0 if nothing is."""
        quantity: Decimal = self.holdings.get(parsed(parse_symbol, symbol, "symbol"), ZERO)
        return quantity

    def put(self, symbol: str, quantity: Decimal, now: datetime) -> Self:
        """With exactly `quantity` of `symbol`, without it if that is 0; InvalidDataError if it is negative."""
        symbol = parsed(parse_symbol, symbol, "symbol")
        return self._with(symbol, parsed(parse_quantity, quantity, "quantity"), now)

    def add(self, symbol: str, delta: Decimal, now: datetime) -> Self:
        """With `delta` more of `symbol`, less if it is negative; InsufficientFundsError if that were below zero."""
        symbol, delta = parsed(parse_symbol, symbol, "symbol"), parsed(parse_amount, delta, "delta")
        held = self.quantity(symbol)
        with exact():
            quantity = held + delta
        if quantity < 0:
            raise InsufficientFundsError(symbol, needed=delta.copy_negate(), available=held, user_id=self.user_id)
        return self._with(symbol, parsed(parse_amount, quantity, "delta"), now)

    def remove(self, symbol: str, now: datetime) -> Self:
        """Without `symbol`; NotFoundError if it is not held."""
        symbol = parsed(parse_symbol, symbol, "symbol")
        if symbol not in self.holdings:
            raise NotFoundError("holding", (self.user_id, symbol))
        return self._with(symbol, ZERO, now)

    def clear(self, now: datetime) -> Self:
        """Without any holding."""
        return self._changed(FrozenDict(), now)

    def require_version(self, expected: int | None) -> Self:
        """Itself; StaleVersionError if `expected` is given and not its version."""
        if expected is not None and expected != self.version:
            raise StaleVersionError("portfolio", self.user_id, expected=expected, actual=self.version)
        return self

    def value(self, prices: PricesBySymbol) -> Valuation:
        """What it is worth at `prices`, by symbol in whatever case."""
        return Valuation.of(self.holdings, prices)

    def _with(self, symbol: str, quantity: Decimal, now: datetime) -> Self:
        holdings = {**self.holdings, symbol: quantity}
        return self._changed(FrozenDict(sorted((s, held) for s, held in holdings.items() if held)), now)

    def _changed(self, holdings: FrozenDict, now: datetime) -> Self:
        if holdings == self.holdings:
            return self
        return revised(self, holdings=holdings, version=self.version + 1, updated_at=now)
