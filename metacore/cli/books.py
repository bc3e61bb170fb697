"""The commands that look after the books: the audit, and trades whose money waits."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter
from typing import Annotated
from uuid import UUID

import typer

from metacore.cli.output import NOT_AS_NEEDED, print_table, put, reported_errors, say
from metacore.cli.parameters import Json, Schema, Url, User, storage_of, user_of
from metacore.cli.printing import Columns, text_of
from metacore.cli.progress import counting, resumable
from metacore.domain.trading.audit import AuditFinding
from metacore.errors import InvalidDataError, NotFoundError
from metacore.sync.services.trading import TradingService
from metacore.sync.storage.storage import Storage

_FINDINGS: Columns = {
    name.replace("_", " ").capitalize(): attrgetter(name)
    for name in ("user_id", "rule", "asset", "seq", "order_id", "expected", "actual")
}


def add_commands(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command(rich_help_panel="Books")(audit)
    app.command("settle-pending", rich_help_panel="Books")(settle_pending)


def audit(
    user: Annotated[str | None, typer.Option(help="The user: an id, or a username.")] = None,
    everyone: Annotated[bool, typer.Option("--all", help="All users, one after the other.")] = False,
    as_json: Json = False,
    url: Url = None,
    schema: Schema = "metacore",
) -> None:
    """Check what must always be true: balances, their journal, holds, orders and trades. Services go on meanwhile.

    Exit code 1 if anything disagrees.
    """
    with reported_errors():
        if everyone == (user is not None):
            raise InvalidDataError("tell either --user or --all", field="user")
        with storage_of(url, schema) as storage, resumable():
            found, users = 0, [user_of(storage, user)] if user is not None else None
            with counting() as progress:
                total = sum(1 for _ in storage.users.stream()) if users is None else 1
                task = progress.add_task("Auditing users", total=total)
                for user_id in users or (row.id for row in storage.users.stream()):
                    for finding in _findings(storage, user_id):
                        found += 1
                        _show(finding, as_json)
                    progress.advance(task)
    if not as_json:
        say(f"{found} findings." if found else "All that must be true is true.")
    if found:
        raise typer.Exit(NOT_AS_NEEDED)


def _findings(storage: Storage, user_id: UUID) -> Iterator[AuditFinding]:
    try:
        yield from storage.balances.audit(user_id)
    except NotFoundError:
        """The user was deleted meanwhile."""


def _show(finding: AuditFinding, as_json: bool) -> None:
    if as_json:
        put(finding.model_dump_json())
    else:
        columns = ((name, text_of(column(finding))) for name, column in _FINDINGS.items())
        say(", ".join(f"{name.lower()} {text}" for name, text in columns if text))


def settle_pending(user: User = None, as_json: Json = False, url: Url = None, schema: Schema = "metacore") -> None:
    """Settle the trades whose money waits, as far as there is money now; of one user, or of all.

    Safe to run again. What still waits is counted, and no failure: the exit code is 0.
    """
    with reported_errors(), storage_of(url, schema) as storage, resumable():
        trading, outcomes = TradingService(storage), Counter[str]()
        users = [user_of(storage, user)] if user is not None else _waiting(storage)
        with counting() as progress:
            task = progress.add_task("Settling trades", total=None)
            for user_id in users:
                for result in _settled(trading, user_id):
                    outcomes[result] += 1
                    progress.advance(task)
            progress.update(task, total=outcomes.total(), completed=outcomes.total())
    if as_json:
        typer.echo(json.dumps(dict(outcomes)))
    else:
        print_table(["Outcome", "Trades"], ([name, f"{count:,}"] for name, count in sorted(outcomes.items())))
        say("Nothing waits." if not outcomes else "PENDING ones wait for funds, UNKNOWN_ORDER ones for their order.")


def _waiting(storage: Storage) -> Iterator[UUID]:
    """The users of trades that wait, each once."""
    return (user_id for user_id, _ in groupby(storage.trades.stream_pending(), attrgetter("user_id")))


def _settled(trading: TradingService, user_id: UUID) -> Iterator[str]:
    try:
        yield from (result.outcome.value for result in trading.settle_pending(user_id))
    except NotFoundError:
        """The user was deleted meanwhile."""
