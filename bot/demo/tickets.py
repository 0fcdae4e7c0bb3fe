"""Jira or ServiceNow as the approver's side of the demo: they open the ticket and answer it there.

What they do goes through the stand-in as if through its pages; Countersign hears of it by webhook.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Collection, Mapping
from typing import Any

from typing_extensions import override

from countersign.approvals.models import Verdict
from countersign.bot.demo.fronts import ApiFront, Front, Seen, settled
from countersign.bot.demo.scenarios import APPROVER, Choice, Scenario
from countersign.bot.demo.world import ANSWER_TIMEOUT_S, World
from countersign.sandbox.desk import Answer, Desk

LOOK_EVERY_S = 0.05
_WIKI = re.compile(
    r"^h\d\.\s+|\{\w+(?::[^}]*)?\}|(?<![\w\\])[*_](?=\S)|(?<=\S)[*_](?!\w)"
    r"|^\|+|\|+$|Ref\. \w{12}",
    re.MULTILINE,
)
"""Markup of a ticket that a terminal has no use for, and the marks on our comments."""


_ANSWERS: Mapping[Verdict, Answer] = {
    Verdict.APPROVE: "approve",
    Verdict.REJECT: "reject",
    Verdict.MODIFY: "modify",
}


class TicketFront(Front):
    """The approver works in tickets; the session is started through the API."""

    def __init__(self, world: World, desk: Desk):
        self._world, self._desk = world, desk
        self._plain = _plain if desk.name == "jira" else str
        self._api = ApiFront(world)
        self._tickets: list[tuple[str, str]] = []

    @override
    async def start(self, scenario: Scenario) -> str:
        return await self._api.start(scenario)

    @override
    async def decide(self, request: dict[str, Any], choice: Choice) -> Seen:
        """Returns when the decision has arrived."""
        path = f"/api/v1/requests/{request['id']}"
        before = {ticket for _, ticket in self._tickets}
        ticket = await self._until(path, lambda found: _ticket(found, self._desk.name, before))
        found = self._desk.ticket(ticket)
        asked = [self._plain(line) for line in (found.summary, "", *found.text.splitlines())]
        act = self._desk.answer(ticket, _ANSWERS[choice.verdict], comment=_said(choice))
        await self._until(path, lambda found: settled(found, request))
        self._tickets.append((request["id"], ticket))
        return Seen(
            act=act,
            title=f"the ticket {ticket} that {self._world.name(APPROVER)} got",
            asked=tuple(asked),
            answered=f"{ticket} is now: {self._desk.ticket(ticket).state}",
        )

    @override
    async def told(self) -> list[str]:
        """The last comment in each ticket, once it is closed."""
        lines = []
        for request_id, ticket in self._tickets:
            path = f"/api/v1/requests/{request_id}"
            await self._until(path, lambda found: _closed(found, self._desk.name))
            after = self._desk.ticket(ticket)
            word = " ".join(self._plain("".join(after.comments[-1:])).split())
            lines.append(f"{ticket} ({after.state}): {word}")
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


def _plain(text: str) -> str:
    """A text without markup; the cells of a table side by side."""
    bare = _WIKI.sub("", text).replace("\\", "")
    return bare.replace("||", "  ").replace("|", "  ")


def _said(choice: Choice) -> str:
    if choice.verdict is not Verdict.MODIFY:
        return choice.comment
    changes = "\n".join(f"{name}: {value}" for name, value in choice.changes.items())
    return f"{choice.comment}\n\nChanges:\n{changes}".strip()


def _ticket(request: dict[str, Any], channel: str, before: Collection[str]) -> str | None:
    """The ticket in which it is asked; `before` have been answered."""
    found = (d["ticket"] for d in request["deliveries"] if d["channel"] == channel)
    return next((ticket for ticket in found if ticket and ticket not in before), None)


def _closed(request: dict[str, Any], channel: str) -> bool:
    mine = [d["status"] for d in request["deliveries"] if d["channel"] == channel]
    return bool(mine) and set(mine) <= {"closed", "abandoned"}
