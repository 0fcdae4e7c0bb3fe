"""Two ways in for the people of the demo: a chat with the bot, or the REST API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from typing_extensions import override

from countersign.approvals.models import JsonObject, Verdict
from countersign.bot.demo.cards import card_lines
from countersign.bot.demo.scenarios import (
    APPROVER,
    REQUESTER,
    Choice,
    Scenario,
)
from countersign.bot.demo.world import ANSWER_TIMEOUT_S, World
from countersign.sandbox.botframework.cards import actions, verbs
from countersign.sandbox.botframework.server import BotFramework
from countersign.sandbox.botframework.world import Message

_ARGUMENT = "arg_"


_VOTES = {
    Verdict.APPROVE: "votes approve",
    Verdict.REJECT: "votes reject",
    Verdict.MODIFY: "votes modify",
}
_CLICKS = {
    Verdict.APPROVE: "clicks [ Approve ]",
    Verdict.REJECT: "clicks [ Reject ]",
    Verdict.MODIFY: "clicks [ Edit ], then [ Approve with changes ]",
}


@dataclass(frozen=True)
class Seen:
    """What the approver did, what they had before them, and what it says afterwards."""

    act: str
    title: str = ""
    asked: tuple[str, ...] = ()
    """Line by line, as the other side received it; nothing where there is nothing to see."""
    answered: str = ""


class Front(Protocol):
    """Where people start sessions and decide."""

    async def start(self, scenario: Scenario) -> str:
        """Start the session; returns its id."""

    async def decide(self, request: dict[str, Any], choice: Choice) -> Seen:
        """Decide one request as the approver."""

    async def told(self) -> list[str]:
        """What the approver's side was told in the end, line by line."""


class ApiFront(Front):
    """Programs: Sam starts and Alex decides with their bearer tokens."""

    def __init__(self, world: World):
        self._world = world

    @override
    async def start(self, scenario: Scenario) -> str:
        body = {"workflow": scenario.workflow, "task": scenario.task}
        return str((await self._world.call(REQUESTER, "POST", "/api/v1/sessions", body))["id"])

    @override
    async def decide(self, request: dict[str, Any], choice: Choice) -> Seen:
        body: JsonObject = {
            "verdict": choice.verdict,
            "digest": request["digest"],
            "comment": choice.comment,
        }
        if choice.verdict is Verdict.MODIFY:
            body["arguments"] = request["arguments"] | choice.changes
        await self._world.call(APPROVER, "POST", f"/api/v1/requests/{request['id']}/votes", body)
        return Seen(act=_VOTES[choice.verdict])

    @override
    async def told(self) -> list[str]:
        """Programs read it from the API."""
        return []


class TeamsFront(Front):
    """Teams: a message to the bot, then clicks on the card it posts."""

    def __init__(self, world: World, teams: BotFramework):
        self._world, self._teams = world, teams
        self._alex = world.name(APPROVER)

    @override
    async def start(self, scenario: Scenario) -> str:
        """In local mode whoever writes counts as Sam."""
        answer = await self._teams.send_message(self._alex, scenario.task)
        if answer.status >= 300:
            raise ValueError(f"the bot answered {answer.status}: {answer.body}")
        await self._teams.wait_for(lambda m: m.from_bot, timeout_s=ANSWER_TIMEOUT_S)
        found = await self._world.call(APPROVER, "GET", "/api/v1/sessions?limit=1")
        return str(found["items"][0]["id"])

    @override
    async def decide(self, request: dict[str, Any], choice: Choice) -> Seen:
        """Approve and reject are one click, a change takes two."""
        message = await self._teams.wait_for(
            lambda m: _asks_for(m, request["id"]), timeout_s=ANSWER_TIMEOUT_S
        )
        asked = message.card()
        if "open" in verbs(asked or {}):  # one of several calls on a card
            seen = message.card(self._teams.world.person(self._alex))
            if "list" in verbs(seen or {}):  # another one is open
                await self._click(message, "list", {})
            asked = await self._click(message, "open", {}, request=request["id"])
        inputs = {"comment": choice.comment}
        if choice.verdict is Verdict.MODIFY:
            await self._click(message, "edit", {})
            inputs |= {f"{_ARGUMENT}{name}": value for name, value in choice.changes.items()}
            answered = await self._click(message, "save", inputs)
        else:
            answered = await self._click(message, choice.verdict, inputs)
        return Seen(
            act=_CLICKS[choice.verdict],
            title=f"the card that {self._alex} got",
            asked=tuple(card_lines(asked or {})),
            answered=f"the card now says: {card_lines(answered)[0]}",
        )

    @override
    async def told(self) -> list[str]:
        """It is on the card."""
        return []

    async def _click(
        self, message: Message, verb: str, inputs: JsonObject, **data: str
    ) -> JsonObject:
        answer = await self._teams.click(message, verb, inputs, person=self._alex, data=data)
        if answer.card is None:
            raise ValueError(f"the bot answered {answer.status} to {verb}: {answer.body}")
        return answer.card


def settled(now: JsonObject, request: dict[str, Any]) -> bool:
    """Whether what was done about the request has arrived: it is decided, or asked anew."""
    return bool(now["status"] != "pending" or now["revision"] != request["revision"])


def _asks_for(message: Message, request_id: str) -> bool:
    """Whether this is a card with buttons for the request."""
    card = message.card()
    if card is None or not message.from_bot:
        return False
    return any(
        action.get("data", {}).get("request") == request_id
        for action in actions(card)
        if isinstance(action.get("data"), dict) and action.get("verb") != "refresh"
    )
