"""kill -9 while a call is taken back: it is taken back once, or a person is told of the doubt.

The call itself has run before anybody dies. Whoever asks for it and sees no answer asks again.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.crash.conftest import Figure
from tests.crash.crowd import AWAY, Crowd, crowd
from tests.crash.plan import points_of
from tests.crash.points import Point
from tests.processes import Nursery
from tests.stack import Database

TASK = "move Contoso to negotiation, 26,000 EUR, closing 2026-12-30"
TOOL = "update_opportunity"
ONLY = ("Undoing.", "Submitting.", "Claiming.", "Leasing.begin", "Runs.", "tool")
EXPECTED = {"Undoing.undo", "Claiming.claim", "Submitting.submit", "tool"}
RAN = {"undone": 1, "in_doubt": 0}
"""How often the tool has run again, at least, by what became of the attempt."""


def the_crm(settings: dict[str, Any]) -> None:
    """The workflow whose change can be taken back, and no other."""
    settings["workflows"]["modules"] = ["countersign.examples.crm_update"]
    settings["policy"].pop("budgets", None)


def keys(one: Crowd) -> Counter[str]:
    """How often each execution has changed the record, by the CRM's own account."""
    return Counter(effect["idempotency_key"] for effect in one.one.effects(TOOL))


def changed(one: Crowd, key: str) -> dict[str, Any]:
    """A session that is over, and its call, which can be taken back."""
    session = str(one.patient(lambda: one.one.ask(TASK, "crm_update", key), "an answer"))

    def over() -> bool:
        for request in one.get(f"/requests?session={session}&status=pending")["items"]:
            assert one.one.vote(request).status_code in (200, 409, *AWAY)
        return bool(one.get(f"/sessions/{session}")["status"] == "completed")

    one.patient(over, "the change to be made")
    items = one.get(f"/requests?session={session}&limit=100")["items"]
    (request,) = [each for each in items if each["tool"] == TOOL]
    assert "executed" == request["status"]
    return dict(request)


def take_back(one: Crowd, request: dict[str, Any]) -> dict[str, Any]:
    """Ask until it is answered, and once more; the attempt at its end."""
    path = f"/requests/{request['id']}"

    def asked() -> int:
        answer = one.one.api("POST", f"{path}/undo", json={"reason": "The customer said no."})
        return 0 if answer.status_code in AWAY else int(answer.status_code)

    first = one.patient(asked, "the undo to be taken")
    again = one.patient(asked, "the undo to be known")
    assert first in (202, 409)
    assert 409 == again

    def ended() -> dict[str, Any] | None:
        attempts = one.get(path)["undo"]["attempts"]
        assert 1 == len(attempts), attempts
        return attempts[0] if attempts[0]["state"] != "under_way" else None

    found: dict[str, Any] = one.patient(ended, "the attempt to end")
    return found


def check(one: Crowd, request: dict[str, Any], attempt: dict[str, Any], before: int) -> str:
    """One session has taken it back, its ledger verifies, and nothing has run twice."""
    session = attempt["session_id"]
    one.patient(
        lambda: one.get(f"/sessions/{session}")["status"] not in ("running", "waiting"),
        "the session of the undo to be over",
    )
    first = one.get(f"/ledger?session={request['session_id']}")
    kinds = Counter(entry["kind"] for entry in first["items"])
    now = keys(one)
    ran = sum(now.values()) - before

    assert attempt["state"] in RAN, attempt
    assert RAN[attempt["state"]] <= ran <= 1
    assert {1} == set(now.values())
    assert first["verified"]
    assert one.get(f"/ledger?session={session}")["verified"]
    assert 1 == kinds["undo_asked"]
    assert kinds["undo_ended"] <= 1
    return str(attempt["state"])


def die_at(one: Crowd, point: Point) -> str:
    """The undo of a new call with a death at this point; what became of it, "" if nobody died."""
    request = changed(one, f"undo {point}")
    one.mend()
    before = sum(keys(one).values())
    one.points.arm(point)
    attempt = take_back(one, request)
    died = not one.points.disarm()
    if died:
        one.patient(one.fallen, "who got there to be dead")
    became = check(one, request, attempt, before)
    one.mend()
    return became if died else ""


@pytest.mark.timeout(900)
def test_kill_at_each_step_of_an_undo(
    tmp_path: Path, nursery: Nursery, database: Database, figure: Figure
) -> None:
    with crowd(tmp_path, nursery, database, adjust=the_crm) as one:
        request = changed(one, "plain")
        before = sum(keys(one).values())
        one.points.record()
        assert "undone" == check(one, request, take_back(one, request), before)
        todo = [p for p in points_of(one.points.steps()) if p.name.startswith(ONLY)]
        firsts = [point for point in todo if point.number == 1]
        outcomes = {point: die_at(one, point) for point in firsts}
        assert one.one.ledger_verifies()
    died = Counter(outcomes.values())
    figure(
        f"crash {database} undo: {len(firsts)} points, each killed once: {died['undone']} undone, "
        f"{died['in_doubt']} in doubt, 0 lost, 0 run twice; {died['']} were not reached again"
    )

    assert EXPECTED <= {point.name for point, became in outcomes.items() if became}
