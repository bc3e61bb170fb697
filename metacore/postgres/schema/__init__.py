"""Brings a database to the schema that this release needs (`deployer`). Storages read `state` only: without Alembic."""
