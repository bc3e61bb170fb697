"""`python -m marketflow [--port N]`: start what no variable names, read the sources, serve, print the URLs."""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path
from typing import NoReturn

from common.parts import Parts
from metacore.errors import ConfigurationError


class Arguments(argparse.ArgumentParser):
    """Tells what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        """End with that."""
        self.exit(2, f"error: {message}\n")


def port(text: str) -> str:
    """A port, as it was given."""
    if not re.fullmatch("[0-9]{1,5}", text, re.ASCII) or not 1 <= int(text) <= 65_535:
        raise argparse.ArgumentTypeError("a port is 1 to 65535")
    return text


def file(path: str) -> str:
    """The path of a file that is there."""
    if not Path(path).is_file():
        raise argparse.ArgumentTypeError(f"there is no file {path!r}")
    return path


def arguments(words: list[str]) -> argparse.Namespace:
    """The arguments of the command."""
    parser = Arguments(
        "marketflow",
        usage="marketflow [--port N] [--config FILE] | --help",
        description="Prices of exchanges: live by HTTP, and kept as exact minutes.",
        epilog="Variables MARKETFLOW_... say the same and more; METACORE_URL and SERVICES_REDIS name the parts.",
        allow_abbrev=False,
    )
    parser.add_argument("--port", metavar="N", type=port, help="the port to listen on")
    parser.add_argument("--config", metavar="FILE", type=file, help="settings as TOML, as MARKETFLOW_CONFIG names one")
    return parser.parse_args(words)


def main() -> int:
    """Run the service until a signal ends it."""
    options = arguments(sys.argv[1:])
    parts = Parts("METACORE_URL", "SERVICES_REDIS").start()
    # All else is loaded while the parts start, what `connect` would load later among it.
    from marketflow.settings import load

    try:
        settings = load(options.config, options.port)
    except ConfigurationError as error:
        parts.stop()
        print(f"error: {error}", file=sys.stderr)
        return 2
    import metacore.postgres.storages.storage  # noqa: F401
    from common import logs
    from common.serving import run
    from marketflow.system import system

    logs.configure("marketflow", settings.log_level)
    return run(system(settings, not os.environ.get("METACORE_URL")), parts)


if __name__ == "__main__":
    sys.exit(main())
