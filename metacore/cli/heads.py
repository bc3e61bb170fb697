"""The heads of all journals in a file, to be kept where nobody comes who can write to the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import UUID

import typer
from pydantic import ValidationError

from metacore.cli.output import reported_errors
from metacore.cli.parameters import Schema, Url, storage_of
from metacore.domain.trading.balances import BalanceHead
from metacore.errors import InvalidDataError


class UserHead(BalanceHead):
    """A line of the file: the head of one balance, and whose it is."""

    user_id: UUID


def add_commands(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command(rich_help_panel="Books")(heads)


def heads(url: Url = None, schema: Schema = "metacore") -> None:
    """Print the head of each journal, a line of JSON for each balance: keep them away from the database.

    `metacore archive --verify --heads FILE` finds journals that were rewritten since, whoever did it.
    """
    with reported_errors(), storage_of(url, schema) as storage:
        for user in storage.users.stream():
            for head in storage.balances.heads(user.id):
                typer.echo(UserHead(user_id=user.id, **head.fields()).model_dump_json())


def read_heads(path: Path) -> Mapping[UUID, Sequence[BalanceHead]]:
    """The heads in the file, by user. InvalidDataError, naming the line, if one is no head."""
    found: dict[UUID, list[BalanceHead]] = defaultdict(list)
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise InvalidDataError(f"{path} cannot be read", field="heads") from None
    for number, line in enumerate(lines, 1):
        try:
            head = UserHead.model_validate_json(line)
        except ValidationError:
            raise InvalidDataError(f"line {number} of {path} is no head", field="heads") from None
        found[head.user_id].append(BalanceHead(asset=head.asset, seq=head.seq, hash=head.hash))
    return found
