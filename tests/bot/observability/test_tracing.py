"""Spans of one request are one trace, whoever makes them, and cost nothing where nobody looks."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from structlog.testing import capture_logs

from countersign.approvals.errors import ConfigurationError
from countersign.approvals.models import Request, Verdict, Via
from countersign.approvals.observer import Observer
from countersign.bot.observability.metrics import Metrics
from countersign.bot.observability.observer import ProcessObserver
from countersign.bot.observability.tracing import SaidOnce, Tracing, tracing_by
from tests.doubles.world import World, opened

STRANGER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Process:
    """One process with spans of its own."""

    def __init__(self) -> None:
        self.kept = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self.kept))
        self.tracing = Tracing(provider)
        self.watch: Observer = ProcessObserver(Metrics(), self.tracing)

    def spans(self) -> Mapping[str, ReadableSpan]:
        return {span.name: span for span in self.kept.get_finished_spans()}


async def proposed(world: World, process: Process) -> Request:
    """A request that was submitted in a span of this process."""
    run = await world.begun()
    with process.watch.span("submit", session_id=run.session.id):
        span = process.watch.traceparent()
        proposal = world.proposal(run.session.id, "quote", traceparent=span)
        (request,) = await world.submit(run, proposal)
    return request


def trace_id(span: ReadableSpan) -> int:
    assert span.context is not None
    return int(span.context.trace_id)


async def test_a_later_span_in_another_process_is_in_the_same_trace(tmp_path: Path) -> None:
    first, second = Process(), Process()
    async with opened(tmp_path) as world:
        request = await proposed(world, first)
        stored = await world.now(request)
    with second.watch.span("execute", stored):
        pass
    submit, execute = first.spans()["submit"], second.spans()["execute"]

    assert trace_id(submit) == trace_id(execute)
    assert execute.parent is not None
    assert submit.context is not None
    assert submit.context.span_id == execute.parent.span_id
    assert execute.attributes is not None
    assert request.id == execute.attributes["countersign.request_id"]


async def test_a_vote_is_a_span_linked_with_the_call_that_brought_it(tmp_path: Path) -> None:
    first, second = Process(), Process()
    async with opened(tmp_path) as world:
        request = await proposed(world, first)
        with second.tracing.serving("POST /votes", {}) as answered:
            began_s = time.time()
            decided = await world.vote(request)
            second.watch.voted(decided, Verdict.APPROVE, Via.API, began_s=began_s)
            answered(200)
    spans = second.spans()
    vote, served = spans["vote"], spans["POST /votes"]

    assert trace_id(first.spans()["submit"]) == trace_id(vote)
    assert [served.context] == [link.context for link in vote.links]
    assert int(began_s * 1e9) == vote.start_time
    assert vote.attributes is not None
    assert vote.attributes["countersign.decided"] is True


async def test_a_span_inside_another_of_its_trace_is_its_child(tmp_path: Path) -> None:
    process = Process()
    async with opened(tmp_path) as world:
        request = await proposed(world, process)
    with process.watch.span("run", request), process.watch.span("claim", request):
        pass
    run, claim = process.spans()["run"], process.spans()["claim"]

    assert claim.parent is not None
    assert run.context is not None
    assert run.context.span_id == claim.parent.span_id
    assert () == tuple(claim.links)


def test_the_trace_of_a_caller_is_linked_and_not_continued() -> None:
    """Otherwise strangers would choose our trace ids and what is sampled."""
    process = Process()
    with process.tracing.serving("GET /x", {"traceparent": STRANGER}) as answered:
        answered(200)
    span = process.spans()["GET /x"]

    assert SpanKind.SERVER is span.kind
    assert span.parent is None
    assert ["0af7651916cd43dd8448eb211c80319c"] == [
        f"{link.context.trace_id:032x}" for link in span.links
    ]
    assert trace_id(span) != span.links[0].context.trace_id


@pytest.mark.parametrize("sent", ["", "nonsense", "00-" + "0" * 32 + "-" + "0" * 16 + "-01"])
def test_a_broken_context_is_ignored(sent: str) -> None:
    process = Process()
    with process.tracing.serving("GET /x", {"traceparent": sent}) as answered:
        answered(500)
    span = process.spans()["GET /x"]

    assert () == tuple(span.links)
    assert StatusCode.ERROR is span.status.status_code


def test_an_error_is_in_the_trace_by_its_kind_and_not_by_its_words() -> None:
    """Words of an exception may quote arguments, or a URL with a token in it."""
    process = Process()
    with pytest.raises(ValueError, match="secret"), process.watch.span("deliver"):
        raise ValueError("secret words")
    with pytest.raises(ValueError, match="secret"), process.tracing.serving("GET /x", {}):
        raise ValueError("secret words")
    for span in process.kept.get_finished_spans():
        assert StatusCode.ERROR is span.status.status_code
        assert span.attributes is not None
        assert "ValueError" == span.attributes["error.type"]
        assert "secret" not in span.to_json()


async def test_a_request_from_before_tracing_begins_a_trace(tmp_path: Path) -> None:
    process = Process()
    async with opened(tmp_path) as world:
        (request,) = await world.asked("quote")
    with process.watch.span("run", request):
        pass

    assert process.spans()["run"].parent is None


async def test_without_tracing_there_is_no_span_at_all(tmp_path: Path) -> None:
    watch = ProcessObserver(Metrics())
    async with opened(tmp_path) as world:
        (request,) = await world.asked("quote")

    assert watch.span("run", request) is watch.span("claim", request)
    assert watch.traceparent() is None


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_TRACES_EXPORTER": "none"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "true"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        {"OTEL_SERVICE_NAME": "countersign"},
    ],
)
def test_nothing_is_traced_unless_it_is_said_where_to(environ: Mapping[str, str]) -> None:
    found, close = tracing_by(environ)
    close()

    assert found is None


def test_an_endpoint_is_enough() -> None:
    found, close = tracing_by({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"})
    close()

    assert found is not None


def test_an_unknown_exporter_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="zipkin is not supported; use otlp"):
        tracing_by({"OTEL_TRACES_EXPORTER": "zipkin"})


class Collector:
    """An exporter whose collector comes and goes."""

    def __init__(self) -> None:
        self.result = SpanExportResult.FAILURE
        self.over = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self.result

    def shutdown(self) -> None:
        self.over = True

    def force_flush(self, timeout_millis: int) -> bool:
        return timeout_millis > 0


def test_a_collector_that_is_away_is_said_once() -> None:
    collector = Collector()
    exporter = SaidOnce(collector)
    with capture_logs() as logged:
        exporter.export([])
        exporter.export([])
        collector.result = SpanExportResult.SUCCESS
        results = [exporter.export([]), exporter.export([])]

    assert ["collector unreachable", "collector reachable again"] == [e["event"] for e in logged]
    assert [SpanExportResult.SUCCESS] * 2 == results
    assert exporter.force_flush()
    exporter.shutdown()
    assert collector.over


WITHOUT_SDK = """
import sys
sys.modules["opentelemetry.sdk"] = None
sys.modules["opentelemetry.exporter"] = None
from countersign.approvals.errors import ConfigurationError
from countersign.bot.observability.tracing import tracing_by
print(tracing_by({})[0])
try:
    tracing_by({"OTEL_TRACES_EXPORTER": "otlp"})
except ConfigurationError as exc:
    print(exc)
"""


def test_without_the_sdk_spans_are_refused_only_if_they_are_asked_for() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_SDK], capture_output=True, text=True, check=True
    )

    assert done.stdout.startswith("None\n")
    assert "pip install '.[otel]'" in done.stdout


PROVIDED = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
trace.set_tracer_provider(TracerProvider(shutdown_on_exit=False))
from countersign.bot.observability.tracing import tracing_by
print(tracing_by({})[0] is not None)
"""


def test_a_provider_of_whoever_starts_us_is_used() -> None:
    """As `opentelemetry-instrument countersign serve` sets one."""
    done = subprocess.run(
        [sys.executable, "-c", PROVIDED], capture_output=True, text=True, check=True
    )

    assert "True\n" == done.stdout
