import pytest

from metacore.testing import contract


class TestEventLoop(contract.EventLoopContract):
    """On every asynchronous storage."""

    @pytest.fixture(params=["async_memory", "async_postgres"])
    def backend(self, request: pytest.FixtureRequest) -> contract.Backend:
        return request.getfixturevalue(request.param)
