"""The command line as a whole."""

from __future__ import annotations

import typer

from metacore.cli import keys, schema

app = typer.Typer(
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
