"""A private PostgreSQL of one's own."""

from metacore.postgres.embedded.server import EmbeddedPostgres

__all__ = ["EmbeddedPostgres"]
