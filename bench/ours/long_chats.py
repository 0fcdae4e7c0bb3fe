"""A round trip in a long chat: approve, run the tool, and go on until the next request is stored.

The agents talk until `MESSAGES` are there, and then ask for the refund; once it is done they ask
again, and then they are finished. Timed is from the first vote to the second request. It runs on
other commits as well (`bench.lockstep`), so it names nothing of the product but `bench.ours`.
"""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

from bench.measure import require
from bench.ours import workflow_names, workflows
from bench.ours.stack import stack
from bench.payload import ANSWER, ARGUMENTS, CALL_ID, TASK, TOOL, Refunds

MESSAGES = int(os.environ.get("MESSAGES", "6"))
TALK = "The invoice names the order twice, which I will compare with the statement of account."


class TalkingClient(workflows.StubClient):
    """A model that talks, asks for the refund twice, and says that it is done."""

    def create(self, params: dict[str, Any]) -> Any:
        """The next step of the job."""
        messages = params["messages"]
        done = sum(message["role"] == "tool" for message in messages)
        if not done and len(messages) < MESSAGES:
            return _response(TALK)
        return _response(ANSWER if done == 2 else _call(done))

    async def a_create(self, params: dict[str, Any]) -> Any:
        """The same, for whoever awaits it."""
        return self.create(params)


# AutoGen finds a client by the name of its class.
TalkingClient.__name__ = workflows.StubClient.__name__


def _call(number: int) -> Any:
    arguments = json.dumps({**ARGUMENTS, "reason": f"double charge, part {number + 1}"})
    call = {
        "id": f"{CALL_ID}-{number}",
        "type": "function",
        "function": {"name": TOOL, "arguments": arguments},
    }
    return workflows._Message(role="assistant", content=None, function_call=None, tool_calls=[call])


def _response(message: Any) -> Any:
    return SimpleNamespace(
        choices=[message],
        cost=0.0,
        usage=workflows._USAGE,
        model="stub",
        message_retrieval_function=None,
    )


class LongChats:
    """The side of Countersign: round trips in chats of that length."""

    versions: ClassVar[dict[str, str]] = {}

    def __init__(self, ours: Any):
        self._ours = ours
        self._records = getattr(ours, "records", None) or ours.service  # an older name
        self._sessions: list[str] = []
        self._waiting: deque[Any] = deque()
        self._refunds = 0

    async def ready(self, _: str, n: int) -> None:
        """Bring sessions to their first request."""
        self._sessions = [await self._ours.start(workflow_names.GROUP, TASK) for _ in range(n)]
        self._waiting = deque(await self._ours.pending())
        require(len(self._waiting) == n, f"{len(self._waiting)} of {n} sessions wait")
        self._refunds = Refunds.done

    async def trip(self, _: int) -> None:
        """From the first vote to the second request."""
        request = self._waiting.popleft()
        await self._ours.approve(request)
        await self._ours.manager.run(request.session_id)

    async def done(self, _: str, n: int) -> None:
        """Every session waits again, and can be brought to its end."""
        require(Refunds.done - self._refunds == n, "not every refund ran once")
        again = await self._ours.pending()
        require({r.session_id for r in again} == set(self._sessions), "not all wait again")
        for request in again:
            await self._ours.approve(request)
            await self._ours.manager.run(request.session_id)
            session = await self._records.session(request.session_id)
            require((session.status, session.answer) == ("completed", ANSWER), "not at its end")


@asynccontextmanager
async def opened(database: Path) -> AsyncIterator[LongChats]:
    """The parts on this database, with agents that talk."""
    chats: Any = workflows
    chats.StubClient, group_chat = TalkingClient, chats.GroupChat

    def patient(agents: list[Any], **options: Any) -> Any:
        for agent in agents:
            agent.update_max_consecutive_auto_reply(MESSAGES)
        return group_chat(agents, **{**options, "max_round": MESSAGES + 12})

    chats.GroupChat = patient
    async with stack(database, workflow_names.GROUP) as ours:
        yield LongChats(ours)
