"""What OpenTelemetry is told where it is installed, and that nothing is where it is not."""

import json
import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest, registry

from metacore.sync import NewUser, connect

PROGRAM = """
import json, sys
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

spans, reader = InMemorySpanExporter(), InMemoryMetricReader()
from metacore.sync import NewUser, NotFoundError, RetryableError, TradingService, connect, new_id
from metacore.sync.backends.resources import Resources

with connect(sys.argv[1]) as storage:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    trace.set_tracer_provider(provider)
    metrics.set_meter_provider(MeterProvider([reader]))
    with trace.get_tracer("program").start_as_current_span("program"):
        user = storage.users.create(NewUser(username="canary"))
        TradingService(storage).deposit(user.id, "CANARY", 1, reference="canary")
    try:
        storage.users.get(new_id())
    except NotFoundError:
        pass
    failures = [RetryableError("once")]
    def fail(tx):
        if failures:
            raise failures.pop()
    storage.run(fail)
    for _ in storage.balances.stream_entries(user.id, "CANARY"):
        break
    class EndsOthers(Resources):
        def figures(self):
            ending.clear()
    ending = [EndsOthers(), EndsOthers()]
    for each in ending:
        each.begin()
    del each
    told = {
        metric.name: [[dict(point.attributes), getattr(point, "count", getattr(point, "value", None))]
                      for point in metric.data.data_points]
        for resource in reader.get_metrics_data().resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }
print(json.dumps({
    "spans": [[span.name, dict(span.attributes), span.status.status_code.name, span.parent is not None]
              for span in spans.get_finished_spans()],
    "events": [event.name for span in spans.get_finished_spans() for event in span.events],
    "metrics": told,
}))
"""


@pytest.fixture(params=["memory", "postgresql"])
def system(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def url(system: str, request: pytest.FixtureRequest) -> str:
    return "memory://" if system == "memory" else request.getfixturevalue("metacore_database_url")


def test_spans_and_metrics_tell_names_and_no_values(url: str, system: str) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM, url], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    printed = json.loads(done.stdout)
    spans = {name: rest for name, *rest in printed["spans"]}
    assert spans["users.create"] == [{"db.system.name": system, "db.operation.name": "users.create"}, "UNSET", True]
    assert spans["save"][2] is True
    assert spans["balances.stream_entries"][1] == "UNSET"
    attributes, status, has_parent = spans["users.get"]
    assert (attributes["error.type"], status, has_parent) == ("NotFoundError", "ERROR", False)
    assert printed["events"] == []
    metrics = printed["metrics"]
    durations = {point["db.operation.name"]: count for point, count in metrics["db.client.operation.duration"]}
    assert durations["users.create"] == durations["save"] == 1
    assert metrics["metacore.retries"] == [[{"db.system.name": system, "error.type": "RetryableError"}, 1]]
    ((outcome, count),) = metrics["metacore.outcomes"]
    assert (outcome["metacore.outcome"], count) == ("APPLIED", 1)
    states = {point["db.client.connection.state"]: count for point, count in metrics["db.client.connection.count"]}
    assert (states["used"], states["idle"] > 0) == (0, system != "memory")
    assert "canary" not in done.stdout.lower()


def test_without_opentelemetry_nothing_is_recorded_and_nothing_missing() -> None:
    program = """if True:
        import sys
        sys.modules["opentelemetry"] = None
        from metacore.sync import NewUser, TradingService, connect
        with connect("memory://") as storage:
            user = storage.users.create(NewUser())
            TradingService(storage).deposit(user.id, "BTC", 1, reference="one")
            print(storage.stats().latencies["users.create"].count)"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("1\n", "")


def test_statements_are_logged_at_debug_without_values(
    metacore_database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    logger = "metacore.postgres.client.round_trip"
    with connect(metacore_database_url) as storage, caplog.at_level(logging.DEBUG, logger):
        storage.users.create(NewUser(username="canary"))
    messages = [record.getMessage() for record in caplog.records if record.name == logger]
    assert any(message.startswith("users.create: ") and "INSERT INTO" in message for message in messages)
    assert "canary" not in "".join(messages)


def test_the_collector_of_the_documents_tells_prometheus(
    metacore_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (Path(__file__).parents[1] / "docs" / "operations.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"^```python\n(from prometheus_client.*?)^```$", page, re.MULTILINE | re.DOTALL)
    monkeypatch.setattr(registry, "REGISTRY", CollectorRegistry())
    with connect(metacore_database_url) as storage:
        storage.users.create(NewUser())
        exec(program, {"storage": storage})
        metrics = generate_latest(registry.REGISTRY).decode()
    assert 'metacore_operation_seconds_count{operation="users.create"} 1.0' in metrics
    assert re.search(r'metacore_operation_seconds_sum\{operation="users.create"\} 0\.0', metrics)
    assert re.search(r"^metacore_pool_size [1-9]", metrics, re.MULTILINE)
