"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

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
