"""What the commands print, and the exit codes that tell how they ended."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from metacore.errors import (
    ConfigurationError,
    InvalidDataError,
    MetacoreError,
    NotFoundError,
    SchemaError,
)
from metacore.wording import printable

NOT_AS_NEEDED = 1
"""What was looked at is not as it should be: the schema is not what this release needs, an audit found something, lines
were refused.
"""
WRONG_USAGE = 2
"""An argument, a setting, the URL or a right is missing or cannot be used."""
FAILED = 3
"""The database cannot be reached, or refused; trying again may help."""
INTERRUPTED = 130
"""Stopped by Ctrl-C."""

# Not what stands for a password where a URL is explained.
_PASSWORD = re.compile(r"(//[^:/?@\s]*:(?!password@)|(?i:password)\s*=\s*)(?:\S*(?=@)|\S+)")

_console = Console(highlight=False)
errors_console = Console(stderr=True, highlight=False)


@contextmanager
def reported_errors() -> Iterator[None]:
    """Print an error of Metacore's, or of a file that is named, in one line, and exit with the code of its kind."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            raise
        _print_error(f"{error.filename}: {error.strerror}")
        raise typer.Exit(WRONG_USAGE) from None
    except MetacoreError as error:
        _print_error(str(error))
        if isinstance(error, SchemaError):
            code = NOT_AS_NEEDED
        elif isinstance(error, ConfigurationError | InvalidDataError | NotFoundError):
            code = WRONG_USAGE
        else:
            code = FAILED
        raise typer.Exit(code) from None


def _print_error(message: str) -> None:
    errors_console.print(Text.assemble(("error: ", "bold red"), shown(message)), soft_wrap=True)


def consent(question: str, option: str) -> None:
    """Ask on a terminal, and exit unless the answer is yes; where there is none, exit, naming the option to give."""
    if not sys.stdin.isatty():
        say(f"Nothing was changed: nobody can be asked here. If it is meant, give {option}.")
        raise typer.Exit(WRONG_USAGE)
    if not typer.confirm(question):
        say("Nothing was changed.")
        raise typer.Exit(WRONG_USAGE)


def say(sentence: str) -> None:
    """Print `sentence` as it is."""
    put(shown(sentence))


def put(line: str) -> None:
    """Print `line`, above a bar that moves; `typer.echo` would print it onto that."""
    sys.stdout.write(f"{line}\n")


def shown(text: str) -> str:
    """`text` as a terminal may get it: printable, and without the password of a URL or connection string."""
    return _PASSWORD.sub(r"\1***", printable(text))


def print_table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Print `rows` under the names of their columns; long texts go on in the next line."""
    table = Table(box=box.SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(shown(cell)) for cell in row))
    _console.print(table)
