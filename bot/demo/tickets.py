"""Jira or ServiceNow as the approver's side of the demo: they open the ticket and answer it there.

What they do goes through the stand-in as if through its pages; Countersign hears of it by webhook.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
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
        if settled(await self._world.call(APPROVER, "GET", path), request):
            return Seen(act="has decided it with the answer before")
        ticket = await self._until(path, self._asking)
        found = self._desk.ticket(ticket)
        asked = [self._plain(line) for line in (found.summary, "", *found.text.splitlines())]
        number = _number(asked, request["id"])
        verdict = choice.verdict if number is None else Verdict.APPROVE  # but for what is written
        said = _said(choice) if number is None else _said_of(choice, number)
        act = self._desk.answer(ticket, _ANSWERS[verdict], comment=said)
        if number is not None and "writes" not in act:
            act = f"writes “{'; '.join(said.splitlines())}”, and {act}"
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
        once = {ticket: request_id for request_id, ticket in self._tickets}
        for ticket, request_id in once.items():
            path = f"/api/v1/requests/{request_id}"
            await self._until(path, lambda found: _closed(found, self._desk.name))
            after = self._desk.ticket(ticket)
            word = " ".join(self._plain("".join(after.comments[-1:])).split())
            lines.append(f"{ticket} ({after.state}): {word}")
        return lines

    def _asking(self, request: dict[str, Any]) -> str | None:
        """The ticket in which it is asked, and has not been answered: one of several calls can be
        answered once for each."""
        answered = {ticket for _, ticket in self._tickets}
        found = (d["ticket"] for d in request["deliveries"] if d["channel"] == self._desk.name)
        for ticket in filter(None, found):
            shown = self._desk.ticket(ticket)
            again = _number(shown.text.splitlines(), request["id"]) is not None and shown.asks
            if ticket not in answered or again:
                return str(ticket)
        return None

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


def _said_of(choice: Choice, number: int) -> str:
    """The same of one call of several, so that the others wait for their turn."""
    if choice.verdict is Verdict.REJECT:
        return f"reject {number}: {choice.comment}"
    changes = [f"{number} {name}: {value}" for name, value in choice.changes.items()]
    return "\n".join(filter(None, [choice.comment, f"approve {number}", *changes]))


def _number(lines: Sequence[str], request_id: str) -> int | None:
    """The number of this call in a ticket of several; None in a ticket of one."""
    number = found = None
    for line in lines:
        if heading := _CALL.match(line):
            number = int(heading[1])
        if request_id in line:
            found = number
    return found


_CALL = re.compile(r"\s*(?:h3\.\s*)?(\d{1,3})\\?\.\s+[A-Z]")
"""The heading above a call of several."""


def _closed(request: dict[str, Any], channel: str) -> bool:
    mine = [d["status"] for d in request["deliveries"] if d["channel"] == channel]
    return bool(mine) and set(mine) <= {"closed", "abandoned"}
