"""The commands that messages tell their reader to run."""

from __future__ import annotations

import shlex

from metacore.config import DEFAULT_SCHEMA


def command(name: str, schema: str, *options: str) -> str:
    """The `metacore` command `name` for the schema called so; the URL is left for the reader to fill in."""
    chosen = () if schema == DEFAULT_SCHEMA else ("--schema", shlex.quote(schema))
    return " ".join(("metacore", name, "--url <url>", *chosen, *options))
