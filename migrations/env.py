"""Runs the revisions on the connection, and in the transaction, that the deployer hands over."""

from typing import Any

from alembic import context
from alembic.runtime.migration import MigrationContext

from metacore.postgres.schema_state import VERSION_TABLE, marker

attributes = context.config.attributes
schema: str = attributes["schema"]
quoted_schema: str = attributes["quoted_schema"]


def mark(ctx: MigrationContext, step: Any, heads: set[str], **_: Any) -> None:
    """Tell the storages, in the same transaction, which releases can work with the schema as it is now."""
    for head in heads:
        compatible_from = context.script.get_revision(head).module.compatible_from
        ctx.execute(f"COMMENT ON TABLE {quoted_schema}.{VERSION_TABLE} IS '{marker(head, compatible_from)}'")
    if not heads:
        ctx.execute(f"COMMENT ON TABLE {quoted_schema}.{VERSION_TABLE} IS NULL")


context.configure(
    connection=attributes.get("connection"),
    dialect_name="postgresql",
    version_table=VERSION_TABLE,
    version_table_schema=schema,
    on_version_apply=mark,
    output_buffer=attributes.get("output"),
)
context.run_migrations(schema=quoted_schema)
