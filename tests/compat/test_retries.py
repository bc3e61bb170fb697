"""Retries in both worlds."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from pytest_mock import MockerFixture

from metacore._compat import aio, blocking


class HiccupError(Exception):
    pass


class Attempts:
    """Raises the given errors one after the other, then returns "done"."""

    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.calls = 0

    def blocking(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"

    async def aio(self) -> str:
        return self.blocking()


@pytest.fixture(params=["aio", "blocking"])
def retry(request: pytest.FixtureRequest) -> Callable[..., str]:
    """`retry(attempts, **options)` of either world, as a plain call."""
    if request.param == "blocking":
        return lambda calls, **options: blocking.retry(calls.blocking, **options)
    return lambda calls, **options: asyncio.run(aio.retry(calls.aio, **options))


class TestRetry:
    OPTIONS: dict[str, Any] = {"attempts": 5, "on": HiccupError, "base": 0.1, "limit": 0.5}  # noqa: RUF012

    @pytest.fixture(autouse=True)
    def waits(self, mocker: MockerFixture) -> list[float]:
        """The seconds waited, none of them for real; the jitter always takes the most it may."""
        waits: list[float] = []

        async def sleep(seconds: float) -> None:
            waits.append(seconds)

        mocker.patch("random.uniform", lambda _low, high: high)
        mocker.patch("metacore._compat.aio.sleep", sleep)
        mocker.patch("metacore._compat.blocking.sleep", waits.append)
        return waits

    def test_the_first_success_is_the_result(self, retry: Callable[..., str], waits: list[float]) -> None:
        calls = Attempts()
        assert retry(calls, **self.OPTIONS) == "done"
        assert (calls.calls, waits) == (1, [])

    def test_waits_double_up_to_the_limit(self, retry: Callable[..., str], waits: list[float]) -> None:
        calls = Attempts(*(HiccupError() for _ in range(4)))
        assert retry(calls, **self.OPTIONS) == "done"
        assert calls.calls == 5
        assert waits == [0.1, 0.2, 0.4, 0.5]

    def test_jitter_starts_at_no_wait_at_all(
        self, retry: Callable[..., str], waits: list[float], mocker: MockerFixture
    ) -> None:
        mocker.patch("random.uniform", lambda low, _high: low)
        retry(Attempts(HiccupError(), HiccupError()), **self.OPTIONS)
        assert waits == [0, 0]

    def test_the_last_error_itself_is_raised(self, retry: Callable[..., str], waits: list[float]) -> None:
        errors = [HiccupError(str(n)) for n in range(9)]
        calls, noted = Attempts(*errors), list[HiccupError]()
        with pytest.raises(HiccupError) as raised:
            retry(calls, note=noted.append, **self.OPTIONS)
        assert raised.value is errors[4]
        assert noted == errors[:4]
        assert calls.calls == 5
        assert len(waits) == 4

    def test_another_error_is_raised_at_once(self, retry: Callable[..., str], waits: list[float]) -> None:
        calls = Attempts(HiccupError(), KeyError("other"))
        with pytest.raises(KeyError):
            retry(calls, **self.OPTIONS)
        assert (calls.calls, len(waits)) == (2, 1)

    def test_cancellation_is_not_retried(self, waits: list[float]) -> None:
        calls = Attempts(asyncio.CancelledError())
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(aio.retry(calls.aio, **self.OPTIONS))
        assert (calls.calls, waits) == (1, [])
