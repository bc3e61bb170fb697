# Made from metacore/storage/portfolios.py by `python tools/generate_sync.py`. Do not edit.
"""The contract of the storage of portfolios."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from metacore.domain.holdings.portfolios import Holding, Portfolio
from metacore.domain.values.pages import Page
from metacore.sync.storage.streams import by_backend, stream_of


class PortfolioStorage(Protocol):
    """Stores what users hold, by symbol. "BTC", "Btc" and "btc" are one symbol, stored in lower case.

    A user's portfolio begins with the user: empty, at version 1, created when the user was. Every change returns the
    portfolio after it, one version on; one that leaves the holdings as they are leaves the version, too. Every change
    raises NotFoundError if the user does not exist, and StaleVersionError, with nothing changed, if
    `expected_version` is given and not the stored one.
    """

    def get(self, user_id: UUID) -> Portfolio:
        """The portfolio, equal in every field to what the last change made of it; NotFoundError without a user."""
        ...

    def put(self, user_id: UUID, symbol: str, quantity: Decimal, expected_version: int | None = None) -> Portfolio:
        """Hold exactly `quantity` of a symbol; 0 removes it.

        InvalidDataError, and nothing changed, if the quantity is negative or no amount, or the symbol is not valid.
        """
        ...

    def add(self, user_id: UUID, symbol: str, delta: Decimal, expected_version: int | None = None) -> Portfolio:
        """Hold `delta` more of a symbol, or less if it is negative; a result of 0 removes it.

        Additions at the same time all count. InsufficientFundsError, and nothing changed, if the result were below
        zero, InvalidDataError if it were no amount.
        """
        ...

    def remove(self, user_id: UUID, symbol: str, expected_version: int | None = None) -> Portfolio:
        """Hold no more of a symbol; NotFoundError if the user does not hold it."""
        ...

    def clear(self, user_id: UUID, expected_version: int | None = None) -> Portfolio:
        """Hold nothing any more."""
        ...

    def holders(self, symbol: str, after: str | None = None, limit: int = 100) -> Page[Holding]:
        """A page of the holdings of this symbol, by user id.

        `limit` is 1 to 1,000, `after` None or the `next` of a page of the same list; others are an InvalidDataError.
        """
        ...

    @stream_of(holders)
    def stream_holders(self, symbol: str) -> Iterator[Holding]:
        """All holdings of `holders`, in its order and in constant memory.

        Pages are read as the iteration goes on, without a transaction held open: one stored meanwhile may appear or
        not, one that was there throughout appears exactly once.
        """
        return by_backend(symbol)

    def symbols(self) -> Sequence[str]:
        """Every symbol that somebody holds, each once, in order."""
        ...
