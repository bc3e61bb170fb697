"""Runs the revisions on the connection, and in the transaction, that the deployer hands over; or writes them as SQL."""

from alembic import context

attributes = context.config.attributes

context.configure(
    connection=attributes.get("connection"),
    dialect_name="postgresql",
    # In a script nothing takes parameters: a % stays single.
    dialect_opts={"paramstyle": "named"},
    version_table=attributes["version_table"],
    version_table_schema=attributes["schema"],
)
context.run_migrations(schema=attributes["quoted_schema"])
