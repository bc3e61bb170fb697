"""Buyers of the marketplace, made to take little of the processors that they share with it."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple, cast

LINES = 3


class Answered(NamedTuple):
    """A request that did what it was to do."""

    at: float
    took: float


class Buyers:
    """Each orders three products, pays, and orders again, as soon as there is an answer, until they are to end."""

    def __init__(self, products: Sequence[str], authorizations: Sequence[str]) -> None:
        """`authorizations` has the header of each of them."""
        self.products, self._authorizations = products, authorizations
        self.ordered: list[Answered] = []
        self.paid: list[Answered] = []
        self.others: Counter[str] = Counter()
        """The answers to those that were not, by what was asked for and their status."""
        self.are_to_end = False
        self._ends: list[asyncio.Future[None]] = []

    async def begin(self, port: int) -> None:
        """Begin, each by a connection to the gateway at this port."""
        for number, authorization in enumerate(self._authorizations):
            head = f"host: 127.0.0.1:{port}\r\nauthorization: {authorization}\r\n".encode()
            buyer = _Buyer(self, number, len(self._authorizations), head)
            self._ends.append(buyer.ended)
            await asyncio.get_running_loop().create_connection(lambda buyer=buyer: buyer, "127.0.0.1", port)

    async def end(self) -> None:
        """Let each order end that has begun."""
        self.are_to_end = True
        await asyncio.gather(*self._ends)


class _Buyer(asyncio.Protocol):
    def __init__(self, buyers: Buyers, number: int, count: int, head: bytes) -> None:
        self._buyers, self._number, self._count, self._head = buyers, number, count, head
        self._got, self._is_paying, self._began = b"", False, 0.0
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._order()

    def connection_lost(self, _: Exception | None) -> None:
        if not self._buyers.are_to_end:
            self._buyers.others["a lost connection"] += 1
        self.ended.set_result(None)

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, end, body = self._got.partition(b"\r\n\r\n")
        if not end or len(body) < int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]):
            return
        now = time.perf_counter()
        answered, status, buyers = Answered(now, now - self._began), int(head[9:12]), self._buyers
        if not self._is_paying and status == 201:
            buyers.ordered.append(answered)
            self._pay(json.loads(body)["id"])
            return
        if self._is_paying and status == 200 and json.loads(body)["state"] == "PAID":
            buyers.paid.append(answered)
        else:
            buyers.others[f"{'pay' if self._is_paying else 'order'} {status}"] += 1
        if buyers.are_to_end:
            self._transport.close()
        else:
            self._order()

    def _order(self) -> None:
        self._number += self._count
        products = self._buyers.products
        chosen = [products[(self._number * 7 + line * 31) % len(products)] for line in range(LINES)]
        lines = ",".join(f'{{"product_id":"{product}","quantity":1}}' for product in chosen)
        self._ask(False, b"/v1/orders", f'{{"lines":[{lines}]}}'.encode())

    def _pay(self, order_id: str) -> None:
        self._ask(True, f"/v1/orders/{order_id}/pay".encode(), b"")

    def _ask(self, is_paying: bool, path: bytes, body: bytes) -> None:
        self._got, self._is_paying, self._began = b"", is_paying, time.perf_counter()
        begin = b"POST %b HTTP/1.1\r\n%bcontent-type: application/json\r\n" % (path, self._head)
        self._transport.write(b"%bcontent-length: %d\r\n\r\n%b" % (begin, len(body), body))
