"""The forms of rows in files: a line of JSON or CSV is a row, with the names of the model's fields.

In CSV a value that is None is an empty cell, and text that is empty or begins with a quotation mark is written as JSON
text, so that the two can be told apart; what is no plain value is JSON.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import ValidationError

from metacore.cli.lines import KEPT, LONGEST, NOT_UTF8, TOO_LONG, Lines, Refuse, is_utf8, legible
from metacore.domain.values.json_text import dump_json, load_strictly
from metacore.domain.values.model import Model, invalid_data
from metacore.errors import InvalidDataError

M = TypeVar("M", bound=Model)


class Form(StrEnum):
    """How a file says rows."""

    CSV = "csv"
    JSONL = "jsonl"
    MEXC = "mexc"


class Row(NamedTuple, Generic[M]):
    """A row that was read, and the line that it was read from."""

    model: M
    number: int
    line: str


def read_json_lines(lines: Lines, model: type[M], stored: type[Model], refuse: Refuse) -> Iterator[Row[M]]:
    """The rows of a file of JSON Lines. Fields that only a `stored` row has are passed over, others are refused."""
    ignored = stored.model_fields.keys() - model.model_fields.keys()
    for line in lines:
        if not line.strip():
            continue
        try:
            _require_readable(line, lines.is_too_long)
            values = load_strictly(line)
            if not isinstance(values, dict):
                raise ValueError("a line is a JSON object")
            for name in ignored & values.keys():
                del values[name]
            row = model.model_validate(values)
        except (ValueError, RecursionError) as error:
            refuse(lines.number, reason_of(error), legible(line))
        else:
            yield Row(row, lines.number, line)


def read_csv(lines: Lines, model: type[M], stored: type[Model], refuse: Refuse) -> Iterator[Row[M]]:
    """The rows of a file of CSV, whose first line names the columns: fields of a `stored` row, of which those that the
    model lacks are passed over. InvalidDataError if the first line does not.
    """
    record = _Record(lines)
    csv.field_size_limit(LONGEST)
    reader = csv.reader(record, strict=True)
    columns = _columns(reader, record, model, stored)
    needed = [(index, name, _DECODERS.get(name)) for index, name in enumerate(columns) if name in model.model_fields]
    plain = [(index, name) for index, name, decoder in needed if decoder is None]
    decoded = [(index, name, decoder) for index, name, decoder in needed if decoder is not None]
    while True:
        record.begin()
        try:
            cells = next(reader)
            if not cells and not record.is_too_long:
                continue
            _require_readable(text := record.text, record.is_too_long)
            if len(cells) != len(columns):
                raise ValueError(f"the line has {len(cells)} cells, and there are {len(columns)} columns")
            values: dict[str, Any] = {
                name: cell if cell[0] != '"' else json.loads(cell) for index, name in plain if (cell := cells[index])
            }
            for index, name, decoder in decoded:
                if cell := cells[index]:
                    values[name] = decoder(cell)
            row = model.model_validate(values)
        except StopIteration:
            return
        except (ValueError, RecursionError, csv.Error) as error:
            refuse(record.number, reason_of(error), legible(record.text))
        else:
            yield Row(row, record.number, text)


class _Record:
    """The lines that a reader of CSV takes for one record."""

    def __init__(self, lines: Lines) -> None:
        self._lines, self._taken = lines, list[str]()
        self._size = 0
        self.is_too_long = False
        self.number = 1
        self._iterator = iter(lines)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._iterator)
        if not self._taken:
            self.number = self._lines.number
        self._size += len(line)
        if self._lines.is_too_long or (self._taken and self._size > LONGEST):
            self.is_too_long = True
            self._taken[:] = [self.text[:KEPT] or line]
            self._size = len(self._taken[0])
            return "\n"
        self._taken.append(line)
        return line

    def begin(self) -> None:
        """Begin a record."""
        self._taken.clear()
        self._size = 0
        self.is_too_long = False

    @property
    def text(self) -> str:
        return "".join(self._taken)


def _columns(reader: Iterator[list[str]], record: _Record, model: type[Model], stored: type[Model]) -> list[str]:
    try:
        names = next(reader, [])
        _require_readable(record.text, record.is_too_long)
    except (ValueError, csv.Error) as error:
        raise InvalidDataError(f"the first line, which names the columns: {error}", field="file") from None
    if not names:
        raise InvalidDataError("the file is empty: its first line names the columns", field="file")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InvalidDataError(f"the columns have names twice: {', '.join(map(repr, twice))}", field="file")
    known = model.model_fields.keys() | stored.model_fields.keys()
    if unknown := [name for name in names if name not in known]:
        raise InvalidDataError(
            f"no such column: {', '.join(map(repr, unknown))}; there are {', '.join(model.model_fields)}", field="file"
        )
    needed = [name for name, field in model.model_fields.items() if field.is_required()]
    if missing := [name for name in needed if name not in names]:
        raise InvalidDataError(f"a column is missing: {', '.join(missing)}", field="file")
    return names


def _require_readable(line: str, is_too_long: bool) -> None:
    if is_too_long:
        raise ValueError(TOO_LONG)
    if not is_utf8(line):
        raise ValueError(NOT_UTF8)


def reason_of(error: Exception) -> str:
    """Why a line is refused, without what is in it."""
    if isinstance(error, ValidationError):
        error = invalid_data(error)
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON: {error.msg}, character {error.pos}"
    return "JSON nested too deeply" if isinstance(error, RecursionError) else str(error)


def _integer(cell: str) -> Any:
    return int(cell) if cell.isascii() and cell.removeprefix("-").isdecimal() and len(cell) < 30 else cell


_JSON = ("raw", "permissions", "balances_contrary")
"""The fields whose cells are JSON."""

_DECODERS: dict[str, Callable[[str], Any]] = {**dict.fromkeys(_JSON, load_strictly), "telegram_id": _integer}
"""Of the fields that are not told by their text."""


def write_csv(rows: Iterable[Model], columns: Iterable[str], write: Callable[[str], object]) -> Iterator[int]:
    """Write `rows`, after a line of the `columns`; the number of each, once it is written."""
    names = list(columns)
    writer = csv.writer(_Writing(write))
    writer.writerow(names)
    for number, row in enumerate(rows, 1):
        writer.writerow([_cell(name, row.__dict__[name]) for name in names])
        yield number


def write_json_lines(rows: Iterable[Model], write: Callable[[str], object]) -> Iterator[int]:
    """Write `rows`; the number of each, once it is written."""
    for number, row in enumerate(rows, 1):
        write(row.model_dump_json() + "\n")
        yield number


class _Writing:
    def __init__(self, write: Callable[[str], object]) -> None:
        self.write = write


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name in _JSON:
        return dump_json(value)
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, str):
        return value if value and value[0] != '"' else json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, datetime) else str(value)
