"""How the tables would lie on the nodes of a cluster; what a server without one says."""

import psycopg
import pytest
from sqlalchemy import ForeignKeyConstraint, PrimaryKeyConstraint, UniqueConstraint

from metacore import ConfigurationError
from metacore.postgres import EmbeddedPostgres, SchemaDeployer
from metacore.postgres.schema.distribution import find_undistributed, shards
from metacore.postgres.tables import METADATA


def test_what_belongs_together_lies_together():
    found = shards()
    assert found.keys() == METADATA.tables.keys()
    for table in METADATA.tables.values():
        for key in (row for row in table.constraints if isinstance(row, ForeignKeyConstraint)):
            owner = key.referred_table.name
            columns = {element.parent.name: element.column.name for element in key.elements}
            assert columns[found[table.name][0]] == found[owner][0], table.name
            assert found[table.name][1] == (found[owner][1] or owner)


def test_every_unique_key_has_the_column_that_rows_lie_by():
    """A node can only refuse what it sees."""
    for table in METADATA.tables.values():
        column = shards()[table.name][0]
        for key in (*filter(_is_unique, table.constraints), *(index for index in table.indexes if index.unique)):
            assert column in key.columns, key.name


def _is_unique(constraint):
    return isinstance(constraint, PrimaryKeyConstraint | UniqueConstraint)


def test_a_table_comes_after_the_one_that_it_lies_beside():
    names = list(shards())
    assert all(beside is None or names.index(beside) < names.index(name) for name, (_, beside) in shards().items())


def test_a_server_without_the_extension_says_what_to_make(server: EmbeddedPostgres, deployer: SchemaDeployer):
    deployer.deploy()
    with pytest.raises(ConfigurationError, match="CREATE EXTENSION citus"):
        deployer.distribute()
    with psycopg.connect(server.url) as connection:
        assert find_undistributed(connection, deployer.schema) == []
