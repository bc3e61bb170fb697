"""Databases for tests on a Citus cluster: each made on every node, with the schema deployed and distributed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Self
from urllib.parse import urlsplit

import psycopg

from metacore.postgres import SchemaDeployer
from metacore.testing.databases import Databases, database_of, execute

DISTRIBUTE_VARIABLE = "METACORE_TEST_DISTRIBUTE"
"""With 1, that server is the coordinator of a Citus cluster, and the tables are distributed over it."""

Node = tuple[str, int]
"""Host and port."""


class DistributedDatabases(Databases):
    """Databases on a cluster, whose coordinator the URL names; a template would not take the nodes along.

    The role of the URL is a superuser, and may enter every node without a password.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._nodes: list[Node] = []

    def __enter__(self) -> Self:
        with psycopg.connect(self.url, autocommit=True) as connection:
            rows = connection.execute(
                "SELECT nodename, nodeport FROM pg_catalog.pg_dist_node WHERE isactive AND groupid <> 0 ORDER BY nodeid"
            )
            self._nodes = [(str(host), int(port)) for host, port in rows]
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing outlives its own `database()`."""

    def make(self, name: str) -> None:
        for url in self.servers(self.url):
            execute(url, "CREATE DATABASE {} TEMPLATE template0", name)
            execute(database_of(url, name), "CREATE EXTENSION citus")
        url, coordinator = database_of(self.url, name), urlsplit(self.url)
        with psycopg.connect(url, autocommit=True) as connection:
            own = (coordinator.hostname or "localhost", coordinator.port or 5432)
            connection.execute("SELECT pg_catalog.citus_set_coordinator_host(%s, %s)", own)
            for node in self._nodes:
                connection.execute("SELECT pg_catalog.citus_add_node(%s, %s)", node)
        deployer = SchemaDeployer(url)
        deployer.deploy()
        deployer.distribute()

    def drop(self, name: str) -> None:
        for url in self.servers(self.url):
            execute(url, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def servers(self, url: str) -> Sequence[str]:
        """The coordinator's URL of a database, and that of each other node."""
        parts = urlsplit(url)
        entrance, at, _ = parts.netloc.rpartition("@")
        return (url, *(parts._replace(netloc=f"{entrance}{at}{host}:{port}").geturl() for host, port in self._nodes))


def databases_on(url: str) -> Databases:
    """The databases on the server of `url`; distributed ones, on a cluster, if METACORE_TEST_DISTRIBUTE says so."""
    is_cluster = os.environ.get(DISTRIBUTE_VARIABLE, "") not in ("", "0")
    return DistributedDatabases(url) if is_cluster else Databases(url)
