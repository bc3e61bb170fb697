"""Rows as the commands print them: tables for people, a JSON object a line for machines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import Enum
from itertools import islice
from typing import Any, TypeVar

import typer

from metacore.cli.output import errors_console, print_table
from metacore.domain.values.json_text import dump_json
from metacore.domain.values.model import Model

M = TypeVar("M", bound=Model)

Columns = Mapping[str, Callable[[Any], Any]]
"""What a table shows of a row, by the column's name."""

_AT_ONCE = 1000
"""How many rows of a table are laid out together."""


def print_rows(rows: Iterable[Model], columns: Columns, limit: int | None, as_json: bool) -> None:
    """Print `rows`, the first `limit` of them if it is given, and say if there are more."""
    remaining = iter(rows)
    chosen = remaining if limit is None else islice(remaining, limit)
    if as_json:
        for row in chosen:
            typer.echo(row.model_dump_json())
    else:
        portion = list(islice(chosen, _AT_ONCE))
        while True:
            print_table(columns, ([text_of(column(row)) for column in columns.values()] for row in portion))
            if not (portion := list(islice(chosen, _AT_ONCE))):
                break
    if limit is not None and next(remaining, None) is not None:
        errors_console.print("There are more: give a larger --limit, or --all.")


def print_row(row: Model, others: Mapping[str, Sequence[Model]], columns: Columns, as_json: bool) -> None:
    """Print one row with all its fields, and the `others` that belong to it."""
    if as_json:
        parts = {name: f"[{','.join(other.model_dump_json() for other in of_row)}]" for name, of_row in others.items()}
        added = "".join(f',"{name}":{text}' for name, text in parts.items())
        typer.echo(row.model_dump_json()[:-1] + added + "}")
        return
    print_table(["Field", "Value"], ([name, text_of(value)] for name, value in row.fields().items()))
    for name, of_row in others.items():
        if of_row:
            typer.echo(name.replace("_", " ").capitalize())
            print_table(columns, ([text_of(column(other)) for column in columns.values()] for other in of_row))


def text_of(value: Any) -> str:
    """`value` of a field, for a person."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f").rstrip("0").rstrip(".")
    if isinstance(value, Enum):
        return str(value.value)
    return dump_json(value) if isinstance(value, Mapping | tuple) else str(value)
