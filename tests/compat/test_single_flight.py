"""One flight for all who ask for the same, in both worlds."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from metacore._compat import flights_aio, flights_blocking


class HiccupError(Exception):
    pass


class TestAioSingleFlight:
    @staticmethod
    def play(scenario: Callable[[flights_aio.SingleFlight[str, int]], Coroutine[Any, Any, None]]) -> None:
        asyncio.run(asyncio.wait_for(scenario(flights_aio.SingleFlight()), 30))

    def test_fifty_callers_share_one_execution(self) -> None:
        async def scenario(flights: flights_aio.SingleFlight[str, int]) -> None:
            go, calls = asyncio.Event(), 0

            async def load() -> int:
                nonlocal calls
                calls += 1
                await go.wait()
                return 7

            callers = [asyncio.create_task(flights.run("key", load)) for _ in range(50)]
            await asyncio.sleep(0)
            go.set()
            assert await asyncio.gather(*callers) == [7] * 50
            assert calls == 1
            await flights.run("key", load)
            assert calls == 2

        self.play(scenario)

    def test_different_keys_do_not_wait_for_each_other(self) -> None:
        async def scenario(flights: flights_aio.SingleFlight[str, int]) -> None:
            async def quick() -> int:
                return 2

            async def outer() -> int:
                return 1 + await flights.run("inner", quick)

            assert await flights.run("outer", outer) == 3

        self.play(scenario)

    def test_an_error_reaches_every_caller_and_is_not_kept(self) -> None:
        async def scenario(flights: flights_aio.SingleFlight[str, int]) -> None:
            async def fail() -> int:
                await asyncio.sleep(0)
                raise HiccupError

            async def succeed() -> int:
                return 1

            results = await asyncio.gather(*(flights.run("key", fail) for _ in range(50)), return_exceptions=True)
            assert {type(result) for result in results} == {HiccupError}
            assert await flights.run("key", succeed) == 1

        self.play(scenario)

    def test_when_the_leader_is_cancelled_a_follower_executes_for_the_rest(self) -> None:
        async def scenario(flights: flights_aio.SingleFlight[str, int]) -> None:
            go, executed = asyncio.Event(), []

            async def load(caller: int) -> int:
                executed.append(caller)
                await go.wait()
                return caller

            callers = [asyncio.create_task(flights.run("key", lambda n=n: load(n))) for n in range(50)]
            await asyncio.sleep(0)
            callers[0].cancel()
            with pytest.raises(asyncio.CancelledError):
                await callers[0]
            go.set()
            assert await asyncio.gather(*callers[1:]) == [1] * 49
            assert executed == [0, 1]

        self.play(scenario)

    def test_a_cancelled_follower_disturbs_nobody(self) -> None:
        async def scenario(flights: flights_aio.SingleFlight[str, int]) -> None:
            go = asyncio.Event()

            async def load() -> int:
                await go.wait()
                return 7

            leader, follower, other = (asyncio.create_task(flights.run("key", load)) for _ in range(3))
            await asyncio.sleep(0)
            follower.cancel()
            with pytest.raises(asyncio.CancelledError):
                await follower
            go.set()
            assert await asyncio.gather(leader, other) == [7, 7]

        self.play(scenario)


class TestBlockingSingleFlight:
    @staticmethod
    def waiting(flights: flights_blocking.SingleFlight[str, int], count: int) -> Callable[[], None]:
        """Blocks until `count` threads have asked for a key: `_board` is called once by each before it waits."""
        asked = threading.Semaphore(0)
        board = flights._board

        def counting(key: str) -> Any:
            found = board(key)
            asked.release()
            return found

        flights._board = counting
        return lambda: [asked.acquire(timeout=30) for _ in range(count)]

    @pytest.fixture
    def flights(self) -> flights_blocking.SingleFlight[str, int]:
        class Observable(flights_blocking.SingleFlight[str, int]):
            """Without __slots__, so that a test can see when threads wait."""

        return Observable()

    def test_fifty_threads_share_one_execution(self, flights: flights_blocking.SingleFlight[str, int]) -> None:
        all_asked, executed = self.waiting(flights, 50), []

        def load() -> int:
            all_asked()
            executed.append("once")
            return 7

        with ThreadPoolExecutor(50) as pool:
            callers = [pool.submit(flights.run, "key", load) for _ in range(50)]
            assert [caller.result(30) for caller in callers] == [7] * 50
        assert executed == ["once"]
        assert flights.run("key", lambda: 8) == 8

    def test_an_error_reaches_every_thread_and_is_not_kept(
        self, flights: flights_blocking.SingleFlight[str, int]
    ) -> None:
        all_asked = self.waiting(flights, 50)

        def fail() -> int:
            all_asked()
            raise HiccupError

        with ThreadPoolExecutor(50) as pool:
            callers = [pool.submit(flights.run, "key", fail) for _ in range(50)]
            assert {type(caller.exception(30)) for caller in callers} == {HiccupError}
        assert flights.run("key", lambda: 1) == 1

    def test_when_the_leader_is_interrupted_a_follower_executes_for_the_rest(
        self, flights: flights_blocking.SingleFlight[str, int]
    ) -> None:
        all_asked, executed = self.waiting(flights, 10), []

        def load() -> int:
            executed.append("again")
            if len(executed) == 1:
                all_asked()
                raise KeyboardInterrupt
            return 7

        with ThreadPoolExecutor(10) as pool:
            callers = [pool.submit(flights.run, "key", load) for _ in range(10)]
            errors = [caller.exception(30) for caller in callers]
            assert [type(error) for error in errors if error] == [KeyboardInterrupt]
            assert [caller.result() for caller, error in zip(callers, errors, strict=True) if not error] == [7] * 9
