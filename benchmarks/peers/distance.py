"""A database that is far away: a relay on this machine, in a process of its own, that holds back what goes through.

    python benchmarks/peers/distance.py HOST PORT MILLISECONDS

Prints the port that it listens on. What comes is passed on after half of the milliseconds, in order, either way, so
that a round trip takes that much longer.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue
from urllib.parse import quote

from psycopg.conninfo import conninfo_to_dict

Chunks = SimpleQueue[tuple[float, bytes]]


@contextmanager
def far_away(url: str, milliseconds: float) -> Iterator[str]:
    """The URL of the server of `url` by way of a relay."""
    parts = conninfo_to_dict(url)
    host, port = str(parts.get("host") or "127.0.0.1"), str(parts.get("port") or 5432)
    command = [sys.executable, __file__, host, port, str(milliseconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as relay:
        try:
            assert relay.stdout is not None
            listening = relay.stdout.readline().strip()
            user, password, name = (quote(str(parts.get(key) or ""), safe="") for key in ("user", "password", "dbname"))
            yield f"postgresql://{user}:{password}@127.0.0.1:{listening}/{name}?sslmode=disable"
        finally:
            relay.kill()


def _connect(host: str, port: int) -> socket.socket:
    if not host.startswith("/"):
        return socket.create_connection((host, port))
    server = socket.socket(socket.AF_UNIX)
    server.connect(str(Path(host) / f".s.PGSQL.{port}"))
    return server


def _read(source: socket.socket, chunks: Chunks) -> None:
    data = b"."
    while data:
        data = b""
        with suppress(OSError):
            data = source.recv(1 << 16)
        chunks.put((time.perf_counter(), data))


def _pass_on(chunks: Chunks, target: socket.socket, delay: float) -> None:
    data = b"."
    while data:
        came, data = chunks.get()
        time.sleep(max(0, came + delay - time.perf_counter()))
        with suppress(OSError):
            target.sendall(data) if data else target.shutdown(socket.SHUT_WR)


def main() -> None:
    host, port, milliseconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        client, _ = listener.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server = _connect(host, port)
        for source, target in ((client, server), (server, client)):
            chunks: Chunks = SimpleQueue()
            threading.Thread(target=_read, args=(source, chunks), daemon=True).start()
            threading.Thread(target=_pass_on, args=(chunks, target, milliseconds / 2000), daemon=True).start()


if __name__ == "__main__":
    main()
