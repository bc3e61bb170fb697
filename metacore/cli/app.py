"""The command line as a whole."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import metacore
from metacore.cli import archive, keys, schema
from metacore.cli.output import say

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


def _print_version(wanted: bool) -> None:
    if wanted:
        say(f"metacore {metacore.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version of Metacore.")
    ] = False,
) -> None:
    """Take the options of the command itself."""


schema.add_commands(app)
keys.add_commands(app)
archive.add_commands(app)
