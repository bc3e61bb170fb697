"""What the service can be told by variables SERVICE_..."""

from __future__ import annotations

from pydantic_settings import SettingsConfigDict

from common.settings import Port, SystemSettings


class ServiceSettings(SystemSettings):
    """Of the service."""

    model_config = SettingsConfigDict(env_prefix="SERVICE_")

    port: Port = 8080
