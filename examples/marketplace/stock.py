"""What the order service and the warehouse say to each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from marketplace.batcher import LARGEST_BATCH

MAIN = "main"
"""The warehouse that goods come from unless an order names another."""

Warehouse = Annotated[str, Field(pattern="^[a-z0-9-]{1,64}$")]
Quantity = Annotated[int, Field(ge=1, strict=True)]
"""A whole number, and nothing that could be taken for one: `true` is not 1."""


class ReservationRequest(BaseModel):
    """Goods to be reserved for a purchase."""

    purchase_id: UUID
    warehouse: Warehouse
    goods: Annotated[dict[UUID, Quantity], Field(min_length=1)]
    """How much of each product."""
    expires_at: AwareDatetime


class ReservationRequests(BaseModel):
    """The requests of several purchases."""

    requests: Annotated[Sequence[ReservationRequest], Field(min_length=1, max_length=LARGEST_BATCH)]


class Reserved(BaseModel):
    """Whether the goods of each are reserved, all of them; if not, none is."""

    reserved: Sequence[bool]
