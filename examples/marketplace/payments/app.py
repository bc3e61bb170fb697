"""What the service is made of."""

from __future__ import annotations

from marketplace.context import Contents, ServiceContext


async def build(context: ServiceContext) -> Contents:  # noqa: ARG001
    """The service in this context."""
    return Contents()
