"""Brings a database to the schema that this release needs."""

from metacore.postgres.schema.deployer import SchemaDeployer, SchemaStatus

__all__ = ["SchemaDeployer", "SchemaStatus"]
