"""The command that writes rows into a file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from metacore.cli.output import errors_console, reported_errors
from metacore.cli.parameters import Schema, Url, User, storage_of, user_of
from metacore.cli.progress import exporting
from metacore.cli.row_forms import Form, write_csv, write_json_lines
from metacore.domain.people.users import User as StoredUser
from metacore.domain.trading.balances import Balance, BalanceEntry
from metacore.domain.trading.orders import Order
from metacore.domain.trading.trades import Trade
from metacore.domain.values.model import Model
from metacore.errors import InvalidDataError
from metacore.sync.storage.storage import Storage


class Kind(StrEnum):
    """What can be exported."""

    USERS = "users"
    ORDERS = "orders"
    TRADES = "trades"
    BALANCES = "balances"
    JOURNAL = "journal"


_MODELS: dict[Kind, type[Model]] = {
    Kind.USERS: StoredUser,
    Kind.ORDERS: Order,
    Kind.TRADES: Trade,
    Kind.BALANCES: Balance,
    Kind.JOURNAL: BalanceEntry,
}

_OF_USER: dict[Kind, Callable[[Storage, UUID], Iterable[Model]]] = {
    Kind.USERS: lambda storage, user_id: [storage.users.get(user_id)],
    Kind.ORDERS: lambda storage, user_id: storage.orders.stream(user_id),
    Kind.TRADES: lambda storage, user_id: storage.trades.stream(user_id),
    Kind.BALANCES: lambda storage, user_id: storage.balances.list(user_id),
    Kind.JOURNAL: lambda storage, user_id: storage.balances.stream_entries(user_id),
}


def add_commands(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("export", rich_help_panel="Files")(export)


def export(
    kind: Annotated[Kind, typer.Argument(help="What the rows are.")],
    file: Annotated[Path, typer.Argument(help="The file; - is the standard output.")] = Path("-"),
    user: User = None,
    form: Annotated[
        Form | None, typer.Option("--format", help="csv or jsonl; else the file's name tells, or it is jsonl.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it is there.")] = False,
    url: Url = None,
    schema: Schema = "metacore",
) -> None:
    """Write rows into a file, of one user or of all: CSV or JSON Lines, each row with all its fields.

    Users, orders and trades can be imported into another database. Rows come as they are while they are read, without
    a transaction held open. The file is for its owner alone, and is there only once it is complete.
    """
    with reported_errors(), storage_of(url, schema) as storage:
        chosen = form or (Form.CSV if file.suffix.lower() == ".csv" else Form.JSONL)
        if chosen is Form.MEXC:
            raise InvalidDataError("rows are written as csv or jsonl", field="format")
        rows = _rows(storage, kind, None if user is None else user_of(storage, user))
        with _opened(file, overwrite) as write:
            columns = _MODELS[kind].model_fields
            written = write_csv(rows, columns, write) if chosen is Form.CSV else write_json_lines(rows, write)
            count = 0
            with exporting() as progress:
                task = progress.add_task(f"Exporting {kind}", total=None, rows=0)
                for count in written:
                    if count % 1000 == 0:
                        progress.update(task, rows=count)
                progress.update(task, rows=count, total=1, completed=1)
    errors_console.print(f"{count:,} {kind} written.")


def _rows(storage: Storage, kind: Kind, user_id: UUID | None) -> Iterable[Model]:
    if user_id is not None:
        return _OF_USER[kind](storage, user_id)
    if kind is Kind.USERS:
        return storage.users.stream()
    return (row for user in storage.users.stream() for row in _OF_USER[kind](storage, user.id))


@contextmanager
def _opened(file: Path, overwrite: bool) -> Iterator[Callable[[str], object]]:
    """What writes into `file`, which is in its place once the block is left normally."""
    if str(file) == "-":
        yield lambda text: sys.stdout.write(text)
        return
    if file.exists() and not overwrite:
        raise InvalidDataError(f"{file} is there already; give --overwrite, or another name", field="file")
    beside = file.with_name(f"{file.name}.part")
    try:
        beside.unlink(missing_ok=True)
        beside.touch(0o600, exist_ok=False)
        with beside.open("w", encoding="utf-8", newline="") as opened:
            yield opened.write
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)
