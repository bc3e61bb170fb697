"""Orders as ready answers: the bytes of their JSON, for as long as the service caches them."""

from __future__ import annotations

import weakref

from cachetools import LRUCache
from pydantic import BaseModel

from metacore import OrderRecord, OrderRecordService

_SHARE = 4
"""One part in so many of the cache's bytes is for ready answers, the rest for records."""


class CacheState(BaseModel):
    """What the cache holds, and what it may hold."""

    records: int
    max_records: int
    bytes: int
    max_bytes: int
    hits: int
    misses: int
    evictions: int


class ReadyOrders:
    """The answers to those who ask for an order.

    An answer is kept beside the record that it was made of, and good only while the service's cache gives that very
    record; so whatever the service knows to be outdated is outdated here, too.
    """

    def __init__(self, service: OrderRecordService, max_records: int, max_bytes: int) -> None:
        self._service = service
        self._max_records, self._max_bytes = max_records, max_bytes
        self._answers: LRUCache[str, _Answer] = LRUCache(share_of_answers(max_bytes), getsizeof=_Answer.size)

    async def get(self, order_uid: str) -> bytes:
        """The JSON of the order; NotFoundError if there is none."""
        return self._body(order_uid, await self._service.get(order_uid))

    def at_hand(self, order_uid: str) -> bytes | None:
        """The same without waiting for anything, if the order is cached; None says nothing of it."""
        record = self._service.cached(order_uid)
        return None if record is None else self._body(order_uid, record)

    def state(self) -> CacheState:
        """How full the cache is."""
        stats = self._service.cache_stats()
        return CacheState(
            records=stats.size,
            max_records=self._max_records,
            bytes=stats.bytes + int(self._answers.currsize),
            max_bytes=self._max_bytes,
            hits=stats.hits,
            misses=stats.misses,
            evictions=stats.evictions,
        )

    def _body(self, order_uid: str, record: OrderRecord) -> bytes:
        answer = self._answers.get(order_uid)
        if answer is None or answer.record() is not record:
            answer = _Answer(record)
            self._keep(order_uid, answer)
        return answer.body

    def _keep(self, order_uid: str, answer: _Answer) -> None:
        if answer.size() > self._answers.maxsize:
            self._answers.pop(order_uid, None)
            return
        self._answers[order_uid] = answer
        while len(self._answers) > self._max_records:
            self._answers.popitem()


class _Answer:
    __slots__ = ("body", "record")

    def __init__(self, record: OrderRecord) -> None:
        self.body = record.model_dump_json().encode()
        # Weakly: the service decides how long a record is kept.
        self.record = weakref.ref(record)

    def size(self) -> int:
        return len(self.body) + 300


def share_of_answers(max_bytes: int) -> int:
    """How many of the cache's bytes ready answers may take."""
    return max_bytes // _SHARE
