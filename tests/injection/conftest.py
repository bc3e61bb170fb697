"""Storages on both backends, with users in them."""

from collections.abc import Iterator

import pytest

from metacore.config import Settings
from metacore.domain.people.users import User
from metacore.postgres import EmbeddedPostgres, SchemaDeployer
from metacore.sync import connect
from metacore.sync.storage.storage import Storage
from metacore.testing import factories


@pytest.fixture(scope="package")
def server() -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres() as server:
        SchemaDeployer(server.url).deploy()
        yield server


@pytest.fixture(scope="package", params=["memory", "postgres"], ids=["memory-blocking", "postgres-blocking"])
def storage(request: pytest.FixtureRequest, server: EmbeddedPostgres) -> Iterator[Storage]:
    url = "memory://" if request.param == "memory" else server.url
    with connect(url, settings=Settings(encryption_keys={"k1": bytes(range(32))})) as storage:
        yield storage


@pytest.fixture(scope="module")
def user(storage: Storage) -> User:
    return storage.users.create(factories.NewUserFactory.build())
