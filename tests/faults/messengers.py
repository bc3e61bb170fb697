"""Relays and consumers, each a process of its own that may be killed; they are forked, so that the next begins at once.

Run as a script, with the URL of a database and a directory, it reads a role from each line, such as "relay 0" or
"consumer 1", and answers with the id of a process that plays it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from datetime import timedelta
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from types import TracebackType
from typing import Self

from metacore.sync import (
    AcceptOutcome,
    BalanceChanged,
    Event,
    Relay,
    Settings,
    Storage,
    connect,
    parse_feed_event,
)

TOPIC, CONSUMER = "facts", "effects"
CONSUMERS = 2
GAPS = "gaps"
"""The file that tells of an event which came before the one that it follows."""


def relay(url: str, directory: Path) -> None:
    """Tell events to one of the consumers, to the next one after each failure."""
    connections: list[Connection] = []
    turn = os.getpid()

    def send(event: Event) -> None:
        nonlocal turn
        try:
            if not connections:
                connections.append(Client(str(directory / f"{turn % CONSUMERS}"), "AF_UNIX"))
            connections[0].send_bytes(event.model_dump_json().encode())
            connections[0].recv_bytes()
        except (OSError, EOFError):
            connections.clear()
            turn += 1
            raise

    soon = timedelta(milliseconds=20)
    patience = {"attempts": 10**6, "backoff": soon, "longest_backoff": soon, "pause": soon}
    with connect(url, settings=Settings(pool_max_size=1)) as storage:
        # Claims are small, so that the lease of one who is killed, which others wait for, can be short.
        Relay(storage, [TOPIC], send, keys=2, per_key=10, lease=timedelta(seconds=2), **patience).run()


def consumer(url: str, directory: Path, number: str) -> None:
    """Take events, each in a transaction with its effect, and answer when that is committed."""
    address = directory / number
    address.unlink(missing_ok=True)
    with connect(url) as storage, Listener(str(address), "AF_UNIX") as listener:
        while True:
            connection = listener.accept()
            threading.Thread(target=serve, args=(storage, connection, directory), daemon=True).start()


def serve(storage: Storage, connection: Connection, directory: Path) -> None:
    with suppress(OSError, EOFError):
        while True:
            take(storage, Event.model_validate_json(connection.recv_bytes()), directory)
            connection.send_bytes(b"done")


def take(storage: Storage, event: Event, directory: Path) -> None:
    """The effect of an event: what a balance got is added to a portfolio."""
    with storage.transaction() as tx:
        accepted = tx.inbox.accept(CONSUMER, event.topic, event.key, event.seq)
        if accepted.outcome is AcceptOutcome.GAP:
            (directory / GAPS).write_text(f"{event} came, {accepted} was expected")
        if accepted.outcome is AcceptOutcome.NEW:
            content = parse_feed_event(event)
            assert isinstance(content, BalanceChanged)
            for entry in content.entries:
                tx.portfolios.add(entry.user_id, entry.asset, entry.delta_free)


class Messengers:
    """Starts and kills them."""

    def __init__(self, url: str, directory: Path) -> None:
        command = [sys.executable, __file__, url, str(directory)]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True)
        self.pids: dict[str, int] = {}

    def start(self, role: str) -> None:
        """Have a process play `role`, such as "relay 0"."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{role}\n")
        self._process.stdin.flush()
        self.pids[role] = int(self._process.stdout.readline())

    def kill(self, role: str) -> None:
        """End it without a word."""
        os.kill(self.pids.pop(role), signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.communicate()


def main(url: str, directory: Path) -> None:
    """Fork a process for each line; when there are no more, end them."""
    pids: list[int] = []
    with connect(url, settings=Settings(pool_max_size=1)) as storage:
        storage.ping()  # so that no process that is forked has modules to load
    for line in sys.stdin:
        role, number = line.split()
        pid = os.fork()
        if not pid:
            try:
                relay(url, directory) if role == "relay" else consumer(url, directory, number)
            finally:
                os._exit(1)
        pids.append(pid)
        print(pid, flush=True)
    for pid in pids:
        # Those that were killed wait here, so that no other process has their ids.
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
