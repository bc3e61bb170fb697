"""A stranger's package, installed."""

from collections.abc import Iterator

import pytest

from tests.backends.packages import backend, installed


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with installed(tmp_path_factory.mktemp("stranger"), "mine-backend", {"mine": "mine.backend:MINE"}, backend("mine")):
        yield
