"""Money: an amount of a currency, no finer than the currency is."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from metacore import InvalidDataError


class Currency(StrEnum):
    """What prices are in, by ISO 4217."""

    CNY = "CNY"
    EUR = "EUR"
    GBP = "GBP"
    JPY = "JPY"
    KRW = "KRW"
    KWD = "KWD"
    KZT = "KZT"
    RUB = "RUB"
    TND = "TND"
    USD = "USD"


PLACES = {**dict.fromkeys(Currency, 2), Currency.JPY: 0, Currency.KRW: 0, Currency.KWD: 3, Currency.TND: 3}
"""How many decimal places each currency has."""

LARGEST = Decimal(10**12)
"""What a price is at most."""
LARGEST_SUM = Decimal(10**20)
"""What an order of a hundred lines of a million each can cost at most."""


def price_of(amount: Decimal, currency: Currency) -> Decimal:
    """`amount` with all places of its currency, as a price: 12.5 USD is 12.50.

    InvalidDataError if it is not above zero, too large, or finer than the currency.
    """
    return _in_places(amount, currency, "price", LARGEST)


def sum_of(amount: Decimal, currency: Currency) -> Decimal:
    """The same of an amount that prices add up to."""
    return _in_places(amount, currency, "amount", LARGEST_SUM)


def _in_places(amount: Decimal, currency: Currency, field: str, largest: Decimal) -> Decimal:
    if not 0 < amount <= largest:
        raise InvalidDataError(f"it is above 0, and at most {largest}", field=field)
    exact = amount.quantize(Decimal(1).scaleb(-PLACES[currency]))
    if exact != amount:
        raise InvalidDataError(f"{currency} has {PLACES[currency]} decimal places", field=field)
    return exact
