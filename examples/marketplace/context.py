"""The context that a service is built in, and the contents that it is made of."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, LiteralString, TypeAlias

from fastapi import APIRouter

from common.access_tokens import AccessTokens
from common.direct import DirectRoute
from common.health import Check
from common.observing import Metrics
from common.tracing import Tracing
from marketplace.activity import Activity
from marketplace.deliveries import ReceivedEvent
from marketplace.peers import Peers
from marketplace.settings import MarketplaceSettings
from metacore import Storage, Transaction

AfterCommit: TypeAlias = Callable[[], None]
"""What is to be done as soon as a transaction is committed."""

Handler: TypeAlias = Callable[[Transaction, Sequence[ReceivedEvent]], Awaitable[AfterCommit | None]]
"""The effect of events of one topic and type, each of another key, in the transaction that has accepted them. What it
raises undoes all, and they come again one by one. The events that follow from an event have its headers.
"""

Work: TypeAlias = Callable[[asyncio.Event], Coroutine[Any, Any, None]]
"""Something to be done for as long as the service lives: until the event is set."""


@dataclass(frozen=True)
class ServiceContext:
    """What a service works with."""

    name: LiteralString
    storage: Storage
    schema: LiteralString
    """Where its tables are: `search_path` says nothing, so statements name it."""
    settings: MarketplaceSettings
    urls: Mapping[str, str]
    """Of the parts and of all services, by the names of their variables."""
    access_tokens: AccessTokens
    peers: Peers
    tracing: Tracing
    metrics: Metrics
    activity: Activity = field(default_factory=Activity)

    def topic(self, of: str) -> str:
        """The topic of the outbox, and of the broker, with the events of `of`."""
        return f"{self.settings.topics}{of}"


@dataclass(frozen=True)
class Contents:
    """What a service is made of."""

    routers: Sequence[APIRouter] = ()
    direct: Sequence[DirectRoute] = ()
    """Routes of `routers` that are asked most, answered without what these need."""
    publishes: Sequence[str] = ()
    """Topics of its outbox."""
    handlers: Mapping[str, Handler] = field(default_factory=dict)
    """By topic: what its events do here."""
    ignored: Set[str] = frozenset()
    """Types of events that do nothing here: they need not be read."""
    singly: Set[str] = frozenset()
    """Types of events that take effect one by one: what they lock is known only in the course of it."""
    background: Sequence[Work] = ()
    largest_body: int = 2**20
    """How many bytes of a body are read."""
    checks: Mapping[str, Check] = field(default_factory=dict)


Build: TypeAlias = Callable[[ServiceContext], Awaitable[Contents]]
