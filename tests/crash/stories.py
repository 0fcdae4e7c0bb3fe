"""The stories that are cut off: each asks for a quote and has it approved somewhere."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from countersign.sandbox.desk import NotDoneError
from countersign.sandbox.mailbox.desk import MailDesk
from tests.crash.crowd import Crowd
from tests.crash.desks import desk_of, lose_answer
from tests.crash.in_slack import by_form, in_slack
from tests.stack import TASK

TOOL, QUOTE = "release_quote", "create_quote"
"""The guarded tool, and the CRM's name for its effect."""
ALEX = "alexw@example.com"
Story = Callable[[Crowd, str], str]
"""Tell it under this key to the end of what people do; returns the session."""


def requests_of(crowd: Crowd, session: str, query: str = "") -> list[dict[str, Any]]:
    """The guarded requests of a session."""
    items = crowd.get(f"/requests?session={session}&limit=100{query}")["items"]
    return [request for request in items if request["tool"] == TOOL]


def in_teams(crowd: Crowd, _: str) -> str:
    """Alex asks the bot and approves on the card. Who clicks and sees an error clicks again."""
    return told_in_teams(crowd, lambda session: True)


def after_a_while(crowd: Crowd, _: str) -> str:
    """The same, but people are reminded and others are asked before anybody clicks."""

    def waited(session: str) -> bool:
        found = crowd.get(f"/ledger?session={session}")["items"]
        return "escalated" in {entry["kind"] for entry in found}

    return told_in_teams(crowd, waited)


def told_in_teams(crowd: Crowd, ready: Callable[[str], bool]) -> str:
    """Alex asks, waits until the session is `ready` for it, and approves."""
    teams = crowd.teams
    assert teams is not None
    teams.forget()
    before = {s["id"] for s in crowd.patient(lambda: crowd.get("/sessions"), "a list")["items"]}
    if not teams.write(TASK):
        crowd.patient(teams.deliver_again, "the message to arrive")

    def started() -> list[str]:
        return [s["id"] for s in crowd.get("/sessions")["items"] if s["id"] not in before]

    session: str
    (session,) = crowd.patient(started, "the session")
    (request,) = crowd.patient(lambda: requests_of(crowd, session), "the request")
    crowd.patient(lambda: ready(session), "the time to decide")

    def decided() -> bool:
        live = teams.live(request["id"])
        if live and teams.decide(live[-1]):
            return True
        return bool(requests_of(crowd, session)[0]["status"] != "pending")

    crowd.patient(decided, "a decision")
    return session


def in_ticket(system: str) -> Story:
    """Sam asks through the API, Alex approves in the ticket, whose making was not answered."""

    def tell(crowd: Crowd, key: str) -> str:
        desk = desk_of(crowd.one, system)
        lose_answer(crowd.one, system, 0)
        session = str(crowd.patient(lambda: crowd.one.ask(TASK, key=key), "an answer"))

        def numbers() -> list[str]:
            return [
                delivery["ticket"]
                for request in requests_of(crowd, session, "&status=pending")
                for delivery in request["deliveries"]
                if delivery["channel"] == system and delivery["ticket"]
            ]

        (number,) = crowd.patient(numbers, "a ticket")
        desk.answer(number, "approve")
        return session

    return tell


def by_mail(crowd: Crowd, key: str) -> str:
    """Sam asks through the API, Alex follows the link of the mail, signs in, and approves there."""
    session = str(crowd.patient(lambda: crowd.one.ask(TASK, key=key), "an answer"))
    (request,) = crowd.patient(
        lambda: requests_of(crowd, session, "&status=pending"), "the request"
    )

    def decided() -> bool:
        asyncio.run(_approve_by_mail(crowd, request["id"]))
        return bool(requests_of(crowd, session)[0]["status"] != "pending")

    crowd.patient(decided, "a decision")
    return session


async def _approve_by_mail(crowd: Crowd, request_id: str) -> None:
    """Nothing if the mail is not there yet; whoever is answered with an error comes again."""
    async with MailDesk(str(crowd.one.mail["url"]), ALEX) as desk:
        found = [m for m in await desk.mails(latest=10) if request_id in m.text and m.links]
        if not found:
            return
        with contextlib.suppress(NotDoneError):
            await desk.sign_in(crowd.one.url, "alex")
            await desk.vote(await desk.open(found[0].links[0]), "approve")


def paused(crowd: Crowd, key: str) -> str:
    """Sam asks and Alex approves while the tool is paused; then Alex lets it go on."""
    session = str(crowd.patient(lambda: crowd.one.ask(TASK, key=key), "an answer"))
    (request,) = crowd.patient(
        lambda: requests_of(crowd, session, "&status=pending"), "the request"
    )
    crowd.patient(lambda: _is_paused(crowd, reason=key), "the pause")
    crowd.patient(lambda: crowd.one.vote(request).status_code in (200, 409), "a vote")
    crowd.patient(lambda: _is_held(crowd, session), "the session to be held")
    crowd.patient(lambda: _goes_on(crowd), "the end of the pause")
    return session


def _is_paused(crowd: Crowd, *, reason: str) -> bool:
    body = {"tool": TOOL, "reason": reason}
    return crowd.one.api("POST", "/pauses", json=body).status_code in (201, 409)


def _is_held(crowd: Crowd, session: str) -> bool:
    return str(crowd.get(f"/sessions/{session}")["error"]).startswith("paused by")


def _goes_on(crowd: Crowd) -> bool:
    for pause in crowd.get("/pauses")["items"]:
        crowd.one.api("DELETE", f"/pauses/{pause['id']}")
    return not crowd.get("/pauses")["items"]


STORIES: dict[str, Story] = {
    "teams": in_teams,
    "jira": in_ticket("jira"),
    "servicenow": in_ticket("servicenow"),
    "asana": in_ticket("asana"),
    "slack": in_slack,
    "slack form": by_form,
    "paused": paused,
    "mail": by_mail,
    "time": after_a_while,
}
SYSTEMS = ("jira", "servicenow")
