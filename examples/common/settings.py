"""What every system can be told by variables; each adds its own."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

Port = Annotated[int, Field(ge=1, le=65_535)]


class SystemSettings(BaseSettings):
    """Where a system listens, and how much it tells. A subclass says by which prefix its variables begin."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    host: str = "127.0.0.1"
    port: Port = 8080
    log_level: Annotated[str, Field(pattern="^(DEBUG|INFO|WARNING|ERROR)$")] = "INFO"
    """Of our own logs; the libraries' are told from WARNING on, since at DEBUG some of them tell what they carry."""
