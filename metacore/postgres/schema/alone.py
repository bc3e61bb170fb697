"""A transaction in which no other deployer works on the schema."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy

from metacore.errors import SchemaError
from metacore.postgres.client.pinning import pin
from metacore.postgres.schema import migrating, turn
from metacore.postgres.schema.administration import Connection, set_timeouts
from metacore.postgres.schema.ownership import check_owners


@contextmanager
def alone(
    connection: Connection, schema: str, lock_timeout: float, turn_timeout: float, create: bool
) -> Iterator[sqlalchemy.Connection]:
    """A transaction on `connection`, as Alembic takes it, in which no other deployer works on `schema`.

    The turn is waited for `turn_timeout` seconds, other locks `lock_timeout`; with `create`, the schema is made if it
    is missing. ConfigurationError if the schema, or anything in it, is somebody else's.
    """
    connection.rollback()
    # SQLAlchemy asks the server about itself before its own transaction begins.
    connection.execute(pin())
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://", creator=lambda: connection, poolclass=sqlalchemy.NullPool
    )
    try:
        with engine.begin() as alembic:
            connection.execute(pin())
            set_timeouts(connection, max(turn_timeout, lock_timeout))
            if create and not turn.exists(connection, schema):
                turn.create(connection, schema)
            check_owners(connection, schema)
            turn.take(connection, schema)
            # Whoever had the turn before may have put something there.
            check_owners(connection, schema)
            set_timeouts(connection, lock_timeout)
            yield alembic
    except migrating.CommandError as error:
        raise SchemaError(f'the schema "{schema}" cannot be migrated: {error}') from error
