"""A relay between a client and PostgreSQL, which loses connections and stops forwarding when it is told to, and counts
what is asked of the server.
"""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from psycopg.conninfo import conninfo_to_dict

_RESET = struct.pack("ii", 1, 0)


_READY = ord("Z")
"""The message by which the server says that it has answered all of a round trip, and waits for the next one."""


class _Messages:
    """How often a server says that it is ready, in what it sends, piece by piece."""

    def __init__(self) -> None:
        self._left = b""

    def count_ready(self, data: bytes) -> int:
        """How many of the messages that `data` completes say so."""
        self._left += data
        ready = 0
        while len(self._left) >= 5:
            length = 1 + int.from_bytes(self._left[1:5])
            if len(self._left) < length:
                break
            ready += self._left[0] == _READY
            self._left = self._left[length:]
        return ready


class Relay:
    """Forwards between a port of this machine and the server of `url`; its own `url` leads through it."""

    def __init__(self, url: str) -> None:
        self._parameters = conninfo_to_dict(url)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._thawed = threading.Event()
        self._thawed.set()
        self._ends = threading.Event()
        self._trigger: tuple[bytes, bool] | None = None
        self.was_triggered = threading.Event()
        self.round_trips = 0
        """How many the server has answered, the start of each connection among them."""

    @property
    def url(self) -> str:
        names = ("user", "password", "dbname")
        user, password, database = (quote(str(self._parameters.get(name) or ""), safe="") for name in names)
        port = self._listener.getsockname()[1]
        return f"postgresql://{user}:{password}@127.0.0.1:{port}/{database}?sslmode=disable"

    @property
    def is_open(self) -> bool:
        """Whether any connection goes through it."""
        return bool(self._pairs)

    def freeze(self) -> None:
        """Forward nothing, and keep all connections, also new ones."""
        self._thawed.clear()

    def thaw(self) -> None:
        """Forward again, what came in meanwhile, too."""
        self._thawed.set()

    def cut(self, reset: bool = False) -> None:
        """End all connections: as if their other end was closed, or with a reset."""
        for pair in list(self._pairs):
            self._end(pair, reset)

    def cut_at(self, words: bytes, *, forwards: bool) -> None:
        """Cut a connection, once, when the client sends `words`: before they are forwarded, or after it, and before any
        answer is.
        """
        self.was_triggered.clear()
        self._trigger = words, forwards

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ends.set()
        self._thawed.set()
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while not self._ends.is_set():
            try:
                client, _ = self._listener.accept()
                server = self._connect()
            except OSError:
                continue
            pair = client, server
            self._pairs.append(pair)
            for back in (False, True):
                threading.Thread(target=self._forward, args=(pair, back), daemon=True).start()

    def _connect(self) -> socket.socket:
        host, port = str(self._parameters.get("host")), int(str(self._parameters.get("port") or 5432))
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        server = socket.socket(socket.AF_UNIX)
        server.connect(str(Path(host) / f".s.PGSQL.{port}"))
        return server

    def _forward(self, pair: tuple[socket.socket, socket.socket], back: bool) -> None:
        source, target = reversed(pair) if back else pair
        messages = _Messages()
        try:
            while data := source.recv(1 << 16):
                self._thawed.wait()
                trigger = None if back else self._trigger
                if trigger is not None and trigger[0] in data:
                    self._trigger = None
                    if trigger[1]:
                        pair[0].shutdown(socket.SHUT_RDWR)
                        target.sendall(data)
                    self.was_triggered.set()
                    break
                if back:
                    self.round_trips += messages.count_ready(data)
                target.sendall(data)
        except OSError:
            """The other direction has ended it."""
        self._end(pair, reset=False)

    def _end(self, pair: tuple[socket.socket, socket.socket], reset: bool) -> None:
        client, server = pair
        if pair in self._pairs:
            self._pairs.remove(pair)
        if reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        for each, how in ((client, socket.SHUT_RD if reset else socket.SHUT_RDWR), (server, socket.SHUT_RDWR)):
            with suppress(OSError):
                each.shutdown(how)
            each.close()
