"""The settings of the marketplace, by variables MARKETPLACE_..."""

from __future__ import annotations

import os
from typing import Annotated, Any

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from common.settings import Port, SystemSettings
from metacore import Settings

PREFIX = "MARKETPLACE_"
ADMIN_PASSWORD = f"{PREFIX}ADMIN_PASSWORD"

Seconds = Annotated[float, Field(gt=0, le=86_400)]

_STORAGE: dict[str, Any] = {
    "pool_timeout": 5,
    "connect_timeout": 5,
    "statement_timeout": 5,
    "lock_timeout": 2,
}


class MarketplaceSettings(SystemSettings):
    """Of all services: each reads those that are its own."""

    model_config = SettingsConfigDict(env_prefix=PREFIX)

    port: Port = 8080
    """Of the gateway, which alone is spoken to from outside."""
    token_key: SecretStr = SecretStr("")
    """What access tokens are signed with; made for this run unless it is set."""
    admin_password: SecretStr = SecretStr("")
    """Of the user `admin`; made for this run, and printed, unless it is set."""
    bank_key: SecretStr = SecretStr("")
    """What the bank signs its calls with; made for this run unless it is set."""
    topics: Annotated[str, Field(max_length=100)] = "marketplace."
    """How the names of the topics begin."""
    partitions: Annotated[int, Field(ge=1)] = 3
    """Of a topic, where it is not there yet."""
    reserved_for: Seconds = 900
    """How long the goods of an order wait for its payment."""
    sweep_every: Seconds = 1
    """How often is looked for what is due: reservations that expire, orders and payments that wait for an answer."""
    pay_waits: Seconds = 5
    """How long who pays waits for the outcome before the answer is that it is still under way."""
    events_kept_for: Seconds = 86_400
    """How long events stay in the outbox after they were published."""
    bank_answers_within: Seconds = 2


def storage_settings(schema: str) -> Settings:
    """Shorter time-outs than the library's, so that the answer is soon there; a variable METACORE_... still decides."""
    values = {name: value for name, value in _STORAGE.items() if f"METACORE_{name.upper()}" not in os.environ}
    return Settings(**values, schema=schema, application_name=schema)
