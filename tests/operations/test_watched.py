"""One request is followed across two servers: by one trace, by metrics, and line by line."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import structlog
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import LogCapture

from countersign.bot.observability.tracing import Tracing
from countersign.bot.serving import serving
from tests.scenarios.world import World, world

TASK = "quote for Contoso, 25 seats"


@pytest.fixture
def lines() -> Iterator[list[Any]]:
    """Every line of the log, with what is bound to it."""
    capture = LogCapture()
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, capture])
    yield capture.entries
    structlog.reset_defaults()


@asynccontextmanager
async def server(app: World) -> AsyncIterator[InMemorySpanExporter]:
    """One process, with spans of its own."""
    kept = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracing = Tracing(provider)
    async with serving(app.settings, host="127.0.0.1", port=0, tracing=tracing) as app.url:
        app.teams.bot_url = f"{app.url}/api/messages"
        yield kept


async def scrape(app: World) -> dict[tuple[str, tuple[str, ...]], float]:
    """Every sample by its name and the values of its labels, which are ordered by their names."""
    async with aiohttp.ClientSession() as http, http.get(f"{app.url}/metrics") as response:
        assert response.status == 200
        text = await response.text()
    return {
        (
            sample.name.removeprefix("countersign_"),
            tuple(value for _, value in sorted(sample.labels.items())),
        ): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def once_ready(app: World) -> Any:
    """The samples, once every check is ok: the answer of `/readyz` is kept for a second."""
    found = await scrape(app)
    ready = [value for (name, _), value in found.items() if name == "ready"]
    return found if len(ready) == 4 and all(ready) else None


def of_request(spans: Sequence[ReadableSpan], request_id: str) -> list[ReadableSpan]:
    name = "countersign.request_id"
    return [span for span in spans if span.attributes and span.attributes.get(name) == request_id]


async def test_one_request_is_followed_across_two_servers(tmp_path: Path, lines: list[Any]) -> None:
    async with world(tmp_path) as app:
        async with server(app) as first:
            await app.teams.send_message("Alex Wilber", "help")  # so that there is a chat for cards
            session_id = await app.start("sales_quote", TASK)
            request = await app.pending(session_id)
            await app.card(request["id"])
            before = await scrape(app)
        async with server(app) as second:
            waiting = await scrape(app)
            await app.vote(request, "approve", person="sam")
            await app.vote(request, "approve")
            await app.over(session_id)
            after = await app.eventually(lambda: once_ready(app))

    _one_trace(first.get_finished_spans(), second.get_finished_spans(), request["id"])
    _metrics(before, waiting, after, request)
    _lines(lines, session_id, request["id"])


def _one_trace(
    first: Sequence[ReadableSpan], second: Sequence[ReadableSpan], request_id: str
) -> None:
    # The run that proposed it looked things up before, which nobody has to allow.
    *_, submit = [span for span in first if span.name == "submit"]
    assert submit.context is not None
    assert {"deliver"} == {span.name for span in of_request(first, request_id)}
    later = of_request(second, request_id)
    assert {"vote", "run", "claim", "execute", "finish", "deliver"} == {s.name for s in later}
    for span in (*of_request(first, request_id), *later):
        assert span.context is not None
        assert submit.context.trace_id == span.context.trace_id, span.name
    served = {span.name for span in second if span.kind.name == "SERVER"}
    assert "POST /api/v1/requests/{id}/votes" in served


def _metrics(before: Any, waiting: Any, after: Any, request: Any) -> None:
    rule, tool = request["rule"]["id"], request["tool"]
    for one in (before, waiting):
        assert 1 == one["pending_requests", (rule,)]
    assert 1 == before["requests_total", (rule, "pending")]
    assert 1 == before["deliveries_total", ("teams", "posted")]
    assert 1 == after["decisions_total", ("api", "approve")]
    assert 1 == after["votes_refused_total", ("api", "not_authorised")]
    assert 1 == after["tool_calls_total", ("executed", tool)]
    assert 1 == after["tool_seconds_count", (tool,)]
    assert after["job_wait_seconds_count", ("run",)] >= 1
    votes = ("POST", "/api/v1/requests/{id}/votes")
    assert 1 == after["http_request_seconds_count", (*votes, "200")]
    assert 1 == after["http_request_seconds_count", (*votes, "403")]


def _lines(lines: list[Any], session_id: str, request_id: str) -> None:
    expected = {
        "request proposed": 1,
        "session waits": 1,
        "request shown": 1,
        "vote refused": 1,
        "request decided": 1,
        "call completed": 1,
        "session completed": 1,
    }
    mine = [line for line in lines if session_id in (line.get("session_id"), request_id)]
    said = [line for line in lines if line["event"] in expected and _about(line, request_id)]
    assert expected == {
        event: sum(1 for line in said if line["event"] == event) for event in expected
    }
    assert mine
    for line in said:
        about_session = line["event"] in ("session waits", "session completed")
        assert about_session or request_id == line["request_id"], line
        assert line["event"] == "vote refused" or session_id == line["session_id"], line
    (decided,) = [line for line in said if line["event"] == "request decided"]
    assert decided["http_request_id"]


def _about(line: Any, request_id: str) -> bool:
    return bool(line["event"].startswith("session") or line.get("request_id") == request_id)
