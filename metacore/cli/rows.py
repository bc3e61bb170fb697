"""The commands that show rows: all of a kind, or one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from operator import attrgetter
from typing import Annotated, Any, TypeVar
from uuid import UUID

import typer

from metacore.cli.output import reported_errors
from metacore.cli.parameters import Json, Schema, Url, User, moment, storage_of, user_of
from metacore.cli.printing import Columns, print_row, print_rows
from metacore.domain.trading.balances import Balance, EntryFilter, EntryReason
from metacore.domain.trading.orders import Order, OrderFilter, OrderSide, OrderStatus
from metacore.domain.trading.trades import Trade, TradeFilter, TradeState
from metacore.domain.values.model import build
from metacore.errors import InvalidDataError
from metacore.sync.storage.storage import Storage

T = TypeVar("T")

Limit = Annotated[int, typer.Option(min=1, help="How many rows at most.")]
All = Annotated[bool, typer.Option("--all", help="All rows, however many.")]
Symbol = Annotated[str | None, typer.Option(help="Only of this symbol.")]
Side = Annotated[OrderSide | None, typer.Option(help="Only of this side.")]
Since = Annotated[str | None, typer.Option(help="Only from then on: a date in UTC, or a time with offset.")]
Until = Annotated[str | None, typer.Option(help="Only before: a date in UTC, or a time with offset.")]


def _columns(*names: str, **others: Callable[[Any], Any]) -> Columns:
    return {name.replace("_", " ").capitalize(): attrgetter(name) for name in names} | others


_USERS = _columns("created_at", "id", "username", "uid", "exchange", "is_active", "can_trade")
_ORDERS = _columns(
    "created_at", "id", "symbol", "side", "type", "status", "price", "quantity", "executed_quantity", "held_amount"
)
_UPDATES = _columns(
    "seq", "occurred_at", "previous_status", "status", "executed_quantity", "outcome", "source", "reason"
)
_TRADES = _columns("traded_at", "id", "exchange_trade_id", "symbol", "side", "price", "quantity", "commission", "state")
_BALANCES = _columns("asset", "free", "locked", "unexplained", "updated_at")
_JOURNAL = _columns(
    "occurred_at", "asset", "seq", "reason", "delta_free", "delta_locked", "free_after", "locked_after", "reference"
)


def add_commands(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    for function in (users, orders, trades, balances, journal):
        app.command(rich_help_panel="Rows")(function)


def users(
    user: Annotated[str | None, typer.Argument(help="One user, by id or username; else all, newest first.")] = None,
    inactive: Annotated[bool, typer.Option("--inactive", help="Only those that are not active.")] = False,
    limit: Limit = 100,
    everything: All = False,
    as_json: Json = False,
    url: Url = None,
    schema: Schema = "metacore",
) -> None:
    """List users, or show one with its balances."""
    with _opened(url, schema) as storage:
        if user is None:
            rows = storage.users.stream(False if inactive else None)
            print_rows(rows, _USERS, None if everything else limit, as_json)
        else:
            found = storage.users.get(user_of(storage, user))
            print_row(found, {"balances": storage.balances.list(found.id)}, _BALANCES, as_json)


def orders(
    order_id: Annotated[UUID | None, typer.Argument(metavar="ORDER", help="One order of the user, by id.")] = None,
    user: User = None,
    status: Annotated[list[OrderStatus] | None, typer.Option(help="Only in this status; may be repeated.")] = None,
    symbol: Symbol = None,
    side: Side = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 100,
    everything: All = False,
    as_json: Json = False,
    url: Url = None,
    schema: Schema = "metacore",
) -> None:
    """List orders, newest first for each user, or show one with its updates."""
    with _opened(url, schema) as storage:
        if order_id is not None:
            found = storage.orders.get(_one_user(storage, user), order_id)
            print_row(found, {"updates": storage.order_updates.list(*found.key)}, _UPDATES, as_json)
            return
        chosen = build(OrderFilter, {"status": status or None, "symbol": symbol, "side": side, **_times(since, until)})
        if user is None and len(chosen.statuses) == 1:
            rows: Iterator[Order] = filter(chosen.matches, storage.orders.stream_in_status(chosen.statuses[0]))
        else:
            rows = _of_users(storage, user, lambda user_id: storage.orders.stream(user_id, chosen))
        print_rows(rows, _named(user, _ORDERS), None if everything else limit, as_json)


def trades(
    trade_id: Annotated[UUID | None, typer.Argument(metavar="TRADE", help="One trade of the user, by id.")] = None,
    user: User = None,
    state: Annotated[TradeState | None, typer.Option(help="Only in this state; PENDING: their money waits.")] = None,
    symbol: Symbol = None,
    side: Side = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 100,
    everything: All = False,
    as_json: Json = False,
    url: Url = None,
    schema: Schema = "metacore",
) -> None:
    """List trades, newest first for each user, or show one."""
    with _opened(url, schema) as storage:
        if trade_id is not None:
            print_row(storage.trades.get(_one_user(storage, user), trade_id), {}, {}, as_json)
            return
        chosen = build(TradeFilter, {"state": state, "symbol": symbol, "side": side, **_times(since, until)})
        if user is None and state is TradeState.PENDING:
            rows: Iterator[Trade] = filter(chosen.matches, storage.trades.stream_pending())
        else:
            rows = _of_users(storage, user, lambda user_id: storage.trades.stream(user_id, chosen))
        print_rows(rows, _named(user, _TRADES), None if everything else limit, as_json)


def balances(
    asset: Annotated[str | None, typer.Argument(help="One balance of the user, by its asset.")] = None,
    user: User = None,
    nonzero: Annotated[bool, typer.Option("--nonzero", help="Only with something free or locked.")] = False,
    unexplained: Annotated[bool, typer.Option("--unexplained", help="Only with something unexplained.")] = False,
    limit: Limit = 100,
    everything: All = False,
    as_json: Json = False,
    url: Url = None,
    schema: Schema = "metacore",
) -> None:
    """List balances, or show one."""
    with _opened(url, schema) as storage:
        if asset is not None:
            print_row(storage.balances.get(_one_user(storage, user), asset), {}, {}, as_json)
            return
        if user is None and unexplained:
            rows: Iterator[Balance] = (row for row in storage.balances.stream_unexplained() if not nonzero or row.total)
        else:
            rows = _of_users(storage, user, lambda user_id: iter(storage.balances.list(user_id, nonzero, unexplained)))
        print_rows(rows, _named(user, _BALANCES), None if everything else limit, as_json)


def journal(
    asset: Annotated[str | None, typer.Argument(help="Only of this asset.")] = None,
    user: User = None,
    reason: Annotated[EntryReason | None, typer.Option(help="Only for this reason.")] = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 100,
    everything: All = False,
    as_json: Json = False,
    url: Url = None,
    schema: Schema = "metacore",
) -> None:
    """List what moved the balances, newest first for each user."""
    with _opened(url, schema) as storage:
        chosen = build(EntryFilter, {"asset": asset, "reason": reason, **_times(since, until)})
        rows = _of_users(storage, user, lambda user_id: storage.balances.stream_journal(user_id, chosen))
        print_rows(rows, _named(user, _JOURNAL), None if everything else limit, as_json)


@contextmanager
def _opened(url: str | None, schema: str) -> Iterator[Storage]:
    with reported_errors(), storage_of(url, schema) as storage:
        yield storage


def _of_users(storage: Storage, user: str | None, rows_of: Callable[[UUID], Iterator[T]]) -> Iterator[T]:
    """The rows of the user that is told, or of all users."""
    users = [user_of(storage, user)] if user is not None else (row.id for row in storage.users.stream())
    return (row for user_id in users for row in rows_of(user_id))


def _one_user(storage: Storage, user: str | None) -> UUID:
    if user is None:
        raise InvalidDataError("one row is shown of one user; give --user", field="user")
    return user_of(storage, user)


def _named(user: str | None, columns: Columns) -> Columns:
    return columns if user is not None else {"User": attrgetter("user_id"), **columns}


def _times(since: str | None, until: str | None) -> dict[str, Any]:
    return {name: moment(text, name) for name, text in (("since", since), ("until", until)) if text is not None}
