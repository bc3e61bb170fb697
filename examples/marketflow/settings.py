"""What the market data service can be told: by variables MARKETFLOW_..., by a file, and the port by an argument."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import NoDecode, SettingsConfigDict

from common.settings import Port, SystemSettings
from metacore import ConfigurationError, Settings

Mode: TypeAlias = Literal["live", "test"]
"""Where prices come from: sources, or generators. It is the feed of the bars, too."""

_PREFIX = "MARKETFLOW_"
_SOURCE = re.compile(r"(?P<name>[A-Za-z0-9_-]{1,40})=(?P<host>[A-Za-z0-9.-]{1,200}):(?P<port>[0-9]{1,5})")
_SYMBOL = re.compile(r"[A-Z0-9]{2,20}")

# Shorter time-outs than the library's, so that who asks is soon told.
_STORAGE: dict[str, Any] = {
    "pool_timeout": 2,
    "connect_timeout": 2,
    "statement_timeout": 5,
    "lock_timeout": 2,
    "import_timeout": 10,
}


class Address(NamedTuple):
    """An exchange, and where it tells its prices."""

    exchange: str
    host: str
    port: int


OURS = tuple(Address(f"exchange{n}", "127.0.0.1", 40100 + n) for n in (1, 2, 3))
"""The sources where none are named. Where nobody listens there, simulated exchanges do."""


def _parse_sources(value: object) -> object:
    if isinstance(value, Mapping):
        value = ",".join(f"{name}={place}" for name, place in value.items())
    if not isinstance(value, str):
        return value
    found = [_SOURCE.fullmatch(text.strip()) for text in value.split(",") if text.strip()]
    addresses = [Address(one["name"], one["host"], int(one["port"])) for one in found if one is not None]
    if len(addresses) < len(found) or not all(1 <= address.port <= 65_535 for address in addresses):
        raise ValueError("sources are NAME=HOST:PORT, with commas between them")
    if len({address.exchange for address in addresses}) < len(addresses):
        raise ValueError("two sources have one name")
    return tuple(addresses)


def _parse_symbols(value: object) -> object:
    symbols = tuple(text.strip() for text in value.split(",")) if isinstance(value, str) else value
    if not isinstance(symbols, tuple | list) or not all(isinstance(s, str) and _SYMBOL.fullmatch(s) for s in symbols):
        raise ValueError("symbols are capital letters and digits, with commas between them")
    return tuple(symbols)


class MarketSettings(SystemSettings):
    """Of the market data service."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX)

    port: Port = 8080
    mode: Mode = "live"
    """At the start, where no other instance tells another one."""
    sources: Annotated[tuple[Address, ...], NoDecode, BeforeValidator(_parse_sources)] = ()
    """As NAME=HOST:PORT,...; without any, the three of `OURS`."""
    symbols: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_parse_symbols), Field(min_length=1)] = (
        *("BTCUSDT", "DOGEUSDT", "TONUSDT", "SOLUSDT", "ETHUSDT"),
    )
    rate: Annotated[float, Field(gt=0, le=10_000)] = 20
    """Ticks a second of each symbol on each exchange, of generators and simulated exchanges."""
    workers: Annotated[int, Field(ge=1, le=100)] = 5
    """Of each source."""
    longest_line: Annotated[int, Field(ge=100)] = 64 * 1024
    ahead: Annotated[float, Field(ge=0, le=5)] = 5
    """How many seconds a tick may lie after the clock here."""
    late: Annotated[float, Field(gt=0)] = 3600
    """How many seconds a tick may be late."""
    silence: Annotated[float, Field(gt=0)] = 5
    """After so many seconds without a line a source is said to be silent."""
    flush: Annotated[float, Field(gt=0, le=1)] = 0.5
    """How often, in seconds, ticks become parts that are told and stored: a crash costs no more."""
    namespace: Annotated[str, Field(min_length=1, max_length=100)] = "marketflow"
    """What the keys in Redis begin with; instances that share it are one service."""
    retention_days: Annotated[float, Field(gt=0)] = 7


def load(path: str | None, port: str | None) -> MarketSettings:
    """The settings; the argument says most, then variables, then the file. ConfigurationError says what is wrong."""
    path = path or os.environ.get(f"{_PREFIX}CONFIG")
    of_file = _of_file(path) if path else {}
    values = {name: value for name, value in of_file.items() if f"{_PREFIX}{name.upper()}" not in os.environ}
    if port is not None:
        values["port"] = port
    try:
        return MarketSettings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        raise ConfigurationError(f"{name}: {first['msg']}", setting=name) from None


def _of_file(path: str) -> dict[str, Any]:
    try:
        values = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path}: {' '.join(str(error).split())}", setting="config") from None
    for name in values:
        if name not in MarketSettings.model_fields:
            raise ConfigurationError(f"{path}: there is no setting {name!r}", setting="config")
    return values


def storage_settings() -> Settings:
    """How the storage is opened; a variable METACORE_... still decides."""
    return Settings(**{name: value for name, value in _STORAGE.items() if f"METACORE_{name.upper()}" not in os.environ})
