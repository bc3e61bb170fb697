"""A system of several processes that start, serve and end as one.

    run("shop", [Member("shop.stock"), Member("shop.gateway")], Parts("METACORE_URL").start(), host, port)

Each member is `python -m MODULE`, as a copy of the process that starts it: what that has loaded, all have. It is in its
group of processes, and is told the URLs of the parts by its standard input, so that it gets ready while they start; a
pipe, which `kill -9` of the other end closes, too: then the member ends at once. A member that dies is started again a
second later, for as long as it takes; one that dies before the system was ready ends it, since it would hardly ever
start.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from select import select
from threading import Thread
from typing import Self

from common.forks import Fork
from common.serving import Urls, tell
from metacore.errors import MetacoreError, StorageUnavailableError

_IN_GROUP = "SERVICES_MEMBER"
_READY_WITHIN, _END_WITHIN = 60, 6
_LOOK, _REST = 0.2, 1

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Member:
    """A process of a system: the module that is run, and the variables that it is given beside those there are."""

    module: str
    variables: Mapping[str, str] = field(default_factory=dict)


class GroupParts:
    """The URLs of the parts, as a member of a group reads them from its standard input."""

    def __init__(self) -> None:
        self.urls: dict[str, str] = {}

    def __enter__(self) -> Self:
        line = sys.stdin.buffer.readline()
        if not line:
            sys.exit(1)
        self.urls = json.loads(line)
        Thread(target=_end_with_the_other, daemon=True).start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Leave the parts alone: they are not this process's."""


def parts_of(otherwise: Callable[[], Urls]) -> Urls:
    """The parts of this process: as a member of a group those that it reads, or, run alone, what `otherwise` gives."""
    return GroupParts() if os.environ.get(_IN_GROUP) else otherwise()


def run(system: str, members: Sequence[Member], parts: Urls, host: str, port: int) -> int:
    """Run the system until a signal ends it, and return its exit status. It is what listens at `host` and `port`.

    Members get ready at the same time. At the end the last one, which is what listens, ends first, then all others.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    running: list[_Running] = []
    ended = 0
    try:
        running += [_Running(member) for member in members]
        with ExitStack() as stack:
            urls = stack.enter_context(parts).urls
            stack.callback(_end, running)
            for one in running:
                one.begin(urls)
            deadline = time.monotonic() + _READY_WITHIN
            for one in running:
                one.wait_ready(deadline)
            tell(system, host, port, urls)
            _keep(running, urls)
    except KeyboardInterrupt:
        pass
    except MetacoreError as error:
        print(f"error: {error}", file=sys.stderr)
        ended = 1
    finally:
        ended |= not _end(running)
    return ended


class _Running:
    def __init__(self, member: Member) -> None:
        self.member = member
        self.start_at: float | None = None
        self.start()

    def start(self) -> None:
        self.process = Fork(self.member.module, {**self.member.variables, _IN_GROUP: "1"})
        self.start_at = None

    def begin(self, urls: Mapping[str, str]) -> None:
        # One that has died already is noticed by who waits for it.
        with suppress(BrokenPipeError):
            os.write(self.process.input, json.dumps(urls).encode() + b"\n")

    def wait_ready(self, deadline: float) -> None:
        """Wait for what it tells when it is ready; StorageUnavailableError if it does not."""
        output = self.process.output
        readable, _, _ = select([output], [], [], max(0, deadline - time.monotonic()))
        if not readable or not os.read(output, 1):
            raise StorageUnavailableError(f"{self.member.module} did not start; what it said is above")


def _keep(running: Sequence[_Running], urls: Mapping[str, str]) -> None:
    """Start members again that have died, until a signal comes."""
    while True:
        time.sleep(_LOOK)
        for one in running:
            if not one.process.has_ended():
                continue
            if one.start_at is None:
                _logger.warning("%s ended by %s, and is started again", one.member.module, one.process.status)
                one.start_at = time.monotonic() + _REST
            elif time.monotonic() >= one.start_at:
                one.process.close()
                one.start()
                one.begin(urls)


def _end(running: list[_Running]) -> bool:
    """End the last one, then the others; whether none had to be killed. Once ended, there is nothing to end."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    deadline = time.monotonic() + _END_WITHIN
    ended = True
    for turn in (running[-1:], running[:-1]):
        for one in turn:
            one.process.send(signal.SIGTERM)
        for one in turn:
            if not one.process.ends_within(max(0.1, deadline - time.monotonic())):
                ended = False
                one.process.send(signal.SIGKILL)
                one.process.ends_within(_END_WITHIN)
            one.process.close()
    running.clear()
    return ended


def _end_with_the_other() -> None:
    # By the number: a thread in a buffered reader could not be left at the end.
    while os.read(0, 1):
        pass
    os._exit(1)
