"""Spans from the tool call to its result, in one trace however long people take.

Only OpenTelemetry's API is required. Spans are kept if the SDK is there and is told where to send
them (`pip install '.[otel]'` and the standard OTEL_ variables), or if whoever starts us
has set a provider (`opentelemetry-instrument`). Otherwise there is no tracer at all, and a span
costs nothing.

Source: W3C Trace Context, https://www.w3.org/TR/trace-context/ (read 2026-11-25); environment:
https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/ (read 2026-11-25).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import (
    Link,
    ProxyTracerProvider,
    Span,
    SpanKind,
    StatusCode,
    TracerProvider,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from countersign.approvals.errors import ConfigurationError
from countersign.approvals.models import Request
from countersign.approvals.outages import Outages

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
EXPORTER = "OTEL_TRACES_EXPORTER"
DISABLED = "OTEL_SDK_DISABLED"
_W3C = TraceContextTextMapPropagator()

Attributes = Mapping[str, str | int | bool]
Close = Callable[[], None]


class Tracing:
    """Starts spans; the tracer is given, and nothing here is global."""

    def __init__(self, provider: TracerProvider):
        self._tracer = provider.get_tracer("countersign")

    @contextmanager
    def span(self, name: str, request: Request | None, attributes: Attributes) -> Iterator[None]:
        """A span around the block. It belongs to the trace in which the request began, unless the
        caller is in that trace already; a caller in another one is linked."""
        parent, links = self._place(request)
        with self._current(
            name, context=parent, links=links, attributes=_named(request, attributes)
        ):
            yield

    def past(self, name: str, request: Request, began_s: float, attributes: Attributes) -> None:
        """A span that is over; `began_s` is in seconds since 1970."""
        parent, links = self._place(request)
        span = self._tracer.start_span(
            name,
            context=parent,
            links=links,
            attributes=_named(request, attributes),
            start_time=int(began_s * 1e9),
        )
        span.end()

    @contextmanager
    def serving(self, name: str, headers: Mapping[str, str]) -> Iterator[Callable[[int], None]]:
        """A span around an HTTP request; call what is yielded with the status of the answer.

        Anybody may send a trace context, so the caller's is linked and not continued: strangers
        choose neither our trace ids nor what is sampled.
        """
        carrier = {"traceparent": headers.get("traceparent", "")[:100]}
        sent = trace.get_current_span(_W3C.extract(carrier, Context())).get_span_context()
        links = [Link(sent)] if sent.is_valid else []
        with self._current(name, context=Context(), kind=SpanKind.SERVER, links=links) as span:

            def answered(status: int) -> None:
                span.set_attribute("http.response.status_code", status)
                if status >= 500:
                    span.set_status(StatusCode.ERROR)

            yield answered

    def traceparent(self) -> str | None:
        """The current span as a new request keeps it."""
        carrier: dict[str, str] = {}
        _W3C.inject(carrier)
        return carrier.get("traceparent")

    @contextmanager
    def _current(self, name: str, **how: Any) -> Iterator[Span]:
        """A span around the block. Of an exception it keeps the kind only: its words may quote
        arguments, or an address with a token, and nothing hides these in a trace."""
        with self._tracer.start_as_current_span(
            name, record_exception=False, set_status_on_exception=False, **how
        ) as span:
            try:
                yield span
            except Exception as exc:
                span.set_attribute("error.type", type(exc).__name__)
                span.set_status(StatusCode.ERROR)
                raise

    @staticmethod
    def _place(request: Request | None) -> tuple[Context | None, list[Link]]:
        """Under what a span goes, and what it is linked with."""
        here = trace.get_current_span().get_span_context()
        if request is None or request.traceparent is None:
            return None, []
        began = _W3C.extract({"traceparent": request.traceparent}, Context())
        there = trace.get_current_span(began).get_span_context()
        if here.trace_id == there.trace_id or not there.is_valid:
            return None, []
        return began, [Link(here)] if here.is_valid else []


def tracing_by(environ: Mapping[str, str]) -> tuple[Tracing | None, Close]:
    """The tracing that the environment asks for, and what ends it (blocking: it sends what it has).

    Raises ConfigurationError if it asks for what is not installed.
    """
    given = trace.get_tracer_provider()
    if not isinstance(given, ProxyTracerProvider | trace.NoOpTracerProvider):
        return Tracing(given), _nothing
    exporter = environ.get(EXPORTER, "otlp").strip().lower()
    wanted = EXPORTER in environ or any(environ.get(name) for name in ENDPOINTS)
    disabled = environ.get(DISABLED, "").strip().lower() == "true"
    if disabled or not wanted or exporter in ("", "none"):
        return None, _nothing
    provider = _provider(exporter)
    return Tracing(provider), provider.shutdown


def _provider(exporter: str) -> Any:
    """The SDK's provider; it reads OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER and the like itself."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider as SdkTracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter
    except ImportError as exc:
        raise ConfigurationError(
            f"{EXPORTER}: spans are asked for, but the OpenTelemetry SDK is not installed; "
            "in Countersign's folder, `pip install '.[otel]'`, or unset the OTEL_ variables."
        ) from exc
    if exporter not in ("otlp", "console"):
        raise ConfigurationError(f"{EXPORTER}: {exporter} is not supported; use otlp or none.")
    resource = Resource.create({SERVICE_NAME: "countersign"}).merge(OTELResourceDetector().detect())
    provider = SdkTracerProvider(resource=resource, shutdown_on_exit=False)
    if exporter == "console":
        provider.add_span_processor(BatchSpanProcessor(ConsoleSpanExporter()))
    else:
        logging.getLogger("opentelemetry.exporter").setLevel(logging.CRITICAL)  # says it each time
        to: Any = SaidOnce(OTLPSpanExporter())
        provider.add_span_processor(BatchSpanProcessor(to))
    return provider


class SaidOnce:
    """An exporter that says once that the collector cannot be reached, and once that it can be."""

    def __init__(self, exporter: Any):
        self._exporter = exporter
        self._outages = Outages("collector")

    def export(self, spans: Sequence[Any]) -> Any:
        """Send the spans; what cannot be sent is dropped."""
        result = self._exporter.export(spans)
        if result.name == "SUCCESS":
            self._outages.up("traces")
        else:
            self._outages.down("traces", "spans are dropped; see OTEL_EXPORTER_OTLP_ENDPOINT")
        return result

    def shutdown(self) -> None:
        """Let go of the connection."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing is kept here."""
        return bool(self._exporter.force_flush(timeout_millis))


def _named(request: Request | None, attributes: Attributes) -> dict[str, str | int | bool]:
    named = {f"countersign.{name}": value for name, value in attributes.items()}
    if request is not None:
        named["countersign.session_id"] = request.session_id
        named["countersign.request_id"] = request.id
        named["countersign.tool"] = request.tool
    return named


def _nothing() -> None:
    """Nothing to end."""
