"""Alembic, run by program: no alembic.ini, the connection and its transaction are the caller's."""

from __future__ import annotations

import threading
from io import StringIO
from typing import Any

from sqlalchemy import Connection

from metacore.postgres.client.identifiers import quote
from metacore.postgres.schema.revisions import BASE, migrations_directory
from metacore.postgres.schema.silence import silence
from metacore.postgres.schema.state import VERSION_TABLE, marker

with silence():
    # It speaks of its plugins as soon as it is imported.
    from alembic import command
    from alembic.config import Config
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError as CommandError

# `alembic.op` and `alembic.context` are global to the process.
_alembic = threading.Lock()


def current_revision(connection: Connection, schema: str) -> str | None:
    """The revision that Alembic has noted, None before the first."""
    options = {"version_table": VERSION_TABLE, "version_table_schema": schema}
    with silence():
        return MigrationContext.configure(connection, opts=options).get_current_revision()


def upgrade(connection: Connection, schema: str, revision: str) -> None:
    """Run the revisions from the current one up to `revision`."""
    with _alembic, silence():
        command.upgrade(_config(schema, connection=connection), revision)


def downgrade(connection: Connection, schema: str, revision: str) -> None:
    """Undo the revisions after `revision`, newest first."""
    with _alembic, silence():
        command.downgrade(_config(schema, connection=connection), revision)


def upgrade_script(schema: str, start: str, revision: str) -> str:
    """The SQL of the revisions after `start` up to `revision`, without BEGIN and COMMIT."""
    output = StringIO()
    with _alembic, silence():
        command.upgrade(_config(schema, output), f"{start}:{revision}", sql=True)
    return output.getvalue().strip()


def downgrade_script(schema: str, start: str, revision: str) -> str:
    """The SQL that undoes the revisions after `revision`, from `start` on."""
    output = StringIO()
    with _alembic, silence():
        command.downgrade(_config(schema, output), f"{start}:{revision}", sql=True)
    return output.getvalue()


def last_statement(schema: str, revision: str) -> str:
    """What follows the revisions: tell the storages which releases can work with the schema; "base" leaves no trace."""
    table = f"{quote(schema)}.{quote(VERSION_TABLE)}"
    if revision == BASE:
        return f"DROP TABLE {table}"
    compatible_from = ScriptDirectory.from_config(_config(schema)).get_revision(revision).module.compatible_from
    return f"COMMENT ON TABLE {table} IS '{marker(revision, compatible_from)}'"


def _config(schema: str, output: StringIO | None = None, connection: Connection | None = None) -> Config:
    config = Config(output_buffer=output)
    # The option is read through ConfigParser, which expands `%`.
    config.set_main_option("script_location", str(migrations_directory()).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    attributes: dict[str, Any] = {
        "connection": connection,
        "version_table": VERSION_TABLE,
        "schema": schema,
        # SQLAlchemy reads `:name` in a text as a parameter.
        "quoted_schema": quote(schema).replace(":", "\\:"),
    }
    config.attributes.update(attributes)
    return config
