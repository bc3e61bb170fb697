"""How tasks wait for answers."""

import asyncio
import socket
from collections.abc import Generator

from metacore._compat.answers import waited
from metacore._compat.psycopg_undocumented import Ready, Wait


def test_a_socket_is_not_waited_for_once_its_answer_is_read() -> None:
    """What reads an answer may close the socket; another one may have its number before the task goes on."""
    still_waited_for: list[bool] = []

    async def main() -> str:
        loop, (ours, theirs) = asyncio.get_running_loop(), socket.socketpair()

        def work() -> Generator[Wait, Ready | int | None, str]:
            yield Wait.R
            loop.call_soon(lambda: still_waited_for.append(loop.remove_reader(ours.fileno())))
            return "read"

        with ours, theirs:
            theirs.send(b"answer")
            return await waited(work(), ours.fileno(), 10)

    assert asyncio.run(main()) == "read"
    assert still_waited_for == [False]
