"""Runs the revisions of a service on the connection that is handed over, in the service's schema."""

from alembic import context
from sqlalchemy import text

attributes = context.config.attributes
connection, schema = attributes["connection"], attributes["schema"]

connection.execute(text(f"SET LOCAL search_path = {schema}"))
context.configure(connection=connection, version_table="own_revisions", version_table_schema=schema)
context.run_migrations()
