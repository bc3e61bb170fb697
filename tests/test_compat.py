"""The two halves of metacore._compat: the same names, the same promises."""

import asyncio
import inspect
import multiprocessing
import signal
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from pytest_mock import MockerFixture

from metacore._compat import aio, blocking, psycopg_aio, psycopg_blocking


class HiccupError(Exception):
    pass


def signature(function: Callable[..., Any]) -> list[tuple[str, Any]]:
    return [(p.name, p.kind) for p in inspect.signature(function).parameters.values()]


def test_both_worlds_define_the_same_names() -> None:
    assert aio.__all__ == blocking.__all__
    assert psycopg_aio.__all__ == psycopg_blocking.__all__


@pytest.mark.parametrize(
    "path",
    ["Lock.acquire", "Lock.release", "SingleFlight.run", "complete", "owner", "retry", "sleep"],
    ids=lambda path: path,
)
def test_both_worlds_have_the_same_signatures(path: str) -> None:
    of_aio, of_blocking = aio, blocking
    for name in path.split("."):
        of_aio, of_blocking = getattr(of_aio, name), getattr(of_blocking, name)
    assert signature(of_aio) == signature(of_blocking)


class TestContextGuard:
    def test_a_plain_with_on_the_asynchronous_is_refused_and_names_the_mirror(self) -> None:
        class Storage(aio.ContextGuard):
            pass

        with pytest.raises(TypeError, match=r"Storage is asynchronous.*`async with`.*metacore\.sync"), Storage():
            pass

    def test_async_with_on_the_blocking_is_refused_and_names_the_source(self) -> None:
        class Storage(blocking.ContextGuard):
            pass

        async def enter() -> None:
            async with Storage():
                pass

        with pytest.raises(TypeError, match=r"Storage is blocking.*plain `with`.*from metacore instead"):
            asyncio.run(enter())


class TestOwner:
    def test_two_event_loops_differ_and_one_is_equal_to_itself(self) -> None:
        async def twice() -> tuple[aio.Owner, aio.Owner]:
            return aio.owner(), aio.owner()

        first, again = asyncio.run(twice())
        other, _ = asyncio.run(twice())
        assert first == again
        assert hash(first) == hash(again)
        assert first != other

    def test_outside_of_an_event_loop_there_is_none(self) -> None:
        with pytest.raises(RuntimeError):
            aio.owner()

    def test_all_threads_of_a_process_are_one_owner(self) -> None:
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(blocking.owner).result() == blocking.owner()

    def test_another_process_is_another_owner(self) -> None:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            assert pool.apply(blocking.owner) != blocking.owner()


class TestAioLock:
    def test_it_lets_one_in_at_a_time(self) -> None:
        async def scenario() -> None:
            lock = aio.Lock()
            assert await lock.acquire(5)
            assert not await lock.acquire(0)
            assert not await lock.acquire(-1)
            lock.release()
            assert await lock.acquire(0)

        asyncio.run(scenario())

    def test_a_waiter_gets_it_when_it_is_released(self) -> None:
        async def scenario() -> None:
            lock = aio.Lock()
            await lock.acquire(5)
            waiter = asyncio.create_task(lock.acquire(5))
            await asyncio.sleep(0)
            assert not waiter.done()
            lock.release()
            assert await waiter

        asyncio.run(scenario())

    def test_a_waiter_that_times_out_leaves_it_usable(self) -> None:
        async def scenario() -> None:
            lock = aio.Lock()
            await lock.acquire(5)
            assert not await lock.acquire(0.01)
            lock.release()
            assert await lock.acquire(0)

        asyncio.run(scenario())

    def test_a_waiter_cancelled_while_it_waits_leaves_it_usable(self) -> None:
        async def scenario() -> None:
            lock = aio.Lock()
            await lock.acquire(5)
            waiter = asyncio.create_task(lock.acquire(5))
            await asyncio.sleep(0)
            waiter.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiter
            lock.release()
            assert await lock.acquire(0)

        asyncio.run(scenario())

    def test_a_waiter_cancelled_just_as_it_is_let_in_passes_it_on(self) -> None:
        async def scenario() -> None:
            lock = aio.Lock()
            await lock.acquire(5)
            cancelled, next_one = (asyncio.create_task(lock.acquire(5)) for _ in range(2))
            await asyncio.sleep(0)
            lock.release()
            cancelled.cancel()
            with pytest.raises(asyncio.CancelledError):
                await cancelled
            assert await next_one
            lock.release()
            assert await lock.acquire(0)

        asyncio.run(scenario())

    def test_release_of_a_free_lock_is_an_error(self) -> None:
        with pytest.raises(RuntimeError):
            aio.Lock().release()


class TestBlockingLock:
    def test_it_lets_one_in_at_a_time(self) -> None:
        lock = blocking.Lock()
        assert lock.acquire(5)
        assert not lock.acquire(0)
        assert not lock.acquire(-1)
        assert not lock.acquire(0.01)
        lock.release()
        assert lock.acquire(0)

    def test_a_timeout_longer_than_the_platform_knows_is_taken(self) -> None:
        assert blocking.Lock().acquire(1e30)

    def test_a_waiting_thread_gets_it_when_it_is_released(self) -> None:
        lock = blocking.Lock()
        lock.acquire(5)
        with ThreadPoolExecutor(1) as pool:
            waiter = pool.submit(lock.acquire, 30)
            lock.release()
            assert waiter.result()

    def test_who_takes_it_again_at_once_stands_behind_those_who_wait(self) -> None:
        lock, order, taken = blocking.Lock(), list[str](), []

        def wait() -> None:
            taken.append(lock.acquire(30))
            order.append("waiter")
            lock.release()

        assert lock.acquire(5)
        with ThreadPoolExecutor(2) as pool:
            waiters = [pool.submit(wait) for _ in range(2)]
            while len(lock._waiting) < 2:
                time.sleep(0.001)
            lock.release()
            assert lock.acquire(30)
            order.append("again")
            lock.release()
            for waiter in waiters:
                waiter.result()
        assert (order, taken) == (["waiter", "waiter", "again"], [True, True])

    def test_a_waiter_that_times_out_leaves_it_usable(self) -> None:
        lock = blocking.Lock()
        assert lock.acquire(5)
        assert not lock.acquire(0.01)
        lock.release()
        assert lock.acquire(0)

    @pytest.mark.usefixtures("interruptible")
    def test_a_waiter_interrupted_while_it_waits_leaves_it_usable(self) -> None:
        lock = blocking.Lock()
        assert lock.acquire(5)
        timer = threading.Timer(0.1, signal.pthread_kill, (threading.get_ident(), signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            lock.acquire(30)
        timer.join()
        lock.release()
        assert lock.acquire(0)

    def test_release_of_a_free_lock_is_an_error(self) -> None:
        with pytest.raises(RuntimeError):
            blocking.Lock().release()


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
        calls = Attempts(*errors)
        with pytest.raises(HiccupError) as raised:
            retry(calls, **self.OPTIONS)
        assert raised.value is errors[4]
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


class TestAioSingleFlight:
    @staticmethod
    def play(scenario: Callable[[aio.SingleFlight[str, int]], Coroutine[Any, Any, None]]) -> None:
        asyncio.run(asyncio.wait_for(scenario(aio.SingleFlight()), 30))

    def test_fifty_callers_share_one_execution(self) -> None:
        async def scenario(flights: aio.SingleFlight[str, int]) -> None:
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
        async def scenario(flights: aio.SingleFlight[str, int]) -> None:
            async def quick() -> int:
                return 2

            async def outer() -> int:
                return 1 + await flights.run("inner", quick)

            assert await flights.run("outer", outer) == 3

        self.play(scenario)

    def test_an_error_reaches_every_caller_and_is_not_kept(self) -> None:
        async def scenario(flights: aio.SingleFlight[str, int]) -> None:
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
        async def scenario(flights: aio.SingleFlight[str, int]) -> None:
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
        async def scenario(flights: aio.SingleFlight[str, int]) -> None:
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
    def waiting(flights: blocking.SingleFlight[str, int], count: int) -> Callable[[], None]:
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
    def flights(self) -> blocking.SingleFlight[str, int]:
        class Observable(blocking.SingleFlight[str, int]):
            """Without __slots__, so that a test can see when threads wait."""

        return Observable()

    def test_fifty_threads_share_one_execution(self, flights: blocking.SingleFlight[str, int]) -> None:
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

    def test_an_error_reaches_every_thread_and_is_not_kept(self, flights: blocking.SingleFlight[str, int]) -> None:
        all_asked = self.waiting(flights, 50)

        def fail() -> int:
            all_asked()
            raise HiccupError

        with ThreadPoolExecutor(50) as pool:
            callers = [pool.submit(flights.run, "key", fail) for _ in range(50)]
            assert {type(caller.exception(30)) for caller in callers} == {HiccupError}
        assert flights.run("key", lambda: 1) == 1

    def test_when_the_leader_is_interrupted_a_follower_executes_for_the_rest(
        self, flights: blocking.SingleFlight[str, int]
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


class TestComplete:
    def test_what_need_not_wait_is_done_at_once(self) -> None:
        async def nothing_to_wait_for() -> str:
            return "done"

        async def at_once() -> None:
            before = asyncio.all_tasks()
            assert await aio.complete(nothing_to_wait_for) == "done"
            assert asyncio.all_tasks() == before

        asyncio.run(at_once())
        assert blocking.complete(lambda: "done") == "done"

    def test_it_goes_on_when_the_caller_is_cancelled(self) -> None:
        async def main() -> None:
            let_go, ended = asyncio.Event(), asyncio.Event()

            async def action() -> None:
                for _ in range(3):
                    await asyncio.sleep(0)
                await let_go.wait()
                ended.set()

            caller = asyncio.create_task(aio.complete(action))
            await asyncio.sleep(0.01)
            caller.cancel()
            with pytest.raises(asyncio.CancelledError):
                await caller
            let_go.set()
            await asyncio.wait_for(ended.wait(), 5)

        asyncio.run(main())

    def test_an_error_is_the_callers(self) -> None:
        async def fail(after: int) -> None:
            for _ in range(after):
                await asyncio.sleep(0)
            raise LookupError(after)

        for after in range(3):
            with pytest.raises(LookupError, match=str(after)):
                asyncio.run(aio.complete(partial(fail, after)))
