"""Rows of own tables, whose columns are the fields of models."""

from __future__ import annotations

from typing import LiteralString, cast

import psycopg
from pydantic import BaseModel

from metacore import (
    MetacoreError,
    OutcomeUnknownError,
    PoolTimeoutError,
    RetryableError,
    StatementTimeoutError,
    StorageUnavailableError,
)

FAILURES = (MetacoreError, psycopg.Error)
"""What a transaction with statements of one's own may end by."""
PASSING = (
    RetryableError,
    OutcomeUnknownError,
    StatementTimeoutError,
    StorageUnavailableError,
    PoolTimeoutError,
    psycopg.OperationalError,
)
"""Those of them after which it may go well again."""


def columns_of(model: type[BaseModel]) -> LiteralString:
    """The columns, by the names of the fields: text of ours, whoever asks."""
    return ", ".join(cast("list[LiteralString]", list(model.model_fields)))


def places_of(model: type[BaseModel]) -> LiteralString:
    """The places of their values in a statement, by the same names."""
    return ", ".join(f"%({name})s" for name in cast("list[LiteralString]", list(model.model_fields)))
