"""Calls of Asana's API: turned away, unanswered, expired, in pages and in batches."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from countersign.approvals.errors import (
    CountersignError,
    InvalidError,
    NotFoundError,
    UnansweredError,
    UnavailableError,
)
from countersign.connectors.asana import api as module
from countersign.connectors.asana.api import AsanaApi, Ask

Answers = Callable[[httpx.Request], httpx.Response]


@asynccontextmanager
async def api(answers: Answers) -> AsyncIterator[AsanaApi]:
    made = AsanaApi("https://app.asana.com", "token", timeout_s=10)
    await made.close()
    made._http = httpx.AsyncClient(
        base_url=f"https://app.asana.com{module.PATH}", transport=httpx.MockTransport(answers)
    )
    try:
        yield made
    finally:
        await made.close()


def always(status: int, body: Any = None, headers: Mapping[str, str] | None = None) -> Answers:
    said = {"errors": [{"message": "so it is"}]} if body is None else body
    return lambda _: httpx.Response(status, json=said, headers=headers)


def raising(error: type[httpx.HTTPError]) -> Answers:
    def answer(request: httpx.Request) -> httpx.Response:
        raise error("x")

    return answer


@pytest.mark.parametrize(
    ("answers", "reading", "writing"),
    [
        (always(400), InvalidError, InvalidError),
        (always(401), UnavailableError, UnavailableError),
        (always(402), InvalidError, InvalidError),
        (always(403), NotFoundError, InvalidError),
        (always(404), NotFoundError, NotFoundError),
        (always(409), UnavailableError, UnavailableError),
        (always(500), UnavailableError, UnansweredError),
        (always(503), UnavailableError, UnavailableError),
        (always(200, []), UnavailableError, UnansweredError),
        (raising(httpx.ConnectError), UnavailableError, UnavailableError),
        (raising(httpx.ReadTimeout), UnavailableError, UnansweredError),
    ],
)
async def test_each_failure_says_whether_it_may_have_been_done(
    answers: Answers, reading: type[CountersignError], writing: type[CountersignError]
) -> None:
    async with api(answers) as asana:
        with pytest.raises(CountersignError) as read:
            await asana.read("/tasks/1")
        with pytest.raises(CountersignError) as written:
            await asana.write("PUT", "/tasks/1", {"name": "x"})

    assert (reading, writing) == (type(read.value), type(written.value))


async def test_being_turned_away_says_when_to_come_again() -> None:
    async with api(always(429, headers={"Retry-After": "30"})) as asana:
        with pytest.raises(UnavailableError, match="so it is") as raised:
            await asana.write("POST", "/tasks", {})

    assert 30 == raised.value.retry_after_s
    assert not isinstance(raised.value, UnansweredError)


async def test_expired_token_gives_a_fresh_one_and_tells_nothing() -> None:
    said = {"errors": [{"message": "Sync token invalid or too old."}], "sync": "fresh"}
    async with api(always(412, said)) as asana:
        events = await asana.events("5", "old")

    assert (True, "fresh", ()) == (events.expired, events.sync, events.tasks)


@pytest.mark.parametrize("said", [{"errors": []}, {"data": [], "sync": 7}, {"data": []}])
async def test_events_without_a_token_are_no_answer(said: Any) -> None:
    async with api(always(412, said)) as asana:
        with pytest.raises(UnavailableError, match="no sync token"):
            await asana.events("5", "old")


async def test_events_are_read_until_there_are_no_more() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params["sync"])
        event = {"resource": {"resource_type": "task", "gid": str(len(asked))}}
        return httpx.Response(
            200, json={"data": [event], "sync": f"s{len(asked)}", "has_more": len(asked) < 3}
        )

    async with api(answer) as asana:
        events = await asana.events("5", "s0")

    assert (["s0", "s1", "s2"], ("1", "2", "3"), "s3") == (asked, events.tasks, events.sync)


async def test_list_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGES_MOST", 3)
    always_more = {
        "data": [{"gid": "1"}],
        "next_page": {"offset": "x"},
        "sync": "s",
        "has_more": True,
    }
    async with api(always(200, always_more)) as asana:
        with pytest.raises(UnavailableError, match="more than"):
            await asana.pages("/tasks", ("name",))
        events = await asana.events("5", "s")

    assert "s" == events.sync


async def test_batch_reads_on_where_a_list_fills_its_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGE", 2)
    full = {"data": [{"gid": "1"}, {"gid": "2"}]}

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/batch"):
            return httpx.Response(200, json={"data": [{"status_code": 200, "body": full}]})
        return httpx.Response(200, json={"data": [*full["data"], {"gid": "3"}]})

    async with api(answer) as asana:
        (rows,) = await asana.batch([Ask(path="/tasks/1/stories", fields=("text",), is_list=True)])

    assert ["1", "2", "3"] == [row["gid"] for row in rows]


@pytest.mark.parametrize(
    "results",
    ["no list", [], [{"status_code": 500}], [{"status_code": 200, "body": {}}], ["odd"]],
)
async def test_batch_that_is_not_answered_whole_is_no_answer(results: Any) -> None:
    async with api(always(200, {"data": results})) as asana:
        with pytest.raises(UnavailableError):
            await asana.batch([Ask(path="/tasks/1", fields=("name",))])


async def test_what_is_gone_or_hidden_is_none_in_a_batch() -> None:
    results = [{"status_code": 404, "body": {}}, {"status_code": 403, "body": {}}]
    async with api(always(200, {"data": results})) as asana:
        found = await asana.batch([Ask(path=f"/tasks/{n}", fields=()) for n in (1, 2)])

    assert [None, None] == found


async def test_answer_without_end_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ANSWER_BYTES", 20)
    async with api(always(200, {"data": "x" * 100})) as asana:
        with pytest.raises(UnavailableError, match="larger"):
            await asana.read("/tasks/1")
        with pytest.raises(UnansweredError, match="larger"):
            await asana.write("PUT", "/tasks/1", {})
