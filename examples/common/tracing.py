"""OpenTelemetry traces, where OTEL_EXPORTER_OTLP_ENDPOINT says to whom; without it, nothing is traced.

What OpenTelemetry needs besides its interface is not among the requirements: opentelemetry-sdk and
opentelemetry-exporter-otlp-proto-http.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import propagate, trace
from starlette.types import Scope

_SENT_IN = "traceparent"


class Tracing:
    """The spans of a system: each request is one, a child of the caller's by its `traceparent`."""

    def __init__(self, system: str, provider: trace.TracerProvider | None = None) -> None:
        """`provider` takes the spans in the place of whom the variable names."""
        if provider is None and os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
            provider = _export(system)
        self.enabled = provider is not None
        self._tracer = trace.get_tracer(system, tracer_provider=provider)

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

    @contextmanager
    def sending(self, topic: str) -> Iterator[Mapping[str, str]]:
        """The span of messages that are sent; gives their headers, which have its `traceparent`."""
        headers: dict[str, str] = {}
        if not self.enabled:
            yield headers
            return
        with self._tracer.start_as_current_span(f"send {topic}", kind=trace.SpanKind.PRODUCER):
            propagate.inject(headers)
            yield headers

    @contextmanager
    def processing(self, topic: str, messages: Iterable[Iterable[tuple[str, bytes | None]]]) -> Iterator[None]:
        """The span of messages, each with its headers, that are processed together; linked to those that sent them."""
        if not self.enabled:
            yield
            return
        contexts = {
            value.decode("latin-1") for headers in messages for name, value in headers if name == _SENT_IN and value
        }
        sent = (trace.get_current_span(propagate.extract({_SENT_IN: text})).get_span_context() for text in contexts)
        links = [trace.Link(context) for context in sent if context.is_valid]
        with self._tracer.start_as_current_span(f"process {topic}", kind=trace.SpanKind.CONSUMER, links=links):
            yield

    @contextmanager
    def taking(self, topic: str, headers: Iterable[tuple[str, bytes | None]]) -> Iterator[Mapping[str, str]]:
        """The span of one message that takes effect, a child of the one that it was sent in; gives the headers of what
        it leads to.
        """
        if not self.enabled:
            yield {}
            return
        texts = {name: value.decode("latin-1") for name, value in headers if value is not None}
        context, kind = propagate.extract(texts), trace.SpanKind.CONSUMER
        with self._tracer.start_as_current_span(f"take {topic}", context=context, kind=kind):
            yield outgoing()


def outgoing() -> dict[str, str]:
    """The headers, for a request or an event, by which the span of now is the parent of what they lead to."""
    headers: dict[str, str] = {}
    propagate.inject(headers)
    return headers


def _export(system: str) -> trace.TracerProvider:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": system}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return provider
