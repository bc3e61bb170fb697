"""The parts that a system runs on: the real one where a variable names it, else an embedded one for this run.

    with Parts("METACORE_URL", "SERVICES_KAFKA") as parts:
        parts.urls["SERVICES_KAFKA"]

The embedded ones run under a keeper, a process of its own that waits for the end of the one that started it: its
standard input is a pipe from there, which also `kill -9` closes. So nothing is left behind, whatever happens.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from threading import Thread
from typing import Self

from common.servers import Broker, ClickHouseServer, RedisServer, Server
from metacore.errors import ConfigurationError, StorageUnavailableError

_END_TIMEOUT = 8
_EMPTY = ":empty"
"""What is added to the variable of a database that is to have no schema."""


class Parts:
    """The URLs of the parts that these variables name; what none of them names is started, and ends with this."""

    def __init__(self, *variables: str, deployed: bool = True) -> None:
        """A database that is started has Metacore's schema, unless it is not to be `deployed`."""
        self._deployed = deployed
        self.urls: dict[str, str] = {name: os.environ[name] for name in variables if os.environ.get(name)}
        self._missing = [name for name in variables if name not in self.urls]
        for name in self._missing:
            if name not in EMBEDDED:
                raise ConfigurationError(f"nothing here can stand in for it: set {name}", setting=name)
        self._keeper: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Begin to start what is missing; entering waits for it. What the caller does meanwhile costs no time."""
        if self._missing and self._keeper is None:
            # In a session of its own: what is sent to the system's group, Ctrl-C or -9, is for the system alone.
            self._keeper = subprocess.Popen(
                [sys.executable, "-m", __name__, *map(self._stand_in, self._missing)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                start_new_session=True,
            )
        return self

    def __enter__(self) -> Self:
        self.start()
        if self._keeper is not None:
            assert self._keeper.stdout is not None
            line = self._keeper.stdout.readline()
            if not line:
                self.stop()
                raise StorageUnavailableError("a part did not start; what it said is above")
            self.urls |= json.loads(line)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def _stand_in(self, name: str) -> str:
        return name if self._deployed or name + _EMPTY not in EMBEDDED else name + _EMPTY

    def stop(self) -> None:
        """End what was started here."""
        keeper, self._keeper = self._keeper, None
        if keeper is None:
            return
        assert keeper.stdin is not None
        assert keeper.stdout is not None
        keeper.stdin.close()
        try:
            keeper.wait(_END_TIMEOUT)
        except subprocess.TimeoutExpired:
            keeper.kill()
            keeper.wait()
        keeper.stdout.close()


@contextmanager
def _empty_postgresql() -> Iterator[str]:
    from metacore import postgres

    with postgres.EmbeddedPostgres() as server:
        yield server.url


@contextmanager
def _postgresql() -> Iterator[str]:
    from metacore import postgres

    # The deployer takes as long to load as the server to start.
    loading = Thread(target=lambda: postgres.SchemaDeployer)
    loading.start()
    with _empty_postgresql() as url:
        loading.join()
        postgres.SchemaDeployer(url).deploy()
        yield url


@contextmanager
def _running(kind: type[Server]) -> Iterator[str]:
    directory = Path(tempfile.mkdtemp(prefix="metacore-part-"))
    server = kind(directory)
    try:
        server.start()
        yield server.url
    finally:
        server.stop()
        shutil.rmtree(directory)


@contextmanager
def _objects() -> Iterator[str]:
    directory = Path(tempfile.mkdtemp(prefix="metacore-objects-"))
    try:
        yield directory.as_uri()
    finally:
        shutil.rmtree(directory)


EMBEDDED: Mapping[str, Callable[[], AbstractContextManager[str]]] = {
    "METACORE_URL": _postgresql,
    "METACORE_URL" + _EMPTY: _empty_postgresql,
    "SERVICES_REDIS": lambda: _running(RedisServer),
    "SERVICES_KAFKA": lambda: _running(Broker),
    "SERVICES_CLICKHOUSE": lambda: _running(ClickHouseServer),
    "SERVICES_S3": _objects,
}
"""What stands in for a part that nobody named: a line for each, and a context manager that gives its URL."""


def keep(variables: list[str]) -> None:
    """Start these parts, tell their URLs in one line, and end them when nobody is at the other end of the pipe."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with ExitStack() as stack:
        urls = {name.removesuffix(_EMPTY): stack.enter_context(EMBEDDED[name]()) for name in variables}
        print(json.dumps(urls), flush=True)
        sys.stdin.buffer.read()


if __name__ == "__main__":
    keep(sys.argv[1:])
