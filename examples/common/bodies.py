"""Request bodies: no larger than they have a reason to be."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LET_GO_BY = 64 * 2**20


class LimitedBodies:
    """An application that keeps no more than `size` bytes of a body: the error is a 413 like any other of its own."""

    def __init__(self, app: ASGIApp, size: int) -> None:
        self._app, self._size = app, size

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        read = 0

        async def limited() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._size:
                # The rest is let go by, as far as is reasonable: who still sends would lose the answer.
                while message.get("more_body") and read < _LET_GO_BY:
                    message = await receive()
                    read += len(message.get("body", b""))
                raise HTTPException(413, headers={"connection": "close"} if message.get("more_body") else None)
            return message

        await self._app(scope, limited, send)
