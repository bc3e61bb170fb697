"""What the portfolio tracker can be told by variables CRYPTO_..."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from common.settings import Port, SystemSettings

Seconds = Annotated[float, Field(gt=0)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class CryptoSettings(SystemSettings):
    """Of all its processes."""

    model_config = SettingsConfigDict(env_prefix="CRYPTO_")

    port: Port = 8082
    access_key: SecretStr | None = None
    """Signs access tokens; at least 32 bytes. Without one it is random: after a restart clients refresh once more."""
    access_lifetime: Annotated[timedelta, Field(gt=timedelta())] = timedelta(minutes=5)
    secure_cookie: bool = False
    """Whether the refresh token's cookie is sent over HTTPS alone: yes, wherever there is HTTPS."""
    exchange_url: str | None = None
    """What pushes miniTickers, such as `wss://stream.binance.com:9443/ws/!miniTicker@arr`; without one, one that is
    simulated stands in.
    """
    silent_after: Seconds = 10
    """After how long without a message a connection to the exchange is given up, and made anew."""
    stale_after: Seconds = 10
    """How old a price may get before it is marked as stale."""
    forget_every: Seconds = 3600
    """How often sessions that have expired are deleted."""
    pipeline: bool = False
    """Whether every tick goes by Kafka to ClickHouse, too: SERVICES_KAFKA, SERVICES_CLICKHOUSE."""
    topic: Name = "tickers"
    partitions: Annotated[int, Field(ge=1)] = 3
    """Of the topic, where it is not there yet."""
    group: Name = "crypto-pipeline"
    member: Name = "crypto-pipeline-1"
    """The name of this instance in its group, the same after a restart; each instance has its own."""
    table: Annotated[str, Field(pattern="^[a-z_]{1,60}$")] = "tickers"
    """The table in ClickHouse."""
    batch: Annotated[int, Field(ge=1, le=100_000)] = 5000
    """How many ticks are inserted at once."""
    batch_seconds: Seconds = 1
    """How long ticks wait for others."""


class ExchangeSettings(SystemSettings):
    """Of the exchange that is simulated."""

    model_config = SettingsConfigDict(env_prefix="CRYPTO_EXCHANGE_")

    port: Port = 8083
    every: Seconds = 1
    """Seconds from one message to the next."""
