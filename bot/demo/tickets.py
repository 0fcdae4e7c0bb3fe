"""Jira or ServiceNow as the approver's side of the demo: they open the ticket and answer it there.

What they do goes through the stand-in as if through its pages; Countersign hears of it by webhook.
"""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any, Protocol

from typing_extensions import override

from countersign.approvals.models import Verdict
from countersign.bot.demo.fronts import ApiFront, Front, Seen
from countersign.bot.demo.scenarios import APPROVER, Choice, Scenario
from countersign.bot.demo.world import ANSWER_TIMEOUT_S, World
from countersign.sandbox.jira.server import Jira
from countersign.sandbox.servicenow.server import ServiceNow

LOOK_EVERY_S = 0.05
_WIKI = re.compile(
    r"^h\d\.\s+|\{\w+(?::[^}]*)?\}|(?<![\w\\])[*_](?=\S)|(?<=\S)[*_](?!\w)"
    r"|^\|+|\|+$|Ref\. \w{12}",
    re.MULTILINE,
)
"""Markup of a ticket that a terminal has no use for, and the marks on our comments."""


class Desk(Protocol):
    """A ticket system, as the approver uses it."""

    name: str

    def text(self, ticket: str) -> list[str]:
        """What the ticket says, line by line."""

    def answer(self, ticket: str, choice: Choice) -> str:
        """Answer it; returns what was done, in words."""

    def state(self, ticket: str) -> str:
        """Where it stands."""

    def last_word(self, ticket: str) -> str:
        """The newest comment."""


class TicketFront(Front):
    """The approver works in tickets; the session is started through the API."""

    def __init__(self, world: World, desk: Desk):
        self._world, self._desk = world, desk
        self._api = ApiFront(world)
        self._tickets: list[tuple[str, str]] = []

    @override
    async def start(self, scenario: Scenario) -> str:
        return await self._api.start(scenario)

    @override
    async def decide(self, request: dict[str, Any], choice: Choice) -> Seen:
        """Returns when the decision has arrived."""
        path = f"/api/v1/requests/{request['id']}"
        ticket = await self._until(path, lambda found: _ticket(found, self._desk.name))
        asked = self._desk.text(ticket)
        act = self._desk.answer(ticket, choice)
        await self._until(path, lambda found: found["status"] != "pending")
        self._tickets.append((request["id"], ticket))
        return Seen(
            act=act,
            title=f"the ticket {ticket} that {self._world.name(APPROVER)} got",
            asked=tuple(asked),
            answered=f"{ticket} is now: {self._desk.state(ticket)}",
        )

    @override
    async def told(self) -> list[str]:
        """The last comment in each ticket, once it is closed."""
        lines = []
        for request_id, ticket in self._tickets:
            path = f"/api/v1/requests/{request_id}"
            await self._until(path, lambda found: _closed(found, self._desk.name))
            word = " ".join(self._desk.last_word(ticket).split())
            lines.append(f"{ticket} ({self._desk.state(ticket)}): {word}")
        return lines

    async def _until(self, path: str, found: Any) -> Any:
        """The first true answer of `found`. Raises ValueError if there is none in time."""
        deadline = time.monotonic() + ANSWER_TIMEOUT_S
        while time.monotonic() < deadline:
            if value := found(await self._world.call(APPROVER, "GET", path)):
                return value
            await asyncio.sleep(LOOK_EVERY_S)
        request = await self._world.call(APPROVER, "GET", path)
        raise ValueError(f"{path}: {request['status']}, {request['deliveries']}")


_STATUSES = {
    Verdict.APPROVE: "Approved",
    Verdict.REJECT: "Rejected",
    Verdict.MODIFY: "Changes requested",
}


class JiraDesk(Desk):
    """`Desk` in the stand-in for Jira."""

    name = "jira"

    def __init__(self, jira: Jira):
        self._jira, self._alex = jira, jira.as_person(APPROVER)

    @override
    def text(self, ticket: str) -> list[str]:
        """Without the markup."""
        fields = self._jira.issue(ticket)["fields"]
        lines = [fields["summary"], "", *str(fields["description"]).splitlines()]
        return [_plain(line) for line in lines]

    @override
    def answer(self, ticket: str, choice: Choice) -> str:
        said = _said(choice)
        if said:
            self._alex.comment(ticket, said)
        to = _STATUSES[choice.verdict]
        self._alex.transition(ticket, to)
        return f"moves {ticket} to “{to}”"

    @override
    def state(self, ticket: str) -> str:
        return str(self._jira.issue(ticket)["fields"]["status"]["name"])

    @override
    def last_word(self, ticket: str) -> str:
        comments = self._jira.issue(ticket)["fields"]["comment"]["comments"]
        return _plain(str(comments[-1]["body"])) if comments else ""


class ServiceNowDesk(Desk):
    """`Desk` in the stand-in for ServiceNow."""

    name = "servicenow"

    def __init__(self, snow: ServiceNow, user_name: str):
        self._snow, self._person = snow, snow.as_person(user_name)

    @override
    def text(self, ticket: str) -> list[str]:
        change = self._snow.change(ticket)
        return [change["short_description"], "", *change["description"].splitlines()]

    @override
    def answer(self, ticket: str, choice: Choice) -> str:
        said = _said(choice)
        if choice.verdict is Verdict.REJECT:
            self._person.reject(ticket, said)
            return f"rejects {ticket}"
        self._person.approve(ticket, said)
        return f"approves {ticket}"

    @override
    def state(self, ticket: str) -> str:
        return str(self._snow.change(ticket)["approval"])

    @override
    def last_word(self, ticket: str) -> str:
        entries = self._snow.journal(self._snow.change(ticket)["sys_id"])
        return _plain(str(entries[-1]["value"])) if entries else ""


def _plain(text: str) -> str:
    """A text without markup; the cells of a table side by side."""
    bare = _WIKI.sub("", text).replace("\\", "")
    return bare.replace("||", "  ").replace("|", "  ")


def _said(choice: Choice) -> str:
    if choice.verdict is not Verdict.MODIFY:
        return choice.comment
    changes = "\n".join(f"{name}: {value}" for name, value in choice.changes.items())
    return f"{choice.comment}\n\nChanges:\n{changes}".strip()


def _ticket(request: dict[str, Any], channel: str) -> str | None:
    found = (d["ticket"] for d in request["deliveries"] if d["channel"] == channel)
    return next((ticket for ticket in found if ticket), None)


def _closed(request: dict[str, Any], channel: str) -> bool:
    mine = [d["status"] for d in request["deliveries"] if d["channel"] == channel]
    return bool(mine) and set(mine) <= {"closed", "abandoned"}
