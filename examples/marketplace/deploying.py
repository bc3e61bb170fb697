"""The schema of a service: Metacore's tables, and by revisions of its own the service's."""

from __future__ import annotations

from pathlib import Path
from typing import LiteralString

import psycopg
import sqlalchemy
from alembic import command
from alembic.config import Config
from sqlalchemy.pool import NullPool

from marketplace.names import schema_of
from metacore.postgres import SchemaDeployer

_HERE = Path(__file__).parent
_TURN = sqlalchemy.text("SELECT pg_advisory_xact_lock(hashtext(:schema))")


def deploy(url: str, service: LiteralString) -> None:
    """Bring the schema of `service` to its newest revisions. Any number may do so at once: one works, others wait."""
    schema = schema_of(service)
    SchemaDeployer(url, schema).deploy()
    revisions = _HERE / service / "revisions"
    if not revisions.is_dir():
        return
    engine = sqlalchemy.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url), poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(_TURN, {"schema": schema})
        config = Config()
        config.set_main_option("script_location", str(_HERE / "revisions").replace("%", "%%"))
        config.set_main_option("version_locations", str(revisions).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        config.attributes.update(connection=connection, schema=schema)
        command.upgrade(config, "head")
