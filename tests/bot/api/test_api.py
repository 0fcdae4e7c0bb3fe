"""The REST contract: what each route answers, and how it refuses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.bot.api_world import SCHEMA, World, running

pytestmark = pytest.mark.asyncio

REQUEST_FIELDS = {
    "id", "session_id", "checkpoint_id", "tool", "arguments", "agent", "rationale", "risk",
    "digest", "revision", "status", "stage", "expires_at", "rule", "votes", "questions",
    "deliveries", "result", "asked_again", "same_calls", "created_at", "requester", "eligible",
    "budgets", "facts", "preview", "paused", "approval_valid_for_s", "workflow", "task",
    "arguments_schema", "next_step", "at_deadline",
    "steps", "editable", "kind", "proposed_arguments", "defaulted", "injected", "undo", "undoes",
    "hindsights", "rollout", "parallel", "changed_by", "eligible_count",
}  # fmt: skip


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with running(tmp_path) as started:
        yield started


async def test_a_session_starts_with_its_id_and_status(world: World) -> None:
    status, body = await world.call(
        "POST", "/api/v1/sessions", json={"workflow": "echo", "task": " do it "}
    )

    assert status == 201
    assert body == {"id": body["id"], "status": "running"}
    _, session = await world.call("GET", f"/api/v1/sessions/{body['id']}")
    assert (session["task"], session["owner"], session["workflow"]) == ("do it", "alex", "echo")


async def test_the_same_idempotency_key_gives_the_same_session(world: World) -> None:
    async def start(person: str, task: str = "x") -> tuple[int, Any]:
        return await world.call(
            "POST", "/api/v1/sessions", person=person, headers={"Idempotency-Key": "k1"},
            json={"workflow": "echo", "task": task},
        )  # fmt: skip

    first, again, other = await start("alex"), await start("alex"), await start("sam")
    changed = await start("alex", "y")

    assert first == again
    assert other[1]["id"] != first[1]["id"]
    assert changed[0] == 422


async def test_sessions_are_listed_by_status_in_pages(world: World) -> None:
    started = []
    for number in range(3):
        world.clock.advance(seconds=1)
        _, body = await world.call(
            "POST", "/api/v1/sessions", json={"workflow": "echo", "task": f"task {number}"}
        )
        started.append(body["id"])
    await world.chats.propose(started[0], {"to": "ceo"})

    _, running_page = await world.call("GET", "/api/v1/sessions?status=running")
    _, first = await world.call("GET", "/api/v1/sessions?limit=2")
    _, second = await world.call("GET", f"/api/v1/sessions?limit=2&cursor={first['next']}")

    assert [s["id"] for s in running_page["items"]] == [started[2], started[1]]
    assert [s["id"] for s in first["items"] + second["items"]] == started[::-1]
    assert second["next"] is None


async def test_a_request_has_exactly_the_fields_of_the_contract(world: World) -> None:
    request = await world.waiting()

    assert set(request) == REQUEST_FIELDS
    assert request["status"] == "pending"
    assert request["stage"] == {"number": 1, "of": 1, "roles": ["manager"], "quorum": 1}
    assert request["rule"]["id"] == "tools.send"
    assert request["arguments"] == {"to": "ceo", "amount": 10}


async def test_a_request_says_who_asked_when_and_who_may_decide_it(world: World) -> None:
    request = await world.waiting()
    _, decided = await world.vote(request)

    assert request["requester"] == "sam"
    assert datetime.fromisoformat(request["created_at"]).tzinfo is not None
    assert request["eligible"] == [
        {"id": "alex", "name": "Alex Wilber"},
        {"id": "megan", "name": "Megan Bowen"},
    ]
    assert decided["eligible"] == []


async def test_a_request_says_what_was_asked_for_and_what_its_tool_accepts(world: World) -> None:
    first, second = await world.waiting(), await world.waiting()
    _, page = await world.call("GET", "/api/v1/requests")

    assert (first["workflow"], first["task"]) == ("echo", "send it")
    assert first["arguments_schema"] == SCHEMA
    assert {item["id"] for item in page["items"]} == {first["id"], second["id"]}
    assert {item["task"] for item in page["items"]} == {"send it"}


async def test_workflows_are_listed(world: World) -> None:
    status, page = await world.call("GET", "/api/v1/workflows")

    assert (status, page["next"]) == (200, None)
    assert [item["name"] for item in page["items"]] == ["echo", "quote"]
    assert page["items"][1] == {
        "name": "quote",
        "title": "Quote",
        "triggers": [],
        "example": "",
        "tools": ["send"],
        "agents": ["worker"],
    }


@pytest.mark.parametrize("levels", [99, 100, 300])
async def test_deeply_nested_arguments_leave_the_lists_readable(world: World, levels: int) -> None:
    deep: Any = "x"
    for _ in range(levels):
        deep = {"in": deep}
    request = await world.waiting({"to": "ceo", "deep": deep})

    status, page = await world.call("GET", "/api/v1/requests")
    _, ledger = await world.call("GET", f"/api/v1/ledger?session={request['session_id']}")

    assert (status, [item["id"] for item in page["items"]]) == (200, [request["id"]])
    assert request["status"] == ("pending" if levels < 100 else "rejected")
    assert ledger["verified"]


async def test_requests_are_listed_with_items_and_next(world: World) -> None:
    request = await world.waiting()

    _, pending = await world.call("GET", "/api/v1/requests?status=pending&limit=1")
    _, none = await world.call("GET", "/api/v1/requests?status=executed")

    assert pending == {"items": [request], "next": None}
    assert none == {"items": [], "next": None}


async def test_mine_is_what_the_caller_may_decide_now(world: World) -> None:
    # of one moment: such requests are in the order of their ids
    first, second = sorted([await world.waiting(), await world.waiting()], key=lambda r: r["id"])
    mine = "/api/v1/requests?mine=true&status=pending"

    _, page = await world.call("GET", f"{mine}&limit=1", person="megan")
    _, rest = await world.call("GET", f"{mine}&cursor={page['next']}", person="megan")
    _, asked_by_me = await world.call("GET", mine, person="sam")
    _, of_one = await world.call(
        "GET", f"/api/v1/requests?mine=true&session={second['session_id']}", person="megan"
    )
    status, refused = await world.call("GET", "/api/v1/requests?mine=true&status=executed")

    assert ([first], [second]) == (page["items"], rest["items"])
    assert asked_by_me == {"items": [], "next": None}
    assert of_one["items"] == [second]
    assert (status, "leave status out" in str(refused["errors"])) == (422, True)


async def test_an_approval_is_answered_with_the_request(world: World) -> None:
    request = await world.waiting()

    status, body = await world.vote(request, comment="fine")

    assert status == 200
    assert body["status"] == "approved"
    (vote,) = body["votes"]
    assert (vote["by"], vote["verdict"], vote["via"], vote["comment"]) == (
        "alex", "approve", "api", "fine",
    )  # fmt: skip


async def test_a_rejection_needs_a_reason(world: World) -> None:
    request = await world.waiting()

    refused = await world.vote(request, verdict="reject")
    status, body = await world.vote(request, verdict="reject", comment="too much")

    assert refused[0] == 422
    assert (status, body["status"]) == (200, "rejected")


async def test_a_change_makes_a_new_revision_with_its_own_digest(world: World) -> None:
    request = await world.waiting()

    status, body = await world.vote(request, verdict="modify", arguments={"to": "cfo", "amount": 5})

    assert status == 200
    assert (body["revision"], body["arguments"]) == (2, {"to": "cfo", "amount": 5})
    assert body["digest"] != request["digest"]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"to": "x", "amount": 5000}, "amount"),
        ({"amount": 1}, "to"),
        ({"to": "x", "cc": "y"}, "cc"),
    ],
)
async def test_changed_arguments_must_fit_the_tool(
    world: World, arguments: dict[str, Any], named: str
) -> None:
    request = await world.waiting()

    status, body = await world.vote(request, verdict="modify", arguments=arguments)

    assert status == 422
    assert named in str(body["errors"])
    _, unchanged = await world.call("GET", f"/api/v1/requests/{request['id']}")
    assert unchanged == request


async def test_the_second_vote_learns_who_was_first(world: World) -> None:
    request = await world.waiting()
    await world.vote(request)

    status, body = await world.vote(request, person="megan", verdict="reject", comment="no")

    assert status == 409
    assert body["type"] == "urn:countersign:problem:already-decided"
    assert (body["decided_by"], body["via"]) == ("alex", "api")
    assert body["decided_at"].startswith("2026-11-22T12:00:00")
    assert "Alex Wilber" in body["detail"]


async def test_fifty_votes_at_once_make_one_decision(world: World) -> None:
    request = await world.waiting()

    answers = await asyncio.gather(
        *(world.vote(request, person=("alex", "megan")[n % 2]) for n in range(50))
    )

    statuses = sorted(status for status, _ in answers)
    assert statuses == [200] + [409] * 49
    winner = next(body for status, body in answers if status == 200)
    assert len(winner["votes"]) == 1
    decided_by = {body["decided_by"] for status, body in answers if status == 409}
    assert decided_by == {winner["votes"][0]["by"]}


async def test_an_old_digest_is_refused(world: World) -> None:
    request = await world.waiting()

    status, body = await world.vote({**request, "digest": "0" * 64})

    assert (status, body["type"]) == (409, "urn:countersign:problem:stale-digest")


async def test_an_expired_request_is_gone(world: World) -> None:
    request = await world.waiting()
    world.clock.advance(hours=5)

    status, body = await world.vote(request)

    assert (status, body["title"]) == (410, "Gone")


@pytest.mark.parametrize("person", ["adele", "sam"])
async def test_the_wrong_person_is_refused_and_on_the_ledger(world: World, person: str) -> None:
    """Adele has no role; Sam has it but asked for it himself."""
    request = await world.waiting()

    status, body = await world.vote(request, person=person)

    assert (status, body["type"]) == (403, "urn:countersign:problem:not-authorised")
    _, ledger = await world.call("GET", f"/api/v1/ledger?session={request['session_id']}")
    assert person in str([e["body"] for e in ledger["items"] if "refused" in e["kind"]])
    _, after = await world.call("GET", f"/api/v1/requests/{request['id']}")
    assert after["status"] == "pending"


async def test_a_transcript_can_be_read(world: World) -> None:
    request = await world.waiting()

    _, body = await world.call("GET", f"/api/v1/sessions/{request['session_id']}/transcript")

    assert [m["content"] for m in body["items"]] == ["Shall I?"]


async def test_only_the_owner_ends_a_session(world: World) -> None:
    request = await world.waiting()
    path = f"/api/v1/sessions/{request['session_id']}/cancel"

    refused, _ = await world.call("POST", path, person="alex")
    status, body = await world.call("POST", path, person="sam")
    again, _ = await world.call("POST", path, person="sam")

    assert (refused, status, body["status"], again) == (403, 200, "cancelled", 409)
    _, after = await world.call("GET", f"/api/v1/requests/{request['id']}")
    assert after["status"] == "cancelled"


async def test_the_ledger_tells_the_story_and_verifies(world: World) -> None:
    request = await world.waiting()
    await world.vote(request)

    _, body = await world.call("GET", f"/api/v1/ledger?session={request['session_id']}")

    assert (body["verified"], body["problems"], body["next"]) == (True, [], None)
    assert body["items"][0]["kind"] == "session_started"
    assert [e["seq"] for e in body["items"]] == list(range(1, len(body["items"]) + 1))


BAD_VOTES: list[tuple[dict[str, Any], str]] = [
    ({"verdict": "perhaps"}, "verdict"),
    ({"verdict": None}, "verdict"),
    ({"digest": "abc"}, "digest"),
    ({"digest": 5}, "digest"),
    ({"extra": 1}, "extra: unknown field"),
    ({"arguments": {"to": "x"}}, "arguments"),
    ({"verdict": "modify"}, "arguments"),
    ({"verdict": "modify", "arguments": []}, "arguments"),
    ({"comment": "x" * 5000}, "comment"),
]


@pytest.mark.parametrize(("body", "named"), BAD_VOTES, ids=[str(n) for n in range(len(BAD_VOTES))])
async def test_bad_votes_change_nothing(world: World, body: dict[str, Any], named: str) -> None:
    request = await world.waiting()

    status, answer = await world.vote(request, **body)

    assert (status, named in str(answer["errors"])) == (422, True)
    _, after = await world.call("GET", f"/api/v1/requests/{request['id']}")
    assert after == request


BAD_STARTS: list[tuple[dict[str, Any], int, str]] = [
    ({"json": {"workflow": "nope", "task": "x"}}, 422, "known: echo, quote"),
    ({"json": {"workflow": "echo", "task": "  "}}, 422, "task"),
    ({"json": {"workflow": "echo"}}, 422, "task: Field required"),
    ({"json": {"workflow": "echo", "task": "x", "by": "me"}}, 422, "by: unknown field"),
    ({"json": {"workflow": "echo", "task": "x" * 20_001}}, 422, "task"),
    ({"json": ["echo"]}, 422, "must be a JSON object"),
    ({"data": b"task=x", "headers": {"Content-Type": "text/plain"}}, 415, "Content-Type"),
    ({"data": b"{", "headers": {"Content-Type": "application/json"}}, 400, "is not JSON"),
    ({"data": b"\xff", "headers": {"Content-Type": "application/json"}}, 400, "is not JSON"),
    (
        {
            "data": b'{"workflow":"echo","task":NaN}',
            "headers": {"Content-Type": "application/json"},
        },
        400,
        "NaN",
    ),
    (
        {
            "data": b'{"workflow":"echo","task":"\\ud800"}',
            "headers": {"Content-Type": "application/json"},
        },
        400,
        "is not JSON",
    ),
    (
        {"data": b"[" * 100_000, "headers": {"Content-Type": "application/json"}},
        400,
        "nested too deeply",
    ),
    ({"json": {"workflow": "echo", "task": "x" * 300_000}}, 413, "larger than"),
    (
        {
            "data": b"no gzip",
            "headers": {"Content-Type": "application/json", "Content-Encoding": "gzip"},
        },
        400,
        "as its headers say",
    ),
    (
        {"json": {"workflow": "echo", "task": "x"}, "headers": {"Idempotency-Key": "k" * 201}},
        422,
        "Key",
    ),
]


@pytest.mark.parametrize(
    ("options", "expected", "said"), BAD_STARTS, ids=[str(n) for n in range(len(BAD_STARTS))]
)
async def test_bad_starts_say_what_to_fix_and_store_nothing(
    world: World, options: dict[str, Any], expected: int, said: str
) -> None:
    status, body = await world.call("POST", "/api/v1/sessions", **options)

    assert status == expected
    assert said in body["detail"]
    assert body["status"] == expected
    _, page = await world.call("GET", "/api/v1/sessions")
    assert page["items"] == []


async def test_a_key_that_is_no_text_is_refused(world: World) -> None:
    body = b'{"workflow": "echo", "task": "x"}'
    lines = [
        "POST /api/v1/sessions HTTP/1.1", "Host: localhost", "Connection: close",
        "Authorization: Bearer token-of-sam", "Content-Type: application/json",
        f"Content-Length: {len(body)}", "Idempotency-Key: k\xfc", "", "",
    ]  # fmt: skip
    reader, writer = await asyncio.open_connection("127.0.0.1", world.client.port)
    writer.write("\r\n".join(lines).encode("latin-1") + body)
    answer = (await reader.read()).decode()
    writer.close()

    assert answer.startswith("HTTP/1.1 422 ")
    assert "The Idempotency-Key is not UTF-8." in answer


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/api/v1/sessions/none", 404),
        ("GET", "/api/v1/sessions/none/transcript", 404),
        ("POST", "/api/v1/sessions/none/cancel", 404),
        ("GET", "/api/v1/requests/none", 404),
        ("GET", "/api/v1/ledger?session=none", 404),
        ("GET", "/api/v1/ledger", 422),
        ("GET", "/api/v1/sessions?status=gone", 422),
        ("GET", "/api/v1/sessions?limit=0", 422),
        ("GET", "/api/v1/sessions?limit=201", 422),
        ("GET", "/api/v1/sessions?colour=red", 422),
        ("GET", "/api/v1/requests?cursor=broken", 422),
        ("GET", "/api/v1/nothing", 404),
        ("DELETE", "/api/v1/sessions", 405),
        ("POST", "/api/v1/requests/x/questions", 415),
    ],
)
async def test_refusals_are_problem_details(
    world: World, method: str, path: str, expected: int
) -> None:
    async with world.client.request(
        method, path, headers={"Authorization": "Bearer token-of-alex"}
    ) as response:
        body = await response.json(content_type="application/problem+json")

    assert response.status == body["status"] == expected
    assert {"type", "title", "status", "detail"} <= set(body)


async def test_a_person_settles_a_doubt(world: World) -> None:
    request = await world.doubted()
    status, body = await world.settle(request)
    _, shown = await world.call("GET", f"/api/v1/requests/{request['id']}")

    assert (status, body["status"], body["result"]["outcome"]) == (200, "executed", "executed")
    assert body["result"]["finding"] == {
        "happened": True,
        "note": "It is in the outbox.",
        "by": "alex",
        "by_name": "Alex Wilber",
        "via": "api",
        "at": "2026-11-22T12:00:00Z",
    }
    assert shown == body


async def test_only_a_doubt_can_be_settled_and_only_once(world: World) -> None:
    waiting, doubted = await world.waiting(), await world.doubted()
    early_status, early = await world.settle(waiting)
    await world.settle(doubted, happened=False)
    late_status, late = await world.settle(doubted, person="megan")
    unknown, _ = await world.settle({"id": "R-0"})

    assert (early_status, late_status, unknown) == (409, 409, 404)
    assert {early["type"], late["type"]} == {"urn:countersign:problem:not-in-doubt"}
    assert (early["request_status"], "decided_by" in early) == ("pending", False)
    assert (late["request_status"], late["decided_by"], late["via"]) == ("failed", "alex", "api")


@pytest.mark.parametrize("what", ["votes", "resolution"])
async def test_whoever_is_refused_again_and_again_is_told_to_stop(world: World, what: str) -> None:
    request = await world.waiting() if what == "votes" else await world.doubted()
    act = world.vote if what == "votes" else world.settle
    told = [await act(request, person="adele") for _ in range(22)]
    _, ledger = await world.call("GET", f"/api/v1/ledger?session={request['session_id']}")

    assert [403] * 20 + [429] * 2 == [status for status, _ in told]
    assert "urn:countersign:problem:too-many-refusals" == told[-1][1]["type"]
    assert "You were refused 22 times" in told[-1][1]["detail"]
    assert 20 == sum(entry["kind"].endswith("_refused") for entry in ledger["items"])
    assert ledger["verified"]


async def test_a_long_result_is_read_whole(world: World) -> None:
    request = await world.waiting()
    path = f"/api/v1/requests/{request['id']}/result"
    early, refusal = await world.call("GET", path)
    await world.vote(request)
    run = await world.chats.runs.begin(request["session_id"])
    assert run is not None
    await world.chats.runs.claim(run, request["id"], request["arguments"])
    await world.chats.runs.finish(run, request["id"], ok=True, content="x" * 30_000)
    status, body = await world.call("GET", path)
    stranger, _ = await world.call("GET", path, person=None)
    _, shown = await world.call("GET", f"/api/v1/requests/{request['id']}")

    assert (404, 200, 401) == (early, status, stranger)
    assert "is pending and has no result yet" in refusal["detail"]
    assert body == {
        "request_id": request["id"],
        "outcome": "executed",
        "content": "x" * 30_000,
        "characters": 30_000,
        "complete": True,
    }
    assert 30_000 == shown["result"]["characters"]
    assert f"GET {path}]" in shown["result"]["content"]


@pytest.mark.parametrize("person", ["sam", "adele"])
async def test_who_asked_or_may_not_approve_cannot_settle(world: World, person: str) -> None:
    request = await world.doubted()
    status, body = await world.settle(request, person=person)
    _, ledger = await world.call("GET", f"/api/v1/ledger?session={request['session_id']}")

    assert (status, body["type"]) == (403, "urn:countersign:problem:not-authorised")
    assert ledger["items"][-1]["kind"] == "settling_refused"


@pytest.mark.parametrize(
    "body",
    [{"note": ""}, {"note": " "}, {"note": "x" * 1001}, {"happened": "yes"}, {"happened": 1},
     {"outcome": "executed"}],
)  # fmt: skip
async def test_bad_words_on_a_doubt_change_nothing(world: World, body: dict[str, Any]) -> None:
    request = await world.doubted()
    status, _ = await world.settle(request, **body)
    _, shown = await world.call("GET", f"/api/v1/requests/{request['id']}")

    assert (status, shown["status"]) == (422, "in_doubt")


async def test_a_vote_on_an_unknown_request_is_not_found(world: World) -> None:
    status, _ = await world.vote({"id": "none", "digest": "0" * 64})

    assert status == 404


async def test_a_comment_that_may_ask_for_something_else_approves_nothing(world: World) -> None:
    request = await world.waiting()
    path, vote = f"/api/v1/requests/{request['id']}/votes", {"digest": request["digest"]}
    doubtful = {**vote, "verdict": "approve", "comment": "OK, but make it 900 EUR"}
    status, body = await world.call("POST", path, json=doubtful)
    plain = {**vote, "verdict": "approve", "comment": "Looks good, thanks."}
    approved, after = await world.call("POST", path, json=plain)

    assert 422 == status
    assert "may ask for something else than what is shown" in body["detail"]
    assert (200, "approved") == (approved, after["status"])
