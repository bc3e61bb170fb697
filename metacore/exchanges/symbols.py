"""Symbols: which base and quote asset a name such as BTCUSDT stands for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Self

from metacore.domain.values.items import BadItem, Readable
from metacore.errors import InvalidDataError
from metacore.exchanges.fields import join
from metacore.exchanges.items import bad_item
from metacore.exchanges.payloads import Payload, read_object, written

Pair = tuple[str, str]
"""`(base_asset, quote_asset)`."""


class Symbols:
    """Splits a symbol by the exchange's own list or, failing that, by a list of quote assets. It never guesses."""

    def __init__(self, pairs: Mapping[str, Pair] | None = None, quote_assets: Iterable[str] = ()) -> None:
        self._pairs = dict(pairs or {})
        self._quote_assets = frozenset(quote_assets)

    @classmethod
    def from_exchange_info(cls, payload: Payload) -> Self:
        """Of the answer to GET /api/v3/exchangeInfo: `symbols[]` with `symbol`, `baseAsset` and `quoteAsset`."""
        read = cls.readable_exchange_info(payload)
        if read.bad:
            raise read.bad[0].error
        return read.good

    @classmethod
    def readable_exchange_info(cls, payload: Payload) -> Readable[Self]:
        """Of the same answer: the symbols that can be read, and those that are bad."""
        answer = read_object(payload)
        pairs: dict[str, Pair] = {}
        doubtful, bad = set[str](), list[BadItem]()
        for index, item in enumerate(answer.items("symbols")):
            try:
                listed = answer.nested_item("symbols", index)
                symbol, pair = listed.key("symbol"), (listed.key("baseAsset"), listed.key("quoteAsset"))
                if pair[0] == pair[1]:
                    raise listed.error("quoteAsset", "baseAsset and quoteAsset differ")
                if pairs.setdefault(symbol, pair) != pair:
                    doubtful.add(symbol)
                    raise listed.error("symbol", "is listed twice, with other assets")
            except InvalidDataError as error:
                bad.append(bad_item(index, join("symbols", str(index)), written(item), error))
        return Readable(cls({symbol: pairs[symbol] for symbol in pairs.keys() - doubtful}), tuple(bad))

    @classmethod
    def from_quote_assets(cls, quote_assets: Iterable[str]) -> Self:
        """Of the assets in which prices are quoted, such as `["USDT", "BTC"]`.

        A symbol that ends in two of them is ambiguous and refused: of BTC and TBTC, XTBTC may be XT/BTC or X/TBTC.
        """
        listed = [quote_assets] if isinstance(quote_assets, str) else list(quote_assets)
        if not all(isinstance(asset, str) and asset for asset in listed) or isinstance(quote_assets, str):
            raise InvalidDataError("must be several texts, none of them empty", field="quote_assets")
        return cls(quote_assets=listed)

    def split(self, symbol: str) -> Pair:
        """Base and quote asset of `symbol`; InvalidDataError if it is unknown or can be read in two ways."""
        if symbol in self._pairs:
            return self._pairs[symbol]
        found = [
            (symbol.removesuffix(quote), quote)
            for quote in self._quote_assets
            if symbol.endswith(quote) and symbol.removesuffix(quote) not in ("", quote)
        ]
        if len(found) > 1:
            ways = " or ".join("/".join(pair) for pair in sorted(found))
            raise InvalidDataError(f"is ambiguous: {ways}; use the exchange's symbol list", field="symbol")
        if not found:
            raise InvalidDataError("is not a known symbol; load the exchange's symbol list anew", field="symbol")
        return found[0]
