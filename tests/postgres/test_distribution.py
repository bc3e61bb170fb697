"""How the tables would lie on the nodes of a cluster; what a server without one says."""

import psycopg
import pytest
from sqlalchemy import ForeignKeyConstraint, PrimaryKeyConstraint, UniqueConstraint

from metacore import ConfigurationError
from metacore.postgres import EmbeddedPostgres, SchemaDeployer
from metacore.postgres.schema import distribution
from metacore.postgres.schema.distribution import distribute, find_undistributed, shards
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


class Cluster:
    """What the functions of distribution ask of a connection to a cluster, and what they have it do."""

    def __init__(self, is_whole=False):
        self.is_whole = is_whole
        self.tables, self.groups = {}, iter(range(1, 100))
        self.commands = []

    def execute(self, statement, values=None):
        self.rows = []
        if statement == distribution._HAS_CITUS:
            self.rows = [()]
        elif statement == distribution._WHOLE:
            self.rows = [()] if self.is_whole else []
        elif statement == distribution._DISTRIBUTED:
            self.rows = [(name, column, group) for name, (column, group) in self.tables.items()]
        else:
            self.commands.append(statement)
            if statement == distribution._DISTRIBUTE:
                self.lay(
                    *(values[name].removeprefix('"metacore".').strip('"') for name in ("table", "column", "beside"))
                )
        return self

    def fetchone(self):
        return next(iter(self.rows), None)

    def fetchall(self):
        return self.rows

    def lay(self, table, column, beside="none"):
        self.tables[table] = column, next(self.groups) if beside == "none" else self.tables[beside][1]


def test_tables_are_distributed_once_each_beside_the_one_it_belongs_to():
    cluster = Cluster()
    assert find_undistributed(cluster, "metacore") == []
    assert distribute(cluster, "metacore") == tuple(shards())
    assert cluster.commands[0] == distribution._SEQUENTIAL
    assert {name: column for name, (column, _) in cluster.tables.items()} == {
        name: column for name, (column, _) in shards().items()
    }
    groups = {name: group for name, (_, group) in cluster.tables.items()}
    assert {groups[name] for name, (_, beside) in shards().items() if beside == "users"} == {groups["users"]}
    assert len({groups[name] for name in ("users", "user_names", "order_records")}) == 3
    assert find_undistributed(cluster, "metacore") == []
    assert distribute(cluster, "metacore") == ()


def test_a_table_that_is_not_distributed_is_drift_and_distributed():
    cluster = Cluster()
    distribute(cluster, "metacore")
    del cluster.tables["trades"]
    (missing,) = find_undistributed(cluster, "metacore")
    assert str(missing) == "MISSING distribution trades: expected by user_id, with users, is None"
    assert distribute(cluster, "metacore") == ("trades",)


@pytest.mark.parametrize(
    ("column", "beside", "actual"),
    [("id", "users", "by id, with users"), ("user_id", "none", "by user_id"), ("user_id", "user_names", "by user_id")],
)
def test_a_table_that_lies_otherwise_is_refused_and_nothing_is_done(column, beside, actual):
    cluster = Cluster()
    distribute(cluster, "metacore")
    cluster.lay("trades", column, beside)
    del cluster.tables["orders"]
    undistributed = {drift.name: drift.actual for drift in find_undistributed(cluster, "metacore")}
    assert undistributed == {"trades": actual, "orders": None}
    cluster.commands.clear()
    with pytest.raises(ConfigurationError, match="trades is distributed otherwise") as caught:
        distribute(cluster, "metacore")
    assert (caught.value.setting, cluster.commands) == ("distribute", [])


def test_a_schema_that_lies_on_one_node_as_a_whole_stays_there():
    cluster = Cluster(is_whole=True)
    assert find_undistributed(cluster, "metacore") == []
    with pytest.raises(ConfigurationError, match="citus_schema_undistribute"):
        distribute(cluster, "metacore")
    assert cluster.commands == []
