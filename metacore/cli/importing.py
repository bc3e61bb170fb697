"""The command that brings rows from a file into the database."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from metacore.backends.normal_names import NormalNames
from metacore.cli.lines import LONGEST, Lines, Refuse
from metacore.cli.loading import Store, Stored, by_creating, by_import, load
from metacore.cli.output import NOT_AS_NEEDED, print_table, reported_errors, say
from metacore.cli.parameters import Json, Schema, Url, storage_of, user_of
from metacore.cli.payload_files import LARGEST, orders_of, read_payloads, symbols_of, trades_of
from metacore.cli.progress import reading, resumable, size_of
from metacore.cli.refusals import Refusals
from metacore.cli.row_forms import Form, Row, read_csv, read_json_lines
from metacore.config import Settings
from metacore.domain.people.users import NewUser
from metacore.domain.people.users import User as StoredUser
from metacore.domain.trading.orders import NewOrder, Order
from metacore.domain.trading.trades import NewTrade, Trade
from metacore.domain.values.model import Model
from metacore.errors import InvalidDataError
from metacore.sync.storage.storage import Storage


class Kind(StrEnum):
    """What can be imported."""

    USERS = "users"
    ORDERS = "orders"
    TRADES = "trades"


_MODELS: dict[Kind, tuple[type[Model], type[Model]]] = {
    Kind.USERS: (NewUser, StoredUser),
    Kind.ORDERS: (NewOrder, Order),
    Kind.TRADES: (NewTrade, Trade),
}


def add_commands(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("import", rich_help_panel="Files")(import_rows)


def import_rows(
    kind: Annotated[Kind, typer.Argument(help="What the rows are.")],
    file: Annotated[Path, typer.Argument(help="The file, in UTF-8; - is the standard input.")],
    user: Annotated[
        str | None, typer.Option(help="Whose rows a file of MEXC's answers has: an id, or a username.")
    ] = None,
    form: Annotated[
        Form | None, typer.Option("--format", help="What the file is; else its name tells, and .json is mexc.")
    ] = None,
    refused: Annotated[
        Path | None, typer.Option(help="Where refused lines go; else beside the file, as .refused.jsonl.")
    ] = None,
    symbols: Annotated[Path | None, typer.Option(help="Of MEXC's orders: a file of its exchangeInfo.")] = None,
    quote_assets: Annotated[str | None, typer.Option(help="The same by quote assets: USDT,USDC")] = None,
    as_json: Json = False,
    url: Url = None,
    schema: Schema = "metacore",
) -> None:
    """Store the rows of a file: CSV, JSON Lines, or what MEXC answered. Safe to run again.

    Orders and trades are stored by create_many, users one by one. Rows are stored as they are told, and no money moves;
    what is stored already is counted as duplicate. Refused lines are written aside with their reason, and the exit code
    is 1 then.
    """
    with reported_errors(), storage_of(url, schema) as storage:
        settings = Settings()
        names = NormalNames() if settings.normalize_names else None
        chosen = form or _form_of(file)
        aside = refused or Path(f"{'standard-input' if str(file) == '-' else file}.refused.jsonl")
        with _opened(file) as opened, Refusals(aside) as refusals, resumable():
            lines = Lines(opened, LARGEST if chosen is Form.MEXC else LONGEST)
            rows = _rows(storage, kind, chosen, lines, refusals.add, user, symbols, quote_assets)
            total = Stored[Any]()
            with reading() as progress:
                task = progress.add_task(f"Importing {kind}", total=size_of(opened), rows=0)
                ahead = opened.seekable() and settings.pool_max_size > 1
                for stored in load(rows, _store(storage, kind, names), refusals.add, ahead=ahead):
                    total.inserted += stored.inserted
                    total.duplicates += stored.duplicates
                    progress.update(task, completed=lines.size, rows=total.inserted + total.duplicates)
                progress.update(task, completed=lines.size)
    _print(total, refusals, as_json)
    if refusals.count:
        raise typer.Exit(NOT_AS_NEEDED)


def _print(total: Stored[Any], refusals: Refusals, as_json: bool) -> None:
    counts = {"inserted": total.inserted, "duplicates": total.duplicates, "refused": refusals.count}
    if as_json:
        typer.echo(json.dumps({**counts, "refused_file": str(refusals.path) if refusals.count else None}))
        return
    print_table(["Rows", "Number"], ([name, f"{count:,}"] for name, count in counts.items()))
    if refusals.count:
        say(f"The refused lines are in {refusals.path}, each with its number and the reason.")


def _rows(
    storage: Storage,
    kind: Kind,
    form: Form,
    lines: Lines,
    refuse: Refuse,
    user: str | None,
    symbols: Path | None,
    quote_assets: str | None,
) -> Iterator[Row[Any]]:
    if form is Form.MEXC:
        if kind is Kind.USERS or user is None:
            raise InvalidDataError("MEXC tells orders and trades; give --user, whose they are", field="user")
        user_id = user_of(storage, user)
        read = trades_of(user_id) if kind is Kind.TRADES else orders_of(user_id, symbols_of(symbols, quote_assets))
        return read_payloads(lines, read, refuse)
    read_rows = read_csv if form is Form.CSV else read_json_lines
    return read_rows(lines, *_MODELS[kind], refuse)


def _store(storage: Storage, kind: Kind, names: NormalNames | None) -> Store[Any]:
    stores: dict[Kind, Callable[[], Store[Any]]] = {
        Kind.USERS: lambda: by_creating(storage, names),
        Kind.ORDERS: lambda: by_import(storage, storage.orders.create_many, lambda order: str(order.id)),
        Kind.TRADES: lambda: by_import(storage, storage.trades.create_many, lambda trade: trade.exchange_trade_id),
    }
    return stores[kind]()


def _form_of(file: Path) -> Form:
    forms = {".csv": Form.CSV, ".jsonl": Form.JSONL, ".ndjson": Form.JSONL, ".json": Form.MEXC}
    if (form := forms.get(file.suffix.lower())) is None:
        raise InvalidDataError("its name does not tell what the file is; give --format", field="format")
    return form


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    if str(file) == "-":
        yield sys.stdin.buffer
        return
    with file.open("rb") as opened:
        yield opened
