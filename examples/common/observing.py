"""What is seen of a system from outside: metrics of each request, its id in logs and answers, and its trace."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.logs import request_id, trace_id
from common.tracing import Tracing
from metacore import Storage, new_id

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")

_logger = logging.getLogger(__name__)


class Metrics:
    """The metrics of one system. Labels are few by nature, routes by their templates: an id is never one."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._seconds = Histogram(
            "http_request_seconds",
            "Requests by route template, and how long they took.",
            ("method", "route", "status"),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._observers: dict[tuple[str, str, int], Callable[[float], None]] = {}

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        key = (method if method in _METHODS else "OTHER", route, status)
        observe = self._observers.get(key)
        if observe is None:
            observe = self._observers[key] = self._seconds.labels(key[0], route, str(status)).observe
        observe(seconds)

    def gauge(self, name: str, says: str, value: Callable[[], float]) -> None:
        """Tell `value` whenever somebody asks."""
        Gauge(name, says, registry=self.registry).set_function(value)

    def storage(self, storage: Storage) -> None:
        """Tell the figures of the pool of connections."""
        self.registry.register(_Pool(lambda: storage.stats().pool or {}))

    def route(self) -> Route:
        """`/metrics`, for Prometheus."""
        return Route("/metrics", self._answer)

    async def _answer(self, _: Request) -> Response:
        return Response(generate_latest(self.registry), headers={"content-type": CONTENT_TYPE_LATEST})


class _Pool(Collector):
    def __init__(self, figures: Callable[[], Mapping[str, int]]) -> None:
        self._figures = figures

    def collect(self) -> Iterable[GaugeMetricFamily]:
        pool = GaugeMetricFamily("database_pool", "The pool of connections to the database.", labels=("figure",))
        for figure, value in self._figures().items():
            pool.add_metric((figure,), value)
        yield pool


class Observed:
    """An application with metrics, request ids and traces. An id that the caller gave is kept, if it is a plain one."""

    def __init__(self, app: ASGIApp, metrics: Metrics, tracing: Tracing) -> None:
        self._app, self._metrics, self._tracing = app, metrics, tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and tell of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        sent = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        identity = sent if _REQUEST_ID.fullmatch(sent) else new_id().hex.encode()
        request_id.set(identity.decode())
        status = 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", identity)]
            await send(message)

        try:
            if self._tracing.enabled:
                with self._tracing.request(scope) as trace:
                    trace_id.set(trace)
                    await self._app(scope, receive, answer)
            else:
                await self._app(scope, receive, answer)
        finally:
            seconds = time.perf_counter() - began
            route = getattr(scope.get("route"), "path_format", "none")
            self._metrics.observe(scope["method"], route, status, seconds)
            if _logger.isEnabledFor(logging.DEBUG):
                facts = {"method": scope["method"], "route": route, "status": status, "seconds": round(seconds, 6)}
                _logger.debug("request", extra={"facts": facts})
