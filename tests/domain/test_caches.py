"""The cache: bounded, counted, and never a step behind what was written."""

import asyncio
import threading

import pytest

from metacore.errors import ConfigurationError, OutcomeUnknownError, StorageUnavailableError
from metacore.services.caches import Cache, CacheStats, footprint

LETTER = footprint("a")


class Timer:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def timer() -> Timer:
    return Timer()


@pytest.fixture
def cache(timer: Timer) -> Cache[str, str]:
    return Cache(3, 60, timer, 10 * LETTER)


def write(cache: Cache[str, str], key: str, value: str | None) -> None:
    with cache.writing(key) as writing:
        writing.value = value


def read(cache: Cache[str, str], key: str, value: str) -> None:
    cache.end_read(key, cache.begin_read(key), value)


def test_hits_and_misses_are_counted(cache: Cache[str, str]) -> None:
    assert cache.get("a") is None
    write(cache, "a", "1")
    assert cache.get("a") == cache.get("a") == cache.peek("a") == "1"
    assert cache.stats() == CacheStats(hits=2, misses=1, evictions=0, size=1, bytes=LETTER)


def test_the_least_recently_used_entry_makes_room(cache: Cache[str, str]) -> None:
    for key in "abc":
        write(cache, key, key)
    cache.get("a")
    write(cache, "d", "d")
    assert [cache.peek(key) for key in "abcd"] == ["a", None, "c", "d"]
    assert cache.stats() == CacheStats(hits=1, misses=0, evictions=1, size=3, bytes=3 * LETTER)


def test_an_entry_is_kept_for_its_time_and_is_no_eviction(cache: Cache[str, str], timer: Timer) -> None:
    write(cache, "a", "1")
    timer.now = 59.9
    assert cache.get("a") == "1"
    timer.now = 60
    assert cache.get("a") is None
    assert cache.stats() == CacheStats(hits=1, misses=1, evictions=0, size=0, bytes=0)


@pytest.mark.parametrize(
    ("max_size", "ttl", "max_bytes", "setting"),
    [(0, 60, 1, "max_size"), (1, 0, 1, "ttl"), (1, float("nan"), 1, "ttl"), (1, 60, 0, "max_bytes")],
)
def test_a_cache_has_room_and_time(max_size: int, ttl: float, max_bytes: int, setting: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Cache(max_size, ttl, Timer(), max_bytes)
    assert caught.value.setting == setting


def test_large_entries_make_room_by_their_bytes(cache: Cache[str, str]) -> None:
    for key in "abc":
        write(cache, key, key)
    large = "x" * 8 * LETTER
    write(cache, "d", large)
    assert [cache.peek(key) for key in "abcd"] == [None, None, "c", large]
    assert cache.stats() == CacheStats(hits=0, misses=0, evictions=2, size=2, bytes=LETTER + footprint(large))


def test_what_is_larger_than_the_cache_is_not_kept_nor_what_it_replaced(cache: Cache[str, str]) -> None:
    write(cache, "a", "1")
    write(cache, "b", "1")
    write(cache, "a", "x" * 10 * LETTER)
    assert [cache.peek(key) for key in "ab"] == [None, "1"]
    assert cache.stats() == CacheStats(hits=0, misses=0, evictions=0, size=1, bytes=LETTER)


def test_what_was_read_is_kept(cache: Cache[str, str]) -> None:
    read(cache, "a", "1")
    assert cache.get("a") == "1"


def test_those_who_miss_the_same_key_share_a_ticket_until_the_read_ends(cache: Cache[str, str]) -> None:
    ticket = cache.begin_read("a")
    assert cache.begin_read("a") is ticket
    assert cache.begin_read("b") is not ticket
    cache.end_read("a", ticket, None)
    assert cache.begin_read("a") is not ticket
    assert cache.stats().size == 0


@pytest.mark.parametrize("value", ["new", None])
def test_a_read_that_began_before_a_write_ended_is_not_kept(cache: Cache[str, str], value: str | None) -> None:
    early = cache.begin_read("a")
    with cache.writing("a") as writing:
        late = cache.begin_read("a")
        writing.value = value
    for ticket in (early, late):
        cache.end_read("a", ticket, "old")
        assert cache.peek("a") == value


def test_who_misses_after_a_write_does_not_wait_for_the_read_before_it(cache: Cache[str, str]) -> None:
    before = cache.begin_read("a")
    write(cache, "a", None)
    after = cache.begin_read("a")
    assert after is not before
    cache.end_read("a", before, "old")
    cache.end_read("a", after, "new")
    assert cache.get("a") == "new"


def test_of_writes_at_the_same_time_none_is_kept(cache: Cache[str, str]) -> None:
    write(cache, "a", "0")
    first, second = cache.writing("a"), cache.writing("a")
    first.__enter__().value = "1"
    second.__enter__().value = "2"
    second.__exit__(None, None, None)
    assert cache.peek("a") is None
    third = cache.writing("a")
    third.__enter__().value = "3"
    first.__exit__(None, None, None)
    third.__exit__(None, None, None)
    assert cache.peek("a") is None
    write(cache, "a", "4")
    assert cache.peek("a") == "4"


def fail(cache: Cache[str, str], error: BaseException) -> None:
    def write_in_vain() -> None:
        with cache.writing("a") as writing:
            writing.value = "new"
            raise error

    with pytest.raises(type(error)):
        write_in_vain()


@pytest.mark.parametrize("error", [StorageUnavailableError("gone"), ZeroDivisionError()], ids=repr)
def test_a_write_that_failed_leaves_the_entry_and_the_reads_as_they_were(
    cache: Cache[str, str], error: Exception
) -> None:
    write(cache, "a", "1")
    ticket = cache.begin_read("b")
    fail(cache, error)
    assert cache.peek("a") == "1"
    assert cache.begin_read("b") is ticket


@pytest.mark.parametrize("error", [OutcomeUnknownError("?"), asyncio.CancelledError(), KeyboardInterrupt()], ids=repr)
def test_a_write_of_which_nobody_knows_the_outcome_leaves_no_entry(
    cache: Cache[str, str], error: BaseException
) -> None:
    write(cache, "a", "1")
    ticket = cache.begin_read("a")
    fail(cache, error)
    assert cache.peek("a") is None
    cache.end_read("a", ticket, "old")
    assert cache.peek("a") is None


def test_a_filling_takes_the_place_of_all_others(cache: Cache[str, str]) -> None:
    write(cache, "a", "1")
    write(cache, "b", "1")
    with cache.filling() as filling:
        assert cache.peek("a") == "1"
        filling.entries = [("b", "2"), ("c", "2")]
    assert [cache.peek(key) for key in "abc"] == [None, "2", "2"]
    assert cache.stats().evictions == 0


def test_a_filling_that_is_too_large_keeps_what_comes_last(cache: Cache[str, str]) -> None:
    with cache.filling() as filling:
        filling.entries = [(key, key) for key in "abcde"]
    assert [cache.peek(key) for key in "abcde"] == [None, None, "c", "d", "e"]
    assert cache.stats() == CacheStats(hits=0, misses=0, evictions=2, size=3, bytes=3 * LETTER)


def test_evictions_count_on_over_a_filling(cache: Cache[str, str]) -> None:
    for key in "abcd":
        write(cache, key, key)
    with cache.filling() as filling:
        filling.entries = []
    assert cache.stats() == CacheStats(hits=0, misses=0, evictions=1, size=0, bytes=0)


def test_what_was_written_while_a_filling_was_read_stays(cache: Cache[str, str]) -> None:
    write(cache, "a", "1")
    write(cache, "b", "1")
    with cache.filling() as filling:
        write(cache, "a", "2")
        write(cache, "b", None)
        with pytest.raises(ZeroDivisionError), cache.writing("c"):
            raise ZeroDivisionError
        filling.entries = [("a", "1"), ("b", "1"), ("c", "1")]
    assert [cache.peek(key) for key in "abc"] == ["2", None, "1"]


def test_a_filling_that_failed_leaves_the_cache_as_it_was(cache: Cache[str, str]) -> None:
    write(cache, "a", "1")
    with pytest.raises(ZeroDivisionError), cache.filling():
        raise ZeroDivisionError
    assert cache.peek("a") == "1"


def test_threads_share_it(timer: Timer) -> None:
    cache: Cache[int, int] = Cache(50, 60, timer, 10**9)
    errors: list[BaseException] = []

    def work(offset: int) -> None:
        try:
            for n in range(2000):
                key = (n * 7 + offset) % 100
                if (value := cache.get(key)) is None:
                    cache.end_read(key, cache.begin_read(key), key)
                elif value != key:
                    raise AssertionError(key)
                with cache.writing(key) as writing:
                    writing.value = key
                if n % 500 == 0:
                    with cache.filling() as filling:
                        filling.entries = [(k, k) for k in range(20)]
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=work, args=(offset,)) for offset in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    stats = cache.stats()
    assert stats.hits + stats.misses == 8000
    assert stats.size <= 50
    for key in range(60):
        cache.end_read(key, cache.begin_read(key), key)
    assert cache.stats().size == 50
