"""The command line as a whole."""

from __future__ import annotations

import re
from typing import Any

import typer
from typer.core import TyperGroup

from metacore.cli import keys, schema

_PASSWORD = re.compile(r"(//[^:/?@\s]*):\S*@")


class _Commands(TyperGroup):
    """The commands. What is said of a wrong argument repeats it, but without the password of a URL."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except Exception as error:
            # Typer's own errors of usage are of click's classes or, in later releases, of a copy of them.
            if isinstance(message := getattr(error, "message", None), str):
                error.message = _PASSWORD.sub(r"\1:***@", message)  # type: ignore[attr-defined]
            raise


app = typer.Typer(
    cls=_Commands,
    name="metacore",
    help="""Deploy the schema of Metacore's storages into PostgreSQL, and look after it.

    Exit codes: 0 done, and all is well; 1 the schema is not what this release needs; 2 wrong usage: an argument, a
    setting, the URL or a right; 3 the database cannot be reached, or refused.
    """,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    # A traceback that shows local variables would show passwords.
    pretty_exceptions_enable=False,
)
schema.add_commands(app)
keys.add_commands(app)
