"""The locks of both worlds."""

import asyncio
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from metacore._compat import aio, blocking


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
            assert not await lock.acquire(0), "who comes later is not before it"
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
