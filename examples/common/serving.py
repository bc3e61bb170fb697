"""How a system starts, serves and ends: exit 0 on SIGINT and SIGTERM, with nothing half done."""

from __future__ import annotations

import asyncio
import gc
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Protocol

import uvloop
from granian.constants import Interfaces
from granian.server.embed import Server
from starlette.types import ASGIApp

from metacore import ConfigurationError, MetacoreError, StorageUnavailableError

System = Callable[[dict[str, str], asyncio.Event], Awaitable[None]]
"""A system over the URLs of its parts, which ends when the event is set."""


class Urls(AbstractContextManager["Urls"], Protocol):
    """What gives the URLs of parts for the time of a block: `Parts`, or what a member of a group is told."""

    @property
    def urls(self) -> dict[str, str]:
        """By the names of their variables."""
        ...


_BACKLOG = 1024
_YOUNG, _OLDER = 50_000, 20
"""How many more objects there are before the next look for cycles, and how often more of them are looked at. By 700 and
10, as Python has it, a sixth of the time of a service that does much together was spent in looking at what is in use.
"""
# What else a URL may have, such as a password or a parameter of another name, might be secret.
_HARMLESS = re.compile(
    r"(\w+://)?([\w.-]*@)?[\w.:,/\[\]-]*(\?((host|port|user|dbname|sslmode)=[\w.:,/%-]*(&|$))*)?", re.ASCII
)
_LISTENS_WITHIN = 10


def run(system: System, parts: Urls) -> int:
    """Run `system` until a signal ends it, and return its exit status."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    gc.set_threshold(_YOUNG, _OLDER, _OLDER)
    try:
        with parts:
            uvloop.run(_until_signal(system, parts.urls))
    except KeyboardInterrupt:
        return 0
    except MetacoreError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


async def _until_signal(system: System, urls: dict[str, str]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await system(urls, stop)


@asynccontextmanager
async def listening(app: ASGIApp, host: str, port: int, websockets: bool = False) -> AsyncIterator[None]:
    """Serve `app` in this event loop for the time of the block. At its end requests under way are answered."""
    _require_free(host, port)
    server = Server(
        app, host, port, interface=Interfaces.ASGINL, log_enabled=False, websockets=websockets, backlog=_BACKLOG
    )
    serving = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(_LISTENS_WITHIN):
            await _answering(host, port, serving)
        yield
    finally:
        server.stop()  # type: ignore[no-untyped-call]
        await serving


def tell(system: str, host: str, port: int, urls: dict[str, str]) -> None:
    """Print where the system is, its parts, a line each, and that it is ready; a URL only if nothing in it can be
    secret.
    """
    print(f"{system}: http://{host}:{port}")
    for name, url in urls.items():
        print(f"{name}={url if _HARMLESS.fullmatch(url) else '(as given)'}")
    print(f"{system}: ready", flush=True)


def _require_free(host: str, port: int) -> None:
    # The server shares its port with others that do, instead of saying that it is taken.
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((host, port))
        except OSError as error:
            raise ConfigurationError(f"cannot listen on {host}:{port}: {error.strerror}", setting="port") from None


async def _answering(host: str, port: int, serving: asyncio.Task[None]) -> None:
    while True:
        if serving.done():
            raise StorageUnavailableError(f"the server on {host}:{port} ended at once")
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            await asyncio.sleep(0.01)
        else:
            writer.close()
            return
