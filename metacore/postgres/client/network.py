"""What goes over a network: how a server may ask who one is, and a warning where nobody checks who the server is."""

from __future__ import annotations

import ipaddress
import logging
import re
from collections.abc import Mapping
from typing import Any

from psycopg import pq

REQUIRED = "scram-sha-256,gss,sspi,none"
"""The ways that show nobody the password, nor what it could be guessed from; `none` is a certificate, or the socket's
user.
"""

_OLDEST = 16_00_00
"""The libpq that knows `require_auth`."""

_HOST = re.compile(r"[\w.:-]+")
"""What a name or an address of a host is made of. What is not may hold a part of a password, in which an @ was not
escaped.
"""

_logger = logging.getLogger(__name__)


def authentication(parameters: Mapping[str, Any]) -> dict[str, str]:
    """What libpq is asked for beside `parameters`, which come first, as does the environment."""
    if pq.version() < _OLDEST or _effective(parameters, "require_auth"):
        return {}
    return {"require_auth": REQUIRED}


def warn(parameters: Mapping[str, Any]) -> None:
    """Log a warning if the server is neither a socket nor of this machine, and nobody checks that it is the one."""
    remote = _remote(parameters)
    if not remote:
        return
    if _effective(parameters, "sslmode") != "verify-full":
        _logger.warning(
            "The connection to %s goes over a network, and whoever is on the way can pass for the server: set"
            " sslmode=verify-full and sslrootcert in the URL",
            remote,
        )
    if pq.version() < _OLDEST and not parameters.get("require_auth"):
        _logger.warning(
            "libpq %s cannot refuse a server that asks for the password in the clear: install psycopg[binary] with"
            " libpq 16 or newer, or set sslmode=verify-full",
            pq.version_pretty(pq.version()),
        )


def _remote(parameters: Mapping[str, Any]) -> str:
    hosts = [host for host in _effective(parameters, "hostaddr", "host").split(",") if host]
    return ", ".join(host if _HOST.fullmatch(host) else "a host" for host in hosts if not _is_here(host))


def _is_here(host: str) -> bool:
    if host.startswith(("/", "@")) or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _effective(parameters: Mapping[str, Any], *names: str) -> str:
    """The first of these parameters that is given, or that libpq takes from its environment."""
    for name in names:
        if value := str(parameters.get(name) or ""):
            return value
    defaults = {option.keyword.decode(): option.val for option in pq.Conninfo.get_defaults()}
    for name in names:
        if value := (defaults.get(name) or b"").decode(errors="replace"):
            return value
    return ""
