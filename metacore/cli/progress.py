"""The bar that shows how far a command is; on a terminal it moves, elsewhere it is shown once, at the end."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from metacore.cli.output import INTERRUPTED, errors_console, say


def counting() -> Progress:
    """A bar of so many of so many."""
    return _progress(MofNCompleteColumn())


def reading() -> Progress:
    """A bar of bytes, whose tasks tell their `rows`, too."""
    return _progress(TaskProgressColumn(), TextColumn("{task.fields[rows]:,} rows"))


def exporting() -> Progress:
    """A count of rows, of which nobody knows how many there will be."""
    return _progress(TextColumn("{task.fields[rows]:,} rows"))


def _progress(*counts: ProgressColumn) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), *counts, TimeRemainingColumn())
    # What is printed meanwhile goes above the bar if both are on a terminal; else it goes where it belongs.
    above = sys.stdout.isatty() and sys.stderr.isatty()
    return Progress(*columns, console=errors_console, redirect_stdout=above)


@contextmanager
def resumable() -> Iterator[None]:
    """Of a command that can be run again: what Ctrl-C leaves is told, and the exit code says that it was broken off."""
    try:
        yield
    except KeyboardInterrupt:
        say("Broken off. What is done stays done: run the command again for the rest.")
        raise typer.Exit(INTERRUPTED) from None


def size_of(file: BinaryIO) -> int | None:
    """How many bytes `file` has; None where it cannot be told beforehand."""
    if not file.seekable():
        return None
    size = file.seek(0, 2)
    file.seek(0)
    return size
