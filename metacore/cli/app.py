"""The command line as a whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import metacore
from metacore.cli import archive, books, exporting, heads, importing, keys, rows, schema
from metacore.cli.output import say

_PLAIN = re.compile(r"--[a-z]+(?:-[a-z]+)*", re.ASCII)
_NOT_REPEATED = "What was given is not repeated, for it may hold a password; see --help."


class _Commands(TyperGroup):
    """The commands. What is said of a wrong argument never repeats it."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        with _discreet():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        with _discreet():
            return super().invoke(ctx)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        return list(self.commands)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands, those of one panel together."""
        panels: dict[str, list[tuple[str, str]]] = {}
        limit = formatter.width - 6 - max(map(len, self.commands))
        for name in self.list_commands(ctx):
            command: Any = self.commands[name]
            panel = command.rich_help_panel if isinstance(command.rich_help_panel, str) else "Others"
            panels.setdefault(panel, []).append((name, command.get_short_help_str(limit)))
        for panel, commands in panels.items():
            with formatter.section(panel):
                formatter.write_dl(commands)


@contextmanager
def _discreet() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        # Typer's own errors of usage are of click's classes or, in later releases, of a copy of them.
        names = {kind.__name__ for kind in type(error).__mro__}
        if "UsageError" in names and not names & {"MissingParameter", "NoArgsIsHelpError"}:
            error.message = _usage_message(error, names)  # type: ignore[attr-defined]
        raise


def _usage_message(error: Any, names: set[str]) -> str:
    if "NoSuchOption" in names:
        name = str(getattr(error, "option_name", ""))
        return f"There is no such option{f': {name}' if _PLAIN.fullmatch(name) else ''}."
    if "BadParameter" in names:
        return f"this is not what it takes. {_NOT_REPEATED}"
    if "BadOptionUsage" in names:
        return "An option is without its value, or has one that it does not take; see --help."
    return f"There is no such command, or it takes no such argument. {_NOT_REPEATED}"


app = typer.Typer(
    cls=_Commands,
    name="metacore",
    help="""Look after Metacore's storages in PostgreSQL: their schema, their rows, their books.

    The database is told by --url or METACORE_URL; begin with: metacore deploy. Every command has --help.

    Exit codes: 0 done, and all is well; 1 something is not as it should be: the schema is not what this release needs,
    the audit found something, lines were refused; 2 wrong usage: an argument, a setting, the URL or a right; 3 the
    database cannot be reached, or refused; 130 broken off.
    """,
    no_args_is_help=True,
    rich_markup_mode=None,
    # A traceback that shows local variables would show passwords.
    pretty_exceptions_enable=False,
)


def _print_version(show: bool) -> None:
    if show:
        say(f"metacore {metacore.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version of Metacore.")
    ] = False,
) -> None:
    """Take the options of the command itself."""


for module in (schema, rows, books, heads, importing, exporting, archive, keys):
    module.add_commands(app)
