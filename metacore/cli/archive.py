"""The command that takes closed history out of the database, and reads it back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from metacore.cli.heads import read_heads
from metacore.cli.output import NOT_AS_NEEDED, print_table, reported_errors, say
from metacore.cli.parameters import Schema, Url, moment, storage_of
from metacore.cli.progress import counting, resumable
from metacore.cli.shelves import Shelf
from metacore.domain.trading.archiving import KINDS, History
from metacore.domain.trading.balances import BalanceHead
from metacore.errors import InvalidDataError, NotFoundError
from metacore.sync.services.archiving import Archiver
from metacore.sync.storage.storage import Storage


def add_commands(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command(rich_help_panel="Files")(archive)


def archive(
    directory: Annotated[Path, typer.Argument(help="Where the parts are kept: always the same for one database.")],
    before: Annotated[
        str | None,
        typer.Option(help="What is older goes, if it is closed: a date (its beginning in UTC), or a time with offset."),
    ] = None,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Take nothing: compare files, manifest and database, and audit all of it."),
    ] = False,
    heads: Annotated[
        Path | None,
        typer.Option(help="With --verify: what `metacore heads` printed; the journals must go through it."),
    ] = None,
    feed: Annotated[
        str | None,
        typer.Option(help="The topic of the services' feed, if they tell one: CHECKPOINT entries are told by it."),
    ] = None,
    url: Url = None,
    schema: Schema = "metacore",
) -> None:
    """Move closed history out of the database, user by user, into files. Services go on meanwhile.

    Safe to break off and run again. Needs the role that deploys: services may not delete from journals. With --verify,
    exit code 1 if a file is missing or was changed, or what is archived and what is stored do not add up.
    """
    with reported_errors():
        if verify == (before is not None):
            raise InvalidDataError("tell either --before, to archive, or --verify", field="before")
        if heads is not None and not verify:
            raise InvalidDataError("heads are for --verify", field="heads")
        if feed is not None and verify:
            raise InvalidDataError("--verify changes nothing that a feed could tell", field="feed")
        kept = {} if heads is None else read_heads(heads)
        until = None if before is None else moment(before, "before")
        with storage_of(url, schema) as storage:
            shelf = Shelf(directory)
            with resumable():
                if until is None:
                    _verify(storage, shelf, kept)
                else:
                    _archive(Archiver(storage, feed=feed), storage, shelf, until)


def _archive(archiver: Archiver, storage: Storage, shelf: Shelf, before: datetime) -> None:
    taken = Counter[str](dict.fromkeys(KINDS, 0))
    with counting() as progress:
        task = progress.add_task("Archiving users", total=sum(1 for _ in storage.users.stream()))
        for user_id in (user.id for user in storage.users.stream()):
            try:
                shelf.catch_up(storage.archives.list(user_id))
                for part in archiver.archive(user_id, before, shelf.keep):
                    shelf.note(part)
                    taken.update(part.counts())
            except NotFoundError:
                # The user was deleted meanwhile.
                continue
            finally:
                progress.advance(task)
    print_table(["Rows", "Archived"], ([kind.replace("_", " "), str(count)] for kind, count in taken.items()))
    say("Now is the time to VACUUM, and to run the command with --verify.")


def _verify(storage: Storage, shelf: Shelf, heads: Mapping[UUID, Sequence[BalanceHead]]) -> None:
    archiver, flaws, parts = Archiver(storage), list[str](), 0
    with counting() as progress:
        archived = (user.id for user in storage.users.stream() if storage.archives.list(user.id))
        users = sorted({*shelf.users(), *archived, *heads})
        for user_id in progress.track(users, description="Verifying users"):
            parts += len(shelf.parts(user_id))
            flaws += _flaws(storage, archiver, shelf, user_id, heads.get(user_id, ()))
    for flaw in flaws:
        say(flaw)
    if flaws:
        say(f"{len(flaws)} findings in {parts} parts of {len(users)} users.")
        raise typer.Exit(NOT_AS_NEEDED)
    say(f"All of {parts} parts of {len(users)} users are as they were written, and add up with what is stored.")


def _flaws(
    storage: Storage, archiver: Archiver, shelf: Shelf, user_id: UUID, heads: Sequence[BalanceHead]
) -> list[str]:
    """What is wrong with the parts of a user."""
    parts, stored = shelf.parts(user_id), storage.archives.list(user_id)
    by_number = {part.number: part for part in parts}
    flaws = [flaw for part in parts if (flaw := shelf.flaw(part)) is not None]
    flaws += [
        f"{shelf.path(user_id, part.number)} is not in the manifest as the database tells it"
        for part in stored
        if by_number.get(part.number) != part
    ]
    if flaws:
        return flaws

    def histories() -> Iterator[History]:
        return (shelf.read(part) for part in parts)

    try:
        findings = archiver.audit(user_id, histories(), heads)
    except NotFoundError:
        # The user was deleted: the files are all there is.
        for _ in histories():
            """Reading tells of what cannot be read."""
        return [f"user {user_id}: is not stored, and there are heads of its journals"] if heads else []
    except InvalidDataError as error:
        return [error.message]
    return [
        f"user {user_id}: {finding.rule} at {finding.asset or finding.order_id} {finding.seq or ''}:"
        f" expected {finding.expected}, is {finding.actual}"
        for finding in findings
    ]
