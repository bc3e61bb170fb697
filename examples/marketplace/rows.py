"""Rows of own tables, whose columns are the fields of models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, LiteralString, TypeVar, cast

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb
from pydantic import BaseModel
from pydantic_core import to_json

from metacore import (
    MetacoreError,
    OutcomeUnknownError,
    PoolTimeoutError,
    RetryableError,
    StatementTimeoutError,
    StorageUnavailableError,
    Transaction,
)

M = TypeVar("M", bound=BaseModel)

FAILURES = (MetacoreError, psycopg.Error)
"""What a transaction with statements of one's own may end by."""
TRANSIENT = (
    RetryableError,
    OutcomeUnknownError,
    StatementTimeoutError,
    StorageUnavailableError,
    PoolTimeoutError,
    psycopg.OperationalError,
)
"""Those of them after which it may go well again."""


def columns_of(model: type[BaseModel], table: LiteralString = "") -> LiteralString:
    """The columns, by the names of the fields: text of ours, whoever asks; as those of `table`, if one is named."""
    prefix: LiteralString = f"{table}." if table else ""
    return ", ".join(f"{prefix}{name}" for name in cast("list[LiteralString]", list(model.model_fields)))


def placeholders_of(model: type[BaseModel]) -> LiteralString:
    """The places of their values in a statement, by the same names."""
    return ", ".join(f"%({name})s" for name in cast("list[LiteralString]", list(model.model_fields)))


def input_rows(table: LiteralString) -> LiteralString:
    """A FROM item `input`: the rows of the parameter `rows`, as rows of the table, however many they are."""
    return f"jsonb_populate_recordset(NULL::{table}, %(rows)s) AS input"


def rows_of(models: Iterable[BaseModel], **others: Any) -> Mapping[str, Jsonb]:
    """That parameter: these models as rows, with what `others` have in the columns that no field is for."""
    return rows({**dict(model), **others} for model in models)


def rows(values: Iterable[Mapping[str, Any]]) -> Mapping[str, Jsonb]:
    """That parameter: rows of these values."""
    return {"rows": Jsonb(list(values), to_json)}


async def read(
    transaction: Transaction, kind: type[M], query: LiteralString, values: Mapping[str, Any] | Sequence[Any] = ()
) -> list[M]:
    """What a statement gives, each row as a model."""
    cursor = transaction.connection.cursor(row_factory=class_row(kind))
    await cursor.execute(query, values)
    return await cursor.fetchall()
