"""Lost answers and kill -9 while many tickets are made: one open ticket for each request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from countersign.sandbox.desk import Desk, Ticket
from tests.crash.conftest import Figure
from tests.crash.crowd import SAFE_LEASE_S, Crowd, crowd
from tests.crash.desks import desk_of, faults_left, lag, lose_answer, settings_of
from tests.crash.points import Point
from tests.crash.stories import QUOTE, SYSTEMS, TOOL
from tests.processes import Nursery
from tests.stack import TASK, Database

SESSIONS = 40
DECIDED = 5
PATIENCE_S = 180.0
LAG_S = 60.0
"""Longer than `settle`, so that an issue which nobody confirmed is made again, and only seen when
both are on record."""
LAGGING = range(10, 20)
KILLED_AT = (5, 15, 25, 35)
"""So many sessions have been asked for when somebody kills a server from outside."""
POINTS = {
    2: ("{}.open_ticket", "before"),
    8: ("{}.open_ticket", "after"),
    18: ("{}.find", "after"),
    22: ("{}.adopt", "before"),
    28: ("{}.adopt", "after"),
    32: ("Attempts.shown", "uncommitted"),
}
"""So many sessions have been asked for when the next server to get there dies."""
CONNECTORS = {"jira": "JiraConnector", "servicenow": "ServiceNowConnector"}


def requests_of(one: Crowd, query: str = "") -> list[dict[str, Any]]:
    """The guarded ones. Raises httpx.TransportError while the servers are away."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = one.get(f"/requests?limit=100{query}{cursor}")
        found += page["items"]
        if not page["next"]:
            return [request for request in found if request["tool"] == TOOL]
        cursor = f"&cursor={page['next']}"


def ask_everybody(many: Crowd, system: str) -> list[str]:
    """All sessions, with lost answers, kills and a lagging index on the way; who died where."""
    one, died = many.one, list[str]()
    for number in range(SESSIONS):
        if number == LAGGING.start:
            lag(one, system, LAG_S)
        if number in KILLED_AT:
            one.servers[number % len(one.servers)].kill()
            many.mend()
        if number in POINTS:
            name, side = POINTS[number]
            many.points.arm(Point(name.format(CONNECTORS[system]), side))
        lose_answer(one, system, number)
        many.patient(lambda n=number: one.ask(TASK, key=f"k{n}"), "an answer")  # type: ignore[misc]
        if number in POINTS:
            many.patient(many.fallen, f"a death at {POINTS[number]}")
            many.mend()
            died.append(POINTS[number][0].format(system))
        if number == LAGGING.stop:
            until_so(many, lambda n=number: recorded(many) > n, "tickets on record")  # type: ignore[misc]
            lag(one, system, 0.0)
    return died


def until_so(many: Crowd, met: Callable[[], bool], what: str) -> None:
    """Wait until it is `met`; a failure says what has become of every request."""
    try:
        many.patient(met, what, PATIENCE_S)
    except AssertionError as exc:
        for request in requests_of(many):
            if not tickets_of(request):
                exc.add_note(str(request))
        for session in many.get("/sessions?limit=100")["items"]:
            if session["status"] != "waiting":
                exc.add_note(str(session))
        raise


def recorded(many: Crowd) -> int:
    """How many requests have their ticket."""
    waiting = requests_of(many, "&status=pending")
    return sum(bool(tickets_of(request)) for request in waiting)


def tickets_of(request: dict[str, Any]) -> list[str]:
    """The keys of the tickets that are on record for a request."""
    return [d["ticket"] for d in request["deliveries"] if d["ticket"]]


def open_tickets(desk: Desk) -> Counter[str]:
    """How many open tickets each order has."""
    return Counter(ticket.order for ticket in desk.tickets() if ticket.open)


def one_for_each(many: Crowd, desk: Desk) -> bool:
    """Whether everything has come to rest: all wait, each with one open ticket on record."""
    waiting = requests_of(many, "&status=pending")
    orders = {f"{request['id']}.1.0": 1 for request in waiting}
    return len(waiting) == recorded(many) == SESSIONS and dict(open_tickets(desk)) == orders


def check_surplus(waiting: list[dict[str, Any]], tickets: list[Ticket]) -> int:
    """Every ticket that does not count is closed and says which one does; how many there are."""
    counts = {f"{r['id']}.1.0": ticket for r in waiting for ticket in tickets_of(r)}
    ours = [ticket for ticket in tickets if ticket.order]  # others may have been there before
    surplus = [ticket for ticket in ours if ticket.key != counts[ticket.order]]

    assert [] == [ticket for ticket in surplus if ticket.open]
    for ticket in surplus:
        assert counts[ticket.order] in "\n".join(ticket.comments)
    return len(surplus)


def decide_some(many: Crowd, desk: Desk, tickets: list[Ticket]) -> None:
    """Alex approves some of them where they are: each runs once."""
    chosen = [ticket for ticket in tickets if ticket.open][:DECIDED]
    for ticket in chosen:
        desk.answer(ticket.key, "approve")
    wanted = {ticket.order.split(".")[0] for ticket in chosen}

    def executed() -> set[str]:
        return {request["id"] for request in requests_of(many, "&status=executed")}

    until_so(many, lambda: executed() == wanted, "executions")
    assert DECIDED == len(many.one.effects(QUOTE))


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("system", SYSTEMS)
def test_lost_answers_and_kills_leave_one_open_ticket_for_each_request(
    tmp_path: Path, nursery: Nursery, database: Database, system: str, figure: Figure
) -> None:
    """No create is answered, servers die on the way; then some are approved in their tickets."""
    around: dict[str, Any] = {"tickets": settings_of(system), "lease_s": SAFE_LEASE_S}
    with crowd(tmp_path, nursery, database, **around) as many:
        desk = desk_of(many.one, system)
        died = ask_everybody(many, system)
        until_so(many, lambda: one_for_each(many, desk), "one open ticket each")
        waiting, tickets = requests_of(many, "&status=pending"), desk.tickets()
        duplicates = check_surplus(waiting, tickets)

        assert 0 == faults_left(many.one, system)
        assert len(KILLED_AT) + len(POINTS) == many.kills
        assert desk.lags == bool(duplicates)
        assert SESSIONS == len(requests_of(many))
        decide_some(many, desk, tickets)
        assert many.one.ledger_verifies()
        figure(
            f"tickets {system} on {database}: {SESSIONS} requests, no create answered, "
            f"{many.kills} servers killed ({len(died)} at {dict(Counter(died))}): "
            f"{len(tickets)} tickets made, {duplicates} duplicates closed, 1 open for each request"
        )
