"""A program of one's own as the approver's side of the demo: it is told by signed webhooks, lets
Alex decide, and brings back what they decided, signed as well."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx
from typing_extensions import override

from countersign.approvals.models import JsonObject, Verdict
from countersign.bot.demo.fronts import ApiFront, Front, Seen
from countersign.bot.demo.scenarios import APPROVER, Choice, Scenario
from countersign.bot.demo.told import Program
from countersign.bot.demo.world import ANSWER_TIMEOUT_S, World
from countersign.connectors.webhook.decisions import PATH

LOOK_EVERY_S = 0.05
_ACTS = {
    Verdict.APPROVE: "approves in that program, which brings it back signed",
    Verdict.REJECT: "rejects in that program, which brings it back signed",
    Verdict.MODIFY: "changes it in that program, which brings it back signed",
}
_ASKED_AS = ("created", "updated")
"""The events that ask: a new request, or one that is asked anew."""
_ENDS = ("executed", "decided")
_SHOWN = ("type", "request", "tool", "arguments", "rationale", "digest", "eligible", "expires_at")


class ProgramFront(Front):
    """The approver works in a program of one's own; the session is started by the API."""

    def __init__(self, world: World, program: Program):
        self._world, self._program, self._api = world, program, ApiFront(world)
        self._decided: list[str] = []

    @override
    async def start(self, scenario: Scenario) -> str:
        return await self._api.start(scenario)

    @override
    async def decide(self, request: dict[str, Any], choice: Choice) -> Seen:
        """Returns when the decision counts. Raises ValueError with the words of a refusal."""
        told = await self._until(lambda: self._asked(request), f"nothing of {request['id']}")
        body: JsonObject = {
            "request": told["request"],
            "digest": told["digest"],
            "verdict": choice.verdict,
            "actor": APPROVER,
            "comment": choice.comment,
        }
        if choice.verdict is Verdict.MODIFY:
            body["arguments"] = told["arguments"] | choice.changes
        answer = await self._bring(body)
        self._decided.append(request["id"])
        return Seen(
            act=_ACTS[choice.verdict],
            title=f"what the program that {self._world.name(APPROVER)} uses was told",
            asked=tuple(_lines(told)),
            answered=f"POST {PATH} answered: {answer['result']}",
        )

    @override
    async def told(self) -> list[str]:
        """The last event about each request."""
        lines = []
        for request_id in dict.fromkeys(self._decided):
            look = partial(self._end, request_id)
            data = await self._until(look, f"no end of {request_id}")
            lines.append(f"the program was told: {request_id} is {data['status']}")
        return lines

    def _asked(self, request: dict[str, Any]) -> dict[str, Any] | None:
        """What was told of this revision."""
        found = (d for kind in _ASKED_AS for d in self._program.about(request["id"], kind))
        return next((data for data in found if data["digest"] == request["digest"]), None)

    def _end(self, request_id: str) -> dict[str, Any] | None:
        ended = [data for kind in _ENDS for data in self._program.about(request_id, kind)]
        return next((data for data in ended if data["status"] not in _UNDER_WAY), None)

    async def _bring(self, body: JsonObject) -> dict[str, Any]:
        text = json.dumps(body)
        async with httpx.AsyncClient(timeout=ANSWER_TIMEOUT_S, trust_env=False) as http:
            headers = self._program.signed(text)
            response = await http.post(self._world.url + PATH, content=text, headers=headers)
        answer: dict[str, Any] = response.json()
        if response.is_error:
            raise ValueError(f"POST {PATH}: {answer.get('detail', response.status_code)}")
        return answer

    async def _until(self, look: Callable[[], Any], otherwise: str) -> dict[str, Any]:
        """The first true answer of `look`. Raises ValueError if there is none in time."""
        deadline = time.monotonic() + ANSWER_TIMEOUT_S
        while time.monotonic() < deadline:
            if found := look():
                answer: dict[str, Any] = found
                return answer
            await asyncio.sleep(LOOK_EVERY_S)
        raise ValueError(f"{otherwise} was told to the program")


_UNDER_WAY = ("pending", "approved", "executing")


def _lines(told: JsonObject) -> list[str]:
    shown = {name: told[name] for name in _SHOWN if told.get(name) is not None}
    return json.dumps(shown, indent=2, ensure_ascii=False).splitlines()
