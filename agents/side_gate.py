"""The gate of a side conversation: an agent that is asked something may look things up.

Only what changes nothing is run, and only where a rule lets it run without people. It is not a
request of the session: what was called, and what came of it, stands with the question.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from countersign.agents import second_thoughts
from countersign.agents.calls import AnsweredCall, AskedCall, Call, read_calls
from countersign.agents.lanes import Lane, Slot
from countersign.agents.leases import Lease
from countersign.agents.ports import PausableChat, Runner
from countersign.agents.preparation import Preparation
from countersign.agents.second_thoughts import TAKE_BACK
from countersign.agents.tools.execution import execute
from countersign.agents.tools.permit import SealedTool
from countersign.approvals.decisions.answering import NOT_READ_ONLY, Answering, Side
from countersign.approvals.decisions.second_thoughts import SecondThought
from countersign.approvals.errors import CountersignError
from countersign.approvals.forms.wording import cut_visibly
from countersign.approvals.models import JsonObject, LookUp, Request, Value
from countersign.approvals.runs import Runs

TOOL_S = 20.0
"""A look-up that takes longer is given up."""


class CannotAnswerError(CountersignError):
    """The agent cannot answer, and why; its text is for people."""


class SideLimits(Value):
    """How much a side conversation may take. Far above what useful ones do."""

    rounds: int = 6
    """Answers of the model, those with calls among them."""
    calls: int = 12
    characters: int = 60_000
    """Of all that the model and the tools say."""
    tool_characters: int = 8_000
    """Of what one call returns."""
    seconds: float = 60.0


DEFAULT_SIDE_LIMITS = SideLimits()
SHOWN = 500
"""Characters of what a call returned that stand with the question."""


@dataclass(frozen=True)
class Exchange:
    """A question to the agent, by whom, and its answer if it has one."""

    asker: str
    text: str
    answer: str = ""


class SideGate:
    """Runs what an agent looks up in one attempt to answer a question."""

    def __init__(
        self,
        answering: Answering,
        runs: Runs,
        side: Side,
        lease: Lease,
        chat: PausableChat,
        lane: Lane,
        slot: Slot,
        limits: SideLimits,
    ):
        self._answering, self._runs, self._side = answering, runs, side
        self._lease, self._chat, self._lane, self.limits = lease, chat, lane, limits
        self._preparation = Preparation(runs, lease, chat, lane, slot)
        self._characters = 0
        self._about = second_thoughts.offered(side.request, self._schemas())
        self.look_ups: list[LookUp] = []
        self.thought: SecondThought | None = None
        """What the agent came to beside answering; it ends the conversation."""

    def tools_of(self, agent: str) -> frozenset[str]:
        """What this agent may look things up with."""
        offered = self._chat.offered.get(agent, frozenset())
        return frozenset(
            tool
            for tool in offered
            if self._answering.is_read_only(tool) and self._runner(tool) is not None
        )

    def about_the_proposal(self) -> dict[str, tuple[str, JsonObject]]:
        """What the agent may do about its proposal: by name, what it does and what it takes."""
        request = self._side.request
        return {
            name: (second_thoughts.described(name, request), schema)
            for name, schema in self._about.items()
        }

    def spend(self, characters: int) -> None:
        """Count what was said. Raises CannotAnswerError when it is too much."""
        self._characters += characters
        if self._characters > self.limits.characters:
            raise CannotAnswerError(
                f"It came to more than {self.limits.characters:,} characters without an answer."
            )

    async def answer(self, asked: Sequence[AskedCall], agent: str) -> list[AnsweredCall]:
        """Every call of a message with what came of it, in order. Raises CannotAnswerError for too
        many of them."""
        calls = read_calls(asked, 0, {**self._schemas(), **self._about}, {})
        answered = []
        for call in calls:
            if self.thought is not None:
                answered.append(AnsweredCall(call, f"Not run: {call.tool} came after the end."))
                continue
            if call.tool in self._about:
                answered.append(AnsweredCall(call, await self._think(call, agent)))
                continue
            if len(self.look_ups) >= self.limits.calls:
                raise CannotAnswerError(
                    f"It wanted to look up more than {self.limits.calls} times."
                )
            ran, text = await self._looked_up(call, agent)
            text = cut_visibly(text, self.limits.tool_characters)
            shown = cut_visibly(text, SHOWN)
            self.look_ups.append(
                LookUp(tool=call.tool, arguments=call.arguments, ran=ran, text=shown)
            )
            self.spend(len(text))
            answered.append(AnsweredCall(call, text))
        return answered

    async def _think(self, call: Call, agent: str) -> str:
        """Take in a second thought, or say why it is none."""
        if call.problem is not None:
            return f"Nothing was changed: {call.problem}"
        reason = str(call.arguments["reason"])
        if call.tool == TAKE_BACK:
            self.thought = SecondThought(reason)
            return "Taken back."
        request = self._side.request
        runner = next((r for r in self._chat.runners if r.name == request.executor), None)
        if runner is None or request.tool not in runner.function_map:
            return f"Nothing was changed: {request.executor} no longer has {request.tool}."
        asked = AskedCall(request.tool, call.arguments["arguments"], None, reason)
        (instead,) = read_calls([asked], 0, self._schemas(), {})
        proposal = await self._preparation.proposal(runner, instead, agent)
        against = proposal.problem or proposal.unmet
        against = against or await self._answering.reason_against(self._side, proposal)
        if against is not None:
            return f"Nothing was changed: {against}"
        self.thought = SecondThought(reason, proposal)
        return "People are asked about it anew."

    async def _looked_up(self, call: Call, agent: str) -> tuple[bool, str]:
        runner = self._runner(call.tool)
        if call.problem is not None or runner is None:
            return False, f"Not run: {call.problem or NOT_READ_ONLY}"
        if call.tool not in self.tools_of(agent):  # before any code of the workflow's is run
            return False, f"Not run: {NOT_READ_ONLY}"
        proposal = await self._preparation.proposal(runner, call, agent)
        request = await self._answering.let_run(self._side, proposal)
        if isinstance(request, str):
            return False, f"Not run: {request}"
        return await self._run(runner, request)

    async def _run(self, runner: Runner, request: Request) -> tuple[bool, str]:
        tool = runner.function_map.get(request.tool)
        if not isinstance(tool, SealedTool):
            return False, f"Not run: {runner.name} no longer has the tool {request.tool}."
        limit_s = min(TOOL_S, self._runs.time_limit_s(self._side.session, request))
        outcome = await execute(
            tool,
            request,
            self._lane.tools,
            self._lease.require,
            validators=self._lane.arguments,
            harmless=runner.harmless_of(request.tool),
            limit_s=limit_s,
        )
        if outcome.breach is not None:
            raise outcome.breach
        return outcome.ok, outcome.content

    def _runner(self, tool: str) -> Runner | None:
        return next((each for each in self._chat.runners if tool in each.function_map), None)

    def _schemas(self) -> Mapping[str, dict[str, object]]:
        return {name: tool.schema for name, tool in self._chat.tools.items()}
