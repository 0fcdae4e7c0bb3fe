"""What has to be true after every death, as the outside sees it."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from countersign.sandbox.botframework.desk import TeamsDesk
from countersign.sandbox.desk import Ticket
from countersign.sandbox.mailbox.desk import Mail, MailDesk
from tests.crash.crowd import BUDGETS, Crowd
from tests.crash.desks import desk_of
from tests.crash.in_slack import check_slack
from tests.crash.stories import ALEX, QUOTE, requests_of

AT_REST = {"executed": {"closed"}, "in_doubt": {"live"}}
"""What becomes of deliveries: one in doubt may still change, by a late result."""
WORDS = {"executed": "Done: it ran once", "in_doubt": "It is not known whether it ran"}
MAILED = {"executed": "It was approved, and ran once", "in_doubt": "not known whether it ran"}
NOT_OPENED = "abandoned"
"""A ticket for which it was too late: it was decided elsewhere while its opener was dead. That may
become of every ticket, where nobody decides in one."""
TITLES = {"executed": "Approved and done", "in_doubt": "? In doubt"}
ONCE = ("voted", "decided", "claimed", "executed", "in_doubt")


def check(crowd: Crowd, session: str, effects_before: Counter[str], *, cards: bool = True) -> str:
    """All of them; returns what became of the guarded request. Without `cards` nobody looks for
    lost ones, which is done by clicking on them."""
    unrest = ""

    def rested() -> bool:
        nonlocal unrest
        unrest = _unrest(crowd, session)
        return not unrest

    try:
        crowd.patient(rested, "everything to come to rest")
    except AssertionError as exc:
        exc.add_note(unrest)
        exc.add_note(_story_of(crowd, session))
        raise
    (request,) = requests_of(crowd, session)
    _check_rows(crowd, session, request)
    _check_budgets(crowd, session, request)
    _check_effects(crowd, session, request, effects_before)
    for system in crowd.one.tickets:
        _check_ticket(crowd, system, request)
    if crowd.one.by_mail:
        _check_mails(crowd, request)
    if crowd.one.by_slack:
        check_slack(crowd, session, request)
    if cards and crowd.teams is not None:
        _check_cards(crowd, crowd.teams, request)
    return str(request["status"])


def effects(crowd: Crowd) -> Counter[str]:
    """How often each kind of write has really happened in the CRM."""
    return Counter(effect["action"] for effect in crowd.one.effects())


def _unrest(crowd: Crowd, session: str) -> str:
    """What is not done yet; empty if everything is."""
    status = crowd.get(f"/sessions/{session}")["status"]
    if status != "completed":
        return f"the session is {status}"
    (request,) = requests_of(crowd, session)
    shown_in = {*crowd.one.tickets, *(["teams"] if crowd.one.people else [])}
    shown_in |= {"email"} if crowd.one.by_mail else set()
    shown_in |= {"slack"} if crowd.one.by_slack else set()
    shown_in |= {"webhook"} if crowd.told_by_webhook else set()
    told = {d["status"] for d in request["deliveries"] if d["channel"] in shown_in}
    at_rest = AT_REST.get(request["status"])
    if at_rest is None or not told or not told - {NOT_OPENED} <= at_rest:
        return f"the request is {request['status']}, told: {request['deliveries']}"
    if crowd.teams is not None:
        cards = crowd.teams.cards(request["id"])
        if not any(TITLES[request["status"]] in card.text for card in cards):
            return f"the request is {request['status']}, no card says so"
    for system in crowd.one.tickets:
        mine = _tickets_of(crowd, system, request)
        if any(ticket.open for ticket in mine):
            return f"the request is {request['status']}, a ticket in {system} is open"
        if mine and not any(WORDS[request["status"]] in str(ticket.comments) for ticket in mine):
            return f"the request is {request['status']}, no ticket in {system} says so"
    return ""


def _story_of(crowd: Crowd, session: str) -> str:
    """What is on record of a session that does not end: its requests, and its ledger."""
    rows = crowd.get(f"/requests?session={session}&limit=100")["items"]
    entries = crowd.get(f"/ledger?session={session}")["items"]
    requests = [f"{row['tool']} {row['status']} {row['deliveries']}" for row in rows]
    return "\n".join(["requests:", *requests, "ledger:", *(_line(entry) for entry in entries)])


def _line(entry: dict[str, Any]) -> str:
    return f"{entry['seq']} {entry['at']} {entry['kind']} {entry['body']}"[:300]


def _tickets_of(crowd: Crowd, system: str, request: dict[str, Any]) -> list[Ticket]:
    """Every ticket about the request, whichever of its makers is on record."""
    tickets = desk_of(crowd.one, system).tickets()
    return [ticket for ticket in tickets if ticket.order.startswith(request["id"])]


def _check_rows(crowd: Crowd, session: str, request: dict[str, Any]) -> None:
    """Nothing is left behind, one decision is on record, and the chain verifies."""
    kinds = Counter(
        entry["kind"]
        for entry in crowd.get(f"/ledger?session={session}")["items"]
        if entry["body"].get("request") == request["id"]
    )

    assert crowd.get(f"/ledger?session={session}")["verified"]
    assert [] == crowd.get(f"/requests?session={session}&status=pending")["items"]
    assert [] == crowd.get(f"/requests?session={session}&status=executing")["items"]
    assert ["alex"] == [vote["by"] for vote in request["votes"]]
    assert {} == {kind: kinds[kind] for kind in ONCE if kinds[kind] > 1}
    assert (1, 1) == (kinds["voted"], kinds["decided"])


def _check_budgets(crowd: Crowd, session: str, request: dict[str, Any]) -> None:
    """What was reserved for the call is reserved once, and kept: it ran, or may have run."""
    rows = [
        (entry["kind"], row["key"], row["set"])
        for entry in crowd.get(f"/ledger?session={session}")["items"]
        for row in entry["body"].get("rows", ())
        if row["table"] == "budget_uses" and row["key"][0] == request["id"]
    ]

    assert ["claimed"] * len(BUDGETS) == [kind for kind, _, _ in rows]
    assert sorted(BUDGETS) == sorted(key[1] for _, key, _ in rows)
    assert {None} == {columns["released_at"] for _, _, columns in rows}
    assert sorted(BUDGETS) == sorted(each["budget"] for each in request["budgets"])


def _check_effects(
    crowd: Crowd, session: str, request: dict[str, Any], before: Counter[str]
) -> None:
    """No tool has run twice: by the CRM's own record, tool by tool."""
    since = effects(crowd) - before
    rows = crowd.get(f"/requests?session={session}&limit=100")["items"]
    doubtful = [row for row in rows if row["status"] == "in_doubt"]

    assert {} == {action: times for action, times in since.items() if times > 1}
    if request["status"] == "executed":
        assert 1 == since[QUOTE]
    assert len(doubtful) <= 1, "one death, more than one doubt"


def _check_mails(crowd: Crowd, request: dict[str, Any]) -> None:
    """One thread, whose end says what came of it; a mail that was sent twice has the same id."""
    mails = asyncio.run(_mails(crowd))
    roots = {m.headers["Message-ID"] for m in mails if request["id"] in m.text}
    (root,) = {m.headers.get("References", m.headers["Message-ID"]).split()[0] for m in mails
               if m.headers["Message-ID"] in roots}  # fmt: skip
    thread = [m for m in mails if m.headers.get("References", m.headers["Message-ID"]) == root]
    told = {m.headers["Message-ID"]: MAILED.get(request["status"], "") in m.text for m in thread}

    assert any(told.values()), [m.text for m in thread]
    assert len({m.text.splitlines()[1] for m in thread}) == len(told), "told twice in other words"


async def _mails(crowd: Crowd) -> list[Mail]:
    async with MailDesk(str(crowd.one.mail["url"]), ALEX) as desk:
        return await desk.mails(latest=20)


def _check_ticket(crowd: Crowd, system: str, request: dict[str, Any]) -> None:
    """No ticket is left open, and one tells the outcome. It may say so twice: what a server that
    has died was writing may arrive after the next one has looked whether it is there."""
    mine = _tickets_of(crowd, system, request)
    told = ["\n".join(ticket.comments).count(WORDS[request["status"]]) for ticket in mine]
    states = {d["status"] for d in request["deliveries"] if d["channel"] == system}

    assert [] == [ticket for ticket in mine if ticket.open]
    if states == {NOT_OPENED}:
        assert [] == mine
    else:
        assert sum(told) in (1, 2), [ticket.comments for ticket in mine]


def _check_cards(crowd: Crowd, teams: TeamsDesk, request: dict[str, Any]) -> None:
    """No card is left on which it can be decided, but one that was posted by a server that died
    before it could write that down: nobody knows of that one until it is clicked."""
    lost = teams.live(request["id"])
    assert len(lost) <= 1
    for card in lost:
        crowd.patient(lambda card=card: teams.decide(card), "an answer to the click")  # type: ignore[misc]

    assert crowd.patient(lambda: not teams.live(request["id"]), "the lost card to be closed")
