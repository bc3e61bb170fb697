"""OpenTelemetry traces, where OTEL_EXPORTER_OTLP_ENDPOINT says to whom; without it, nothing is traced.

What OpenTelemetry needs besides its interface is not among the requirements: opentelemetry-sdk and
opentelemetry-exporter-otlp-proto-http.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager

from opentelemetry import propagate, trace
from starlette.types import Scope


class Tracing:
    """The spans of a system: each request is one, a child of the caller's by its `traceparent`."""

    def __init__(self, system: str) -> None:
        self.enabled = bool(os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"))
        if self.enabled:
            _export(system)
        self._tracer = trace.get_tracer(system)

    @contextmanager
    def request(self, scope: Scope) -> Iterator[str]:
        """The span of a request, named by its route once that is known; gives the id of its trace."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        method, kind = scope["method"], trace.SpanKind.SERVER
        with self._tracer.start_as_current_span(method, context=propagate.extract(headers), kind=kind) as span:
            try:
                yield f"{span.get_span_context().trace_id:032x}"
            finally:
                route = getattr(scope.get("route"), "path_format", "none")
                span.update_name(f"{method} {route}")
                span.set_attribute("http.route", route)

    def pass_on(self, headers: MutableMapping[str, str]) -> None:
        """Add `traceparent` to `headers`, those of a request or a message that leaves the system."""
        if self.enabled:
            propagate.inject(headers)


def _export(system: str) -> None:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": system}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
