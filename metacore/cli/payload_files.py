"""Files of what MEXC answered: one answer a line, or one answer the whole file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from metacore.cli.lines import NOT_UTF8, TOO_LONG, Lines, Refuse, is_utf8, legible
from metacore.cli.row_forms import Row
from metacore.domain.trading.orders import NewOrder
from metacore.domain.trading.trades import NewTrade
from metacore.domain.values.items import Readable
from metacore.domain.values.model import Model
from metacore.errors import InvalidDataError
from metacore.exchanges import mexc

M = TypeVar("M", bound=Model)
Read = Callable[[str], Readable[tuple[M, ...]]]
"""Reads a list that the exchange answered."""

LARGEST = 64 << 20
"""How many bytes an answer that is a whole file has at most."""


def orders_of(user_id: UUID, symbols: mexc.Symbols) -> Read[NewOrder]:
    """What reads the orders of GET /api/v3/allOrders and openOrders."""
    return lambda payload: mexc.orders.readable(payload, user_id=user_id, symbols=symbols)


def trades_of(user_id: UUID) -> Read[NewTrade]:
    """What reads the trades of GET /api/v3/myTrades."""
    return lambda payload: mexc.trades.readable(payload, user_id=user_id)


def symbols_of(exchange_info: Path | None, quote_assets: str | None) -> mexc.Symbols:
    """How symbols are split: by the exchange's own list, or by quote assets."""
    if exchange_info is not None:
        return mexc.Symbols.from_exchange_info(exchange_info.read_bytes())
    if quote_assets is not None:
        return mexc.Symbols.from_quote_assets([asset.strip() for asset in quote_assets.split(",")])
    raise InvalidDataError(
        "symbols are split by --symbols, a file with the answer to GET /api/v3/exchangeInfo, or by --quote-assets, such"
        " as USDT,USDC",
        field="symbols",
    )


def read_payloads(lines: Lines, read: Read[M], refuse: Refuse) -> Iterator[Row[M]]:
    """The rows of a file of answers; each is told by the line that its answer begins in."""
    for number, payload in _payloads(lines, refuse):
        try:
            answer = read(payload if payload.lstrip().startswith("[") else f"[{payload}]")
        except InvalidDataError as error:
            refuse(number, error.message, legible(payload))
            continue
        for bad in answer.bad:
            item = "" if bad.index is None else f"item {bad.index}: "
            refuse(number, f"{item}{bad.error.message}", bad.raw.decode("utf-8", "backslashreplace"))
        yield from (Row(model, number, "") for model in answer.good)


def _payloads(lines: Lines, refuse: Refuse) -> Iterator[tuple[int, str]]:
    """The answers, with the lines that they begin in: a first line that is no JSON by itself begins the only one."""
    numbered: Iterator[tuple[int, str]] = ((lines.number, line) for line in lines if line.strip())
    first_number, first = next(numbered, (0, ""))
    if first and not lines.is_too_long and not _is_json(first):
        numbered = iter([(first_number, _whole(first, lines))])
        first = ""
    for number, line in chain([(first_number, first)] if first else [], numbered):
        if lines.is_too_long or not is_utf8(line):
            refuse(number, TOO_LONG if lines.is_too_long else NOT_UTF8, legible(line))
        else:
            yield number, line


def _whole(first: str, lines: Lines) -> str:
    parts, size = [first], len(first)
    for line in lines:
        parts.append(line)
        size += len(line)
        if size > LARGEST:
            raise InvalidDataError(f"an answer that is a whole file has at most {LARGEST:,} bytes", field="file")
    return "".join(parts)


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True
