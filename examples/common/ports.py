"""Ports that nobody listens on."""

from __future__ import annotations

import random
import socket
from contextlib import suppress

# Below those that systems give to outgoing connections, one of which might have it before whoever listens there.
_CHOICE = range(20_000, 32_000)


def free_port(host: str = "127.0.0.1") -> int:
    """A port of `host` that nobody listens on."""
    while True:
        with suppress(OSError), socket.create_server((host, random.choice(_CHOICE))) as free:
            port: int = free.getsockname()[1]
            return port
