"""Options that several commands share."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated
from uuid import UUID

import typer

from metacore.config import Settings
from metacore.domain.values.times import parse_time
from metacore.errors import InvalidDataError
from metacore.sync.opening import connect
from metacore.sync.storage.storage import Storage

Url = Annotated[
    str | None,
    typer.Option(
        envvar="METACORE_URL",
        show_default=False,
        help="postgresql://user@host/database, or embedded:/path. The password is better kept in PGPASSWORD, .pgpass or"
        " a service file than in an argument, which every user of the machine can read.",
    ),
]
Schema = Annotated[str, typer.Option(envvar="METACORE_SCHEMA", help="The PostgreSQL schema of all tables.")]
User = Annotated[str | None, typer.Option(help="The user: an id, or a username. All users if it is left out.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a machine: one object a line.")]


def storage_of(url: str | None, schema: str) -> Storage:
    """The storage that the options name; it is opened by a `with` block."""
    return connect(url, settings=Settings(schema=schema))


def user_of(storage: Storage, text: str) -> UUID:
    """The id of the user that an option names; NotFoundError if there is none."""
    try:
        user_id = UUID(text)
    except ValueError:
        return storage.users.get_by_username(text).id
    return storage.users.get(user_id).id


def moment(text: str, option: str) -> datetime:
    """The time that an option gives; InvalidDataError, naming the option, if it is no time."""
    try:
        if len(text) == len("2026-01-31"):
            return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
        return parse_time(text)
    except ValueError:
        raise InvalidDataError("it is a date, or a time with its offset: 2026-01-31", field=option) from None
