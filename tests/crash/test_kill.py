"""kill -9 at every step of the story: nothing is lost, and nothing happens twice."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.stack import Stack, stack, until

PARALLEL = 2
TOOL = "release_quote"
QUOTE = "create_quote"
"""The CRM's name for the effect that the guarded tool has."""


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Stack]:
    with stack(tmp_path) as one:
        yield one


def tell_story(one: Stack) -> str:
    """Ask and approve, trying again whenever the server is away, as a patient client does."""
    session = patient(one, one.ask)
    request = pending_after_crash(one)
    answer = patient(one, lambda: one.vote(request))
    if answer.status_code != 200:
        problem = answer.json()
        assert (answer.status_code, problem["decided_by"]) == (409, "alex"), problem
    return str(session)


def patient(one: Stack, call: Any) -> Any:
    """The answer of `call`; a server that has died is started again without its crash point."""

    def answer() -> Any:
        try:
            return call()
        except httpx.TransportError:
            revive(one)
            return None

    return until(answer, "an answer")


def revive(one: Stack) -> None:
    if not one.server.running:
        one.new_server()
        one.start()


def pending_after_crash(one: Stack) -> dict[str, Any]:
    """The request that waits, whenever the server has to be started again."""

    def first() -> Any:
        revive(one)
        page = one.get("/requests?status=pending")
        return page["items"][0] if page and page["items"] else None

    found: dict[str, Any] = until(first, "a pending request")
    return found


def ended_after_crash(one: Stack, session: str) -> dict[str, Any]:
    """The session once it is over, whenever the server has to be started again."""

    def over() -> Any:
        revive(one)
        found = one.get(f"/sessions/{session}")
        return found if found and found["status"] not in ("running", "waiting") else None

    found: dict[str, Any] = until(over, "the session to end")
    return found


def request_of(one: Stack, tool: str) -> dict[str, Any]:
    rows = one.get("/requests?limit=100")["items"]
    return next(row for row in rows if row["tool"] == tool)


def steps_of_the_story(directory: Path) -> list[str]:
    """Every step that the story takes without a crash, in order."""
    record = directory / "steps.txt"
    with stack(directory) as one:
        one.new_server(module="tests.crash.server", COUNTERSIGN_TEST_STEPS=str(record))
        one.start()
        session = tell_story(one)

        assert one.ended(session)["status"] == "completed"
    return [step for step in record.read_text().split() if not step.startswith(("post", "deliv"))]


def check_invariants(one: Stack, session: str) -> str:
    """Returns what became of the guarded request."""
    ended = ended_after_crash(one, session)
    request = request_of(one, TOOL)
    quotes = one.effects(QUOTE)

    assert ended["status"] == "completed"
    assert len(quotes) <= 1
    assert request["status"] in ("executed", "in_doubt")
    if request["status"] == "executed":
        assert len(quotes) == 1
    assert one.get("/requests?status=pending")["items"] == []
    assert one.get("/requests?status=executing")["items"] == []
    assert one.get("/sessions?status=running")["items"] == []
    assert one.ledger_verifies()
    return str(request["status"])


def crash_at(tmp_path: Path, point: str) -> str:
    """Tell the story with a crash at this point; returns what became of the guarded request."""
    directory = tmp_path / point.replace(":", "-")
    directory.mkdir()
    with stack(directory) as one:
        crashing = one.new_server(module="tests.crash.server", COUNTERSIGN_TEST_CRASH=point)
        one.start()
        session = tell_story(one)
        outcome = check_invariants(one, session)

        assert not crashing.running, f"{point} was never reached"
        return outcome


@pytest.mark.timeout(900)
def test_kill_at_every_step_of_the_story(tmp_path: Path) -> None:
    """Before and after each commit of the run, the vote and the start."""
    (tmp_path / "plain").mkdir()
    steps = steps_of_the_story(tmp_path / "plain")
    points = [
        f"{name}:{side}:{number}"
        for name, _, number in (step.partition(":") for step in steps)
        for side in ("before", "after")
    ]
    with ThreadPoolExecutor(PARALLEL) as pool:
        outcomes = dict(
            zip(points, pool.map(lambda point: crash_at(tmp_path, point), points), strict=True)
        )
    print(f"{len(points)} crash points: {outcomes}")  # noqa: T201 - the figure of this suite

    assert len(points) >= 20
    assert "in_doubt" in outcomes.values()
    assert "executed" in outcomes.values()


def test_kill_while_a_request_waits(running: Stack) -> None:
    running.start()
    session = running.ask()
    before = running.pending()

    running.server.kill()
    running.new_server()
    running.start()

    after = running.pending()
    assert {**before, "deliveries": []} == {**after, "deliveries": []}
    assert running.effects(QUOTE) == []
    assert running.vote(after).status_code == 200
    assert check_invariants(running, session) == "executed"


def test_kill_during_the_tool_leaves_it_in_doubt_and_never_repeats_it(running: Stack) -> None:
    running.start()
    session = running.ask()
    request = running.pending()
    httpx.post(
        f"{running.crm['url']}/_sandbox/fault",
        json={"kind": "slow", "delay_s": 30, "method": "POST", "path": "/quotes"},
        timeout=10,
    ).raise_for_status()

    assert running.vote(request).status_code == 200
    until(lambda: request_of(running, TOOL)["status"] == "executing", "the tool to start")
    running.server.kill()
    running.new_server()
    running.start()

    assert check_invariants(running, session) == "in_doubt"
    kinds = [e["kind"] for e in running.get(f"/ledger?session={session}")["items"]]
    assert "in_doubt" in kinds


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_stop_and_start_again_between_ask_and_vote(running: Stack) -> None:
    """A graceful stop loses nothing either."""
    import signal

    running.start()
    session = running.ask()
    request = running.pending()

    running.server.kill(signal.SIGTERM)
    running.new_server()
    running.start()

    assert running.vote(request).status_code == 200
    assert check_invariants(running, session) == "executed"
