import pytest

from metacore.testing import contract


class TestEventLoop(contract.EventLoopContract):
    """On every asynchronous storage."""

    @pytest.fixture(params=["memory_async", "postgres_async"], ids=["memory-async", "postgres-async"])
    def backend(self, request: pytest.FixtureRequest) -> contract.Backend:
        return request.getfixturevalue(request.param)
