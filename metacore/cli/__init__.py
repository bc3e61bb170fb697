"""The command `metacore`, from the extra `metacore[cli]`."""

from __future__ import annotations

import sys

_EXTRA = ("typer", "click", "rich")


def main() -> None:
    """Run the command line; without its extra, say how to install it and exit with 2."""
    try:
        from metacore.cli.app import app
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in _EXTRA:
            raise
        sys.stderr.write("The command line needs an extra; run: pip install 'metacore[cli]'\n")
        sys.exit(2)
    app(prog_name="metacore")
