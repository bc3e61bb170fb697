"""Which service has which routes."""

from __future__ import annotations

from collections.abc import Mapping

SERVICES: Mapping[str, tuple[str, ...]] = {
    "users": ("register", "login", "refresh", "logout", "me", "users"),
    "products": ("categories", "products"),
    "orders": ("orders",),
    "payments": ("payments",),
    "warehouse": ("warehouse",),
}
"""What follows `/v1/` in the routes of each service. Other routes of theirs are for the services alone."""

_BY_NAME = {name: service for service, names in SERVICES.items() for name in names}
PREFIX = "/v1/"
"""What all their routes begin with."""


def route_of(path: str) -> tuple[str, str] | None:
    """The service with the route of this path, and what its routes have in common; None if nobody has."""
    if not path.startswith(PREFIX):
        return None
    name = path[len(PREFIX) :].partition("/")[0]
    service = _BY_NAME.get(name)
    return None if service is None else (service, PREFIX + name)
