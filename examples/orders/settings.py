"""What the order service can be told by variables ORDERS_..."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from common.settings import Port, SystemSettings

Name = Annotated[str, Field(min_length=1, max_length=200)]


class OrderSettings(SystemSettings):
    """Of the order service."""

    model_config = SettingsConfigDict(env_prefix="ORDERS_")

    port: Port = 8081
    topic: Name = "orders"
    partitions: Annotated[int, Field(ge=1)] = 3
    """Of the topic, where it is not there yet."""
    group: Name = "order-service"
    member: Name = "order-service-1"
    """The name of this instance in its group, the same after a restart; each instance has its own."""
    largest_message: Annotated[int, Field(ge=1024)] = 16 * 2**20
    """How many bytes the topic takes as one message, where it is not there yet. What is too large for an order is a
    dead letter, and has to get here to become one.
    """
    batch: Annotated[int, Field(ge=1, le=10_000)] = 500
    """How many messages are stored by one transaction."""
    cache_records: Annotated[int, Field(ge=1)] = 10_000
    cache_bytes: Annotated[int, Field(ge=4096)] = 128 * 2**20
    cache_ttl: Annotated[float, Field(gt=0)] = 300
