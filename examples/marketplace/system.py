"""The marketplace as a whole: the parts it runs on, where its services are, and their schemas."""

from __future__ import annotations

import importlib
import os
import secrets
from typing import Self

from common.group import Member
from common.serving import Urls
from marketplace.names import GATEWAY, WITH_SCHEMA, free_url, variable_of
from marketplace.settings import ADMIN_PASSWORD, PREFIX, MarketplaceSettings

_LOOPBACK = "127.0.0.1"
_KEYS = (f"{PREFIX}TOKEN_KEY", f"{PREFIX}BANK_KEY")


def members() -> list[Member]:
    """The processes: the gateway is the last one, so that it is the first to end."""
    shared = {key: os.environ.get(key) or secrets.token_urlsafe(32) for key in _KEYS}
    return [Member(f"marketplace.{name}", shared) for name in (*WITH_SCHEMA, GATEWAY)]


def load() -> None:
    """Load what the services are made of."""
    for name in (*WITH_SCHEMA, GATEWAY):
        importlib.import_module(f"marketplace.{name}.app")
    importlib.import_module("marketplace.service")


class Prepared:
    """The parts, their URLs, and those of the services."""

    def __init__(self, parts: Urls, settings: MarketplaceSettings) -> None:
        self._parts, self._settings = parts, settings
        self.urls: dict[str, str] = {}

    def __enter__(self) -> Self:
        urls = self._parts.__enter__().urls
        services = {variable_of(name): free_url(_LOOPBACK) for name in WITH_SCHEMA}
        services[variable_of(GATEWAY)] = f"http://{self._settings.host}:{self._settings.port}"
        made = {} if os.environ.get(ADMIN_PASSWORD) else {ADMIN_PASSWORD: secrets.token_urlsafe(12)}
        self.urls = {**urls, **services, **made}
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._parts.__exit__(None, None, None)
