"""The two halves of metacore._compat: the same names, the same promises."""

import asyncio
import inspect
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from metacore._compat import aio, blocking, flights_aio, flights_blocking, psycopg_aio, psycopg_blocking


class HiccupError(Exception):
    pass


def signature(function: Callable[..., Any]) -> list[tuple[str, Any]]:
    return [(p.name, p.kind) for p in inspect.signature(function).parameters.values()]


def test_both_worlds_define_the_same_names() -> None:
    assert aio.__all__ == blocking.__all__
    assert flights_aio.__all__ == flights_blocking.__all__
    assert psycopg_aio.__all__ == psycopg_blocking.__all__


@pytest.mark.parametrize(
    "path",
    ["Lock.acquire", "Lock.release", "complete", "for_each", "owner", "retry", "sleep"],
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
