"""Two calls in one ticket in the stories that are cut off: the renewal of `one_card`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from countersign.sandbox.standins import ask_in
from tests.crash.crowd import Crowd
from tests.crash.desks import desk_of, lose_answer
from tests.crash.invariants import ONCE
from tests.crash.one_card import CHANGE, LETTER, TASK, guarded, happened, the_renewal
from tests.crash.voters import STOP

SYSTEM = {"all at once": "jira", "one by one": "servicenow"}
"""Where each story is told."""
ENDS = {
    "all at once": {CHANGE: "executed", LETTER: "executed"},
    "one by one": {CHANGE: "rejected", LETTER: "executed"},
}
SAID = {
    "executed": "Done: it ran once",
    "rejected": "Rejected by Alex Wilber",
    "in_doubt": "It is not known whether it ran",
}
"""What the ticket says of a call that has ended so."""
TITLES = {CHANGE: "Update opportunity, branch record", LETTER: "Send email, branch letter"}


def asked_in(system: str) -> Callable[[dict[str, Any]], None]:
    """The settings: the renewal, asked in this ticket system and nowhere else."""

    def adjust(settings: dict[str, Any]) -> None:
        the_renewal(settings)
        ask_in(settings, system)

    return adjust


def told(crowd: Crowd, story: str, key: str) -> str:
    """Sam asks through the API, and Alex answers the ticket, whose making was not answered."""
    system = SYSTEM[story]
    desk = desk_of(crowd.one, system)
    lose_answer(crowd.one, system, 0)
    session = str(crowd.patient(lambda: crowd.one.ask(TASK, key=key, workflow="renewal"), "it"))
    crowd.patient(lambda: len(guarded(crowd, session)) == 2, "both calls to wait")

    def number() -> list[str]:
        found = {
            delivery["ticket"]
            for request in guarded(crowd, session).values()
            for delivery in request["deliveries"]
            if delivery["ticket"]
        }
        assert len(found) < 2, "two tickets for one checkpoint"
        return list(found)

    (ticket,) = crowd.patient(number, "a ticket")
    comment = "" if story == "all at once" else f"reject 1: {STOP}\nFine."
    desk.answer(ticket, "approve", comment=comment)
    return session


def check(crowd: Crowd, session: str, story: str, before: Counter[str]) -> Counter[str]:
    """Nothing is lost, nothing ran twice, and the ticket says of each call what came of it."""
    unrest = ""

    def rested() -> bool:
        nonlocal unrest
        unrest = _unrest(crowd, session, story)
        return not unrest

    try:
        crowd.patient(rested, "everything to come to rest")
    except AssertionError as exc:
        exc.add_note(unrest)
        raise
    requests = guarded(crowd, session)
    since = happened(crowd) - before
    ledger = crowd.get(f"/ledger?session={session}")

    assert ledger["verified"]
    assert {} == {what: times for what, times in since.items() if times > 1}
    for tool, request in requests.items():
        ended, meant = request["status"], ENDS[story][tool]
        kinds = Counter(
            e["kind"] for e in ledger["items"] if e["body"].get("request") == request["id"]
        )
        assert ended == meant or (ended, meant) == ("in_doubt", "executed"), (tool, ended)
        assert {} == {kind: kinds[kind] for kind in ONCE if kinds[kind] > 1}
        assert (1, 1) == (kinds["voted"], kinds["decided"])
        assert ["alex"] == [vote["by"] for vote in request["votes"]]
        assert since[tool] <= (0 if meant == "rejected" else 1)
        assert ended != "executed" or 1 == since[tool]
    return Counter(request["status"] for request in requests.values())


def _unrest(crowd: Crowd, session: str, story: str) -> str:
    """What is not done yet; empty if everything is."""
    status = crowd.get(f"/sessions/{session}")["status"]
    if status != "completed":
        return f"the session is {status}"
    requests = guarded(crowd, session)
    shown = {d["status"] for r in requests.values() for d in r["deliveries"]}
    at_rest = {"live"} if "in_doubt" in {r["status"] for r in requests.values()} else {"closed"}
    if not shown <= {"closed", *at_rest}:
        return f"the deliveries are {shown}"
    desk = desk_of(crowd.one, SYSTEM[story])
    (key,) = {d["ticket"] for r in requests.values() for d in r["deliveries"]}
    said = desk.ticket(key).said.replace("\\", "")
    missing = [
        f"{TITLES[tool]}: {SAID[request['status']]}"
        for tool, request in requests.items()
        if f"{TITLES[tool]}: {SAID[request['status']]}" not in said
    ]
    left = [t.key for t in desk.tickets() if t.open and t.order.split(".")[0] in _ids(requests)]
    if missing or left:
        return f"the ticket does not say {missing}, open: {left}"
    return ""


def _ids(requests: dict[str, dict[str, Any]]) -> set[str]:
    return {request["id"] for request in requests.values()}
