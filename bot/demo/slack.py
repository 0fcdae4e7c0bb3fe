"""Slack as the approver's side of the demo: they press a button, or send the modal behind it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from typing_extensions import override

from countersign.approvals.forms.wording import in_words
from countersign.approvals.models import Verdict
from countersign.bot.demo.fronts import ApiFront, Front, Seen, settled
from countersign.bot.demo.scenarios import APPROVER, Choice, Scenario
from countersign.bot.demo.world import World, soon
from countersign.sandbox.slack.server import Slack
from countersign.sandbox.slack.workspace import Message, View

USER = f"U0{APPROVER.upper()}"
_ACTS = {
    Verdict.APPROVE: "presses [ Approve ]",
    Verdict.REJECT: "presses [ Reject… ], and writes why",
    Verdict.MODIFY: "presses [ Change… ], and sends the form",
}
_BUTTONS = {Verdict.REJECT: "reject", Verdict.MODIFY: "change"}


class SlackFront(Front):
    """The approver works in a workspace of Slack; the session is started by the API."""

    def __init__(self, world: World, slack: Slack):
        self._world, self._slack, self._api = world, slack, ApiFront(world)
        self._messages: dict[str, Message] = {}
        self._pressed: set[str] = set()

    @override
    async def start(self, scenario: Scenario) -> str:
        return await self._api.start(scenario)

    @override
    async def decide(self, request: dict[str, Any], choice: Choice) -> Seen:
        """Returns when the decision counts."""
        message = await self._asked(request["id"])
        asked = tuple(message.words().splitlines())
        self._pressed.add(_buttons(message, request["id"]))
        if choice.verdict is Verdict.APPROVE:
            await self._slack.click(message, USER, "approve", of=request["id"])
        else:
            await self._slack.click(message, USER, _BUTTONS[choice.verdict], of=request["id"])
            await self._sent(choice)
        await self._until(request["id"], lambda found: settled(found, request))
        self._messages[message.ts] = message
        return Seen(
            act=_ACTS[choice.verdict],
            title=f"the message that {self._world.name(APPROVER)} got",
            asked=asked,
        )

    @override
    async def told(self) -> list[str]:
        """What stands in each message, once what came of it is known."""
        lines = []
        for message in self._messages.values():

            async def look(message: Message = message) -> str:
                return _ended(message)

            lines.append(await soon(look, "the message does not say what came of it"))
        return lines

    async def _asked(self, request_id: str) -> Message:
        async def look() -> Message | None:
            asking = self._slack.asking(request_id, USER)
            fresh = (m for m in asking if _buttons(m, request_id) not in self._pressed)
            return next(fresh, None)

        found: Message = await soon(look, f"no message about {request_id} has arrived")
        return found

    async def _sent(self, choice: Choice) -> None:
        view = self._slack.modal(USER)
        if view is None:
            raise ValueError(f"no form was opened: {self._slack.told(USER)}")
        typed = {"text": choice.comment}
        for name, value in choice.changes.items():
            typed[_block(view, name)] = str(value)
        await self._slack.submit(view, typed)
        if view.errors:
            raise ValueError(f"the form was refused: {view.errors}")

    async def _until(self, request_id: str, done: Callable[[Any], bool]) -> None:
        async def look() -> bool:
            path = f"/api/v1/requests/{request_id}"
            return done(await self._world.call(APPROVER, "GET", path))

        await soon(look, f"{request_id} is not decided")


def _buttons(message: Message, request_id: str) -> str:
    """Those about a request, as they are drawn now."""
    return str([each for each in message.all_buttons() if request_id in str(each.get("value"))])


def _ended(message: Message) -> str:
    """The first lines of what came of it; "" while that is not known."""
    first, second, *more = [line for line in message.words().splitlines() if line]
    if several := re.fullmatch(r"Decided: (\d+) calls", first):
        ends = [line for line in (second, *more) if line.startswith(_OVER)]
        return f"{first}. {' '.join(ends)}" if len(ends) == int(several[1]) else ""
    return f"{first}. {second}" if first.startswith(_OVER) else ""


_OVER = ("✓ Approved and done", "✗", "?", "⊘")


def _block(view: View, name: str) -> str:
    """The input of an argument, by its label."""
    labels = {block: each["label"]["text"] for block, each in view.inputs().items()}
    words = in_words(name)
    fitting = [block for block, text in labels.items() if text.startswith(words)]
    if not fitting:
        raise ValueError(f"the form has no {words}: {labels}")
    return fitting[0]
