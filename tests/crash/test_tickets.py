"""Lost answers and kill -9 around tickets: one open ticket for each request, one decision."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.crash.desks import Desk, Found, desk_of, faults_left, lose_answer, settings_of
from tests.crash.survivor import Survivor
from tests.stack import TASK, Stack, stack

SYSTEMS = ["jira", "servicenow"]
SESSIONS = 100
DECIDED = 5
LAG_S = 60.0
"""Longer than `settle`, so that an issue which nobody confirmed is made again, and only seen when
both are on record."""
LAGGING = range(30, 60)
KILLED_AT = (10, 35, 55, 75, 95)
"""So many sessions have been asked for when somebody kills the server."""
POINTS = (
    "open_ticket:before:6",
    "open_ticket:after:9",
    "post_ticket:after:5",
    "find:after:12",
    "adopt:before:2",
    "delivered:before:7",
)
"""Where a server kills itself; each new one has the next of these."""
TOOL, QUOTE = "release_quote", "create_quote"
BEFORE, BOTH = ("before",), ("before", "after")
POINTS_OF_THE_STORY = {
    "poll": BEFORE,
    "find": BEFORE,
    "open_ticket": BOTH,
    "adopt": BOTH,
    "post_ticket": ("after",),
    "look": BEFORE,
    "settle": BEFORE,
    "vote": BOTH,
    "claim": BOTH,
    "finish": BOTH,
    "update_ticket": ("after",),
    "close": BOTH,
}
"""What else could be cut off is next to one of these, with nothing written in between."""
SECOND = ("post_ticket", "claim", "finish")
"""The first attempt has no answer, and the first call is one that needs no approval."""


def requests_of(one: Stack, query: str = "") -> list[dict[str, Any]]:
    """The guarded ones. Raises httpx.TransportError while the server is away."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = one.get(f"/requests?limit=100{query}{cursor}")
        if page is None:
            raise httpx.TransportError("the server is away")
        found += page["items"]
        if not page["next"]:
            return [request for request in found if request["tool"] == TOOL]
        cursor = f"&cursor={page['next']}"


def ask_everybody(crowd: Survivor, system: str) -> None:
    """All sessions, with lost answers, kills and a lagging index on the way."""
    one, desk = crowd.one, desk_of(crowd.one, system)
    for number in range(SESSIONS):
        if number == LAGGING.start:
            desk.lag(LAG_S)
        if number in KILLED_AT:
            crowd.kill()
        lose_answer(one, system, number)
        crowd.patient(lambda n=number: one.ask(TASK, key=f"k{n}"), "an answer")  # type: ignore[misc]
        if number == LAGGING.stop:
            crowd.patient(lambda n=number: recorded(one) > n, "tickets on record")  # type: ignore[misc]
            desk.lag(0.0)


def recorded(one: Stack) -> int:
    """How many requests have their ticket."""
    waiting = requests_of(one, "&status=pending")
    return sum(any(d["ticket"] for d in request["deliveries"]) for request in waiting)


def open_tickets(desk: Desk) -> Counter[str]:
    """How many open tickets each order has."""
    return Counter(ticket.order for ticket in desk.tickets() if ticket.open)


def one_for_each(crowd: Survivor, desk: Desk) -> bool:
    """Whether everything has come to rest: all wait, each with one open ticket on record."""
    waiting = requests_of(crowd.one, "&status=pending")
    orders = {f"{request['id']}.1.0": 1 for request in waiting}
    return len(waiting) == recorded(crowd.one) == SESSIONS and dict(open_tickets(desk)) == orders


def check_surplus(waiting: list[dict[str, Any]], tickets: list[Found]) -> int:
    """Every ticket that does not count is closed and says which one does; how many there are."""
    counts = {
        f"{r['id']}.1.0": d["ticket"] for r in waiting for d in r["deliveries"] if d["ticket"]
    }
    surplus = [ticket for ticket in tickets if ticket.key != counts[ticket.order]]

    assert [] == [ticket for ticket in surplus if ticket.open]
    for ticket in surplus:
        assert counts[ticket.order] in "\n".join(ticket.comments)
    return len(surplus)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("system", SYSTEMS)
def test_lost_answers_and_kills_leave_one_open_ticket_for_each_request(
    tmp_path: Path, system: str
) -> None:
    """100 requests, no create is answered; then some are approved where the tickets are."""
    with stack(tmp_path, tickets=settings_of(system)) as one:
        desk, crowd = desk_of(one, system), Survivor(one, POINTS)
        crowd.start()
        ask_everybody(crowd, system)
        crowd.patient(lambda: one_for_each(crowd, desk), "one open ticket each", 120)
        waiting, tickets = requests_of(one, "&status=pending"), desk.tickets()
        duplicates = check_surplus(waiting, tickets)

        assert 0 == faults_left(one, system)
        assert crowd.kills >= 5
        assert desk.lags == bool(duplicates)
        assert SESSIONS == len(requests_of(one))
        assert one.ledger_verifies()

        chosen = [ticket for ticket in tickets if ticket.open][:DECIDED]
        for ticket in chosen:
            desk.approve(ticket)
        crowd.patient(lambda: len(requests_of(one, "&status=executed")) == DECIDED, "executions")
        executed = {request["id"] for request in requests_of(one, "&status=executed")}

        assert {ticket.order.split(".")[0] for ticket in chosen} == executed
        assert DECIDED == len(one.effects(QUOTE))
        assert one.ledger_verifies()
        died = Counter(point.split(":")[0] for point in crowd.died_at)
        print(  # noqa: T201 - the figure of this suite
            f"{system}: {crowd.kills} kills ({len(crowd.died_at)} at {dict(died)}), "
            f"{len(tickets)} creates, {duplicates} duplicates"
        )


def tell_story(crowd: Survivor, system: str, key: str) -> str:
    """Ask, lose the answer to the create, and approve in the ticket. Returns the session."""
    one, desk = crowd.one, desk_of(crowd.one, system)
    lose_answer(one, system, 0)
    session = str(crowd.patient(lambda: one.ask(TASK, key=key), "an answer"))

    def numbers() -> list[str]:
        found = requests_of(one, f"&session={session}&status=pending")
        return [d["ticket"] for request in found for d in request["deliveries"] if d["ticket"]]

    (number,) = crowd.patient(numbers, "a ticket")
    desk.approve(next(ticket for ticket in desk.tickets() if ticket.key == number))
    return session


def check_end(crowd: Survivor, system: str, session: str) -> str:
    """One decision, at most one effect, and a ticket that says so. Returns what became of it."""
    one, desk = crowd.one, desk_of(crowd.one, system)

    def rested() -> dict[str, Any] | None:
        (request,) = requests_of(one, f"&session={session}")
        told = {d["status"] for d in request["deliveries"] if d["channel"] == system}
        over = (one.get(f"/sessions/{session}") or {}).get("status") == "completed"
        at_rest = {"executed": {"closed"}, "in_doubt": {"live"}}.get(request["status"])
        return request if over and told == at_rest else None

    request: dict[str, Any] = crowd.patient(rested, "the end")
    (ticket,) = (t for t in desk.tickets() if t.order.startswith(request["id"]))
    kinds = Counter(entry["kind"] for entry in one.get(f"/ledger?session={session}")["items"])
    words = {"executed": "Done: it ran once", "in_doubt": "It is not known whether it ran"}

    assert ["alex"] == [vote["by"] for vote in request["votes"]]
    assert (1, 1) == (kinds["voted"], kinds["decided"])
    assert not ticket.open
    assert 1 == "\n".join(ticket.comments).count(words[request["status"]])
    return str(request["status"])


def story_points(directory: Path, system: str) -> list[str]:
    """Before and after the steps that concern tickets, as a story without a crash takes them."""
    record = directory / "steps.txt"
    with stack(directory, tickets=settings_of(system)) as one:
        crowd = Survivor(one)
        one.env["COUNTERSIGN_TEST_STEPS"] = str(record)
        crowd.start()

        assert "executed" == check_end(crowd, system, tell_story(crowd, system, "plain"))
    points = [
        f"{name}:{side}:{number}"
        for step in dict.fromkeys(record.read_text().split())
        for name, _, number in [step.partition(":")]
        for side in POINTS_OF_THE_STORY.get(name, ())
        if number == ("2" if name in SECOND else "1")
    ]

    assert set(POINTS_OF_THE_STORY) == {point.split(":")[0] for point in points}
    return points


def crash_at(directory: Path, system: str, points: list[str]) -> dict[str, str]:
    """A story with a crash at each of these points, in one stack; what became of each request."""
    outcomes: dict[str, str] = {}
    with stack(directory, tickets=settings_of(system)) as one:
        crowd = Survivor(one)
        for point in points:
            done = outcomes.values()
            crowd.arm(point)
            session = tell_story(crowd, system, point)
            outcomes[point] = check_end(crowd, system, session)

            assert point == crowd.died_at[-1], f"{point} was never reached"
            assert len(one.effects(QUOTE)) >= list(done).count("executed")
            assert len(one.effects(QUOTE)) <= len(outcomes)
        assert one.ledger_verifies()
    return outcomes


@pytest.mark.timeout(600)
@pytest.mark.parametrize("system", SYSTEMS)
def test_kill_at_every_ticket_step_of_one_story(tmp_path: Path, system: str) -> None:
    """Open, decide in the ticket, run, tell the outcome: each cut off before or after."""
    folders = [tmp_path / name for name in ("plain", "even", "odd")]
    for folder in folders:
        folder.mkdir()
    points = story_points(folders[0], system)
    halves = [points[0::2], points[1::2]]
    with ThreadPoolExecutor(len(halves)) as pool:
        found = list(pool.map(crash_at, folders[1:], [system] * 2, halves))
    outcomes = {**found[0], **found[1]}
    print(f"{system}: {len(points)} crash points: {outcomes}")  # noqa: T201 - as above

    assert "executed" in outcomes.values()
    assert "in_doubt" in outcomes.values()
