"""The command `metacore` in a process of its own: a copy of this one, which has loaded it."""

import multiprocessing
import os
import sys
import warnings
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TextIO, cast

from metacore.cli.app import app

PATIENCE = 120

Place = int | str | Path
"""A file, or the descriptor of one."""


def opened(place: Place, mode: str = "r") -> TextIO:
    return cast(TextIO, open(place, mode))  # noqa: PTH123 - a descriptor is no path


def start(
    arguments: Sequence[object],
    *,
    stdin: Place = os.devnull,
    stdout: Place = os.devnull,
    stderr: Place = os.devnull,
    **environment: str,
) -> BaseProcess:
    """Start it with these arguments, and these variables beside those there are."""

    def run() -> None:
        os.environ.update(environment)
        with opened(stdin) as sys.stdin, opened(stdout, "w") as out, opened(stderr, "w") as err:
            with redirect_stdout(out), redirect_stderr(err):
                app([str(each) for each in arguments], prog_name="metacore")

    process = multiprocessing.get_context("fork").Process(target=run)
    with warnings.catch_warnings():
        # The threads of this process do nothing that the copy waits for.
        warnings.simplefilter("ignore", DeprecationWarning)
        process.start()
    return process


def end(process: BaseProcess) -> int | None:
    """Its exit code, once it has ended."""
    process.join(PATIENCE)
    return process.exitcode
