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


def price_of(amount: Decimal, currency: Currency, field: str = "price") -> Decimal:
    """`amount` with all places of its currency, as a price: 12.5 USD is 12.50.

    InvalidDataError, naming `field`, if it is not above nought, too large, or finer than the currency.
    """
    if not 0 < amount <= LARGEST:
        raise InvalidDataError(f"a price is above 0, and at most {LARGEST}", field=field)
    exact = amount.quantize(Decimal(1).scaleb(-PLACES[currency]))
    if exact != amount:
        raise InvalidDataError(f"{currency} has {PLACES[currency]} decimal places", field=field)
    return exact
