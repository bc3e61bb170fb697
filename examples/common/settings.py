"""What every system can be told by variables; each adds its own."""

from __future__ import annotations

import os
from typing import Annotated, Any

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from metacore import Settings

Port = Annotated[int, Field(ge=1, le=65_535)]

_STORAGE: dict[str, Any] = {
    "pool_timeout": 2,
    "connect_timeout": 2,
    "statement_timeout": 5,
    "lock_timeout": 2,
    "import_timeout": 30,
}


class SystemSettings(BaseSettings):
    """Where a system listens, and how much it tells. A subclass says by which prefix its variables begin."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    host: str = "127.0.0.1"
    port: Port = 8080
    log_level: Annotated[str, Field(pattern="^(DEBUG|INFO|WARNING|ERROR)$")] = "INFO"
    """Of our own logs; the libraries' are told from WARNING on, since at DEBUG some of them tell what they carry."""


def storage_settings() -> Settings:
    """Shorter time-outs than the library's, so that who asks is soon told; a variable METACORE_... still decides."""
    return Settings(**{name: value for name, value in _STORAGE.items() if f"METACORE_{name.upper()}" not in os.environ})
