"""The services by their names, which those of modules, of schemas and of the variables with their URLs are made of."""

from __future__ import annotations

from typing import Final, LiteralString

from common.ports import free_port
from marketplace.settings import PREFIX

WITH_SCHEMA: Final = ("users", "products", "orders", "payments", "warehouse", "payment_gateway")
"""The services that keep something, each in a schema of its own. The last one is no part of the marketplace: it stands
in for the bank.
"""

GATEWAY = "gateway"


def schema_of(service: LiteralString) -> LiteralString:
    """The schema of a service."""
    return f"marketplace_{service}"


def variable_of(service: str) -> str:
    """The variable that tells where a service is."""
    return f"{PREFIX}{service.upper()}"


def free_url(host: str) -> str:
    """A URL with a port of `host` that nobody listens on."""
    return f"http://{host}:{free_port(host)}"
