"""ClickHouse, by its HTTP interface: the table of all ticks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import httpx

_TIMEOUT = 5

_TABLE = """
CREATE TABLE IF NOT EXISTS {table} (
    symbol LowCardinality(String),
    price Decimal(76, 36),
    at DateTime64(3, 'UTC'),
    source String,
    partition UInt32,
    offset UInt64,
    place UInt32
) ENGINE = ReplacingMergeTree ORDER BY (symbol, at, source, partition, offset, place)
"""
"""A tick is what lies at one place of one message: inserted again, it replaces itself. Read it with FINAL."""


class ClickHouseError(Exception):
    """ClickHouse does not answer, or refuses; nothing of it may be said to be stored."""


class ClickHouse:
    """A client. It makes its table when it first inserts."""

    def __init__(self, url: str, table: str) -> None:
        self._client = httpx.AsyncClient(base_url=url, timeout=_TIMEOUT, trust_env=False)
        self._table = table
        self._is_made = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def insert(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert ticks, as often as one likes; ClickHouseError if it cannot be said that they are there."""
        if not self._is_made:
            await self._execute(_TABLE.format(table=self._table))
            self._is_made = True
        await self._execute(f"INSERT INTO {self._table} FORMAT JSONEachRow", "\n".join(map(json.dumps, rows)))

    async def _execute(self, statement: str, body: str = "") -> None:
        try:
            answer = await self._client.post("/", params={"query": statement}, content=body)
        except httpx.HTTPError as error:
            self._is_made = False
            raise ClickHouseError(type(error).__name__) from None
        if answer.status_code != httpx.codes.OK:
            self._is_made = False
            raise ClickHouseError(f"{answer.status_code} {answer.text[:200]}")
