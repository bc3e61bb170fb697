"""What the load runs of systems share: a system as a process, and who asks it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import psutil

EXAMPLES = Path(__file__).parents[2] / "examples"


class Asker(asyncio.Protocol):
    """Asks again as soon as it is answered."""

    def __init__(self, request: bytes, until: float, times: list[float], body: bytes | None) -> None:
        self._request, self._until, self._times, self._body = request, until, times, body
        self.wrong = 0
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._ask()

    def _ask(self) -> None:
        self._got = b""
        self._began = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, end, body = self._got.partition(b"\r\n\r\n")
        if not end or len(body) < int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]):
            return
        now = time.perf_counter()
        self._times.append(now - self._began)
        if self.goes_on(head, body) and now < self._until:
            self._ask()
        else:
            self._transport.close()

    def goes_on(self, head: bytes, body: bytes) -> bool:
        """Look at an answer; whether there is something to ask for after it."""
        self.wrong += not head.startswith(b"HTTP/1.1 200") or self._body not in (None, body)
        return True

    def connection_lost(self, _: Exception | None) -> None:
        self.ended.set_result(None)


async def ask(
    port: int, path: str, seconds: float, connections: int, body: bytes | None = None
) -> tuple[list[float], int]:
    """The times of the answers, and how many were wrong: no 200, or not `body`, if that is told."""
    request = f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n\r\n".encode()
    times: list[float] = []
    until = time.perf_counter() + seconds
    askers = []
    for _ in range(connections):
        _, asker = await asyncio.get_running_loop().create_connection(
            lambda: Asker(request, until, times, body), "127.0.0.1", port
        )
        askers.append(asker)
    await asyncio.gather(*(asker.ended for asker in askers))
    return times, sum(asker.wrong for asker in askers)


@contextmanager
def running(name: str, urls: dict[str, str], port: int) -> Iterator[psutil.Process]:
    """A system in a process of its own, once it is ready."""
    environment = {**os.environ, **urls, f"{name.upper()}_PORT": str(port)}
    with subprocess.Popen(
        [sys.executable, "-m", name], cwd=EXAMPLES, env=environment, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        try:
            while not (line := process.stdout.readline()).endswith(b": ready\n"):
                assert line, "the system did not start"
            yield psutil.Process(process.pid)
        finally:
            process.terminate()


def processor_time(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def figure(metrics: str, name: str) -> float:
    return float(metrics.partition(f"\n{name} ")[2].partition("\n")[0])
