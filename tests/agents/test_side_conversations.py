"""Questions to real AutoGen agents beside their waiting chats, with a scripted model over HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from countersign import Registry
from countersign.agents.side_conversations import SideConversations
from countersign.agents.side_gate import SideLimits
from countersign.agents.tools.late_results import LateResults
from countersign.approvals.models import (
    Actor,
    Question,
    QuestionStatus,
    SessionStatus,
    StoredChat,
    Via,
)
from countersign.approvals.store import sessions as session_rows
from countersign.sandbox.openai import (
    Call,
    Conversation,
    Reply,
    Say,
    ToolCall,
)
from tests.agents.answers import EMPTY, MALFORMED
from tests.agents.people import MIA, SqliteOffice
from tests.agents.teams import GUARDED, Effects, Mode, pair, story, team
from tests.agents.world import Script, World, world

MANAGER = Actor(principal=MIA, via=Via.API, identity="token:mia")
TEXT = "Is that the right address?"


def asked(conversation: Conversation) -> str:
    """The last thing that was said to the agent, if it is a question beside the chat."""
    last = [m for m in conversation.messages if m["role"] == "user"][-1]
    content = str(last["content"])
    return content if "asks before that" in content else ""


def answering(answer: Callable[[Conversation], Reply], script: Script = story) -> Script:
    """`script`, whose agents answer questions with `answer`."""

    def reply(conversation: Conversation) -> Reply:
        return answer(conversation) if asked(conversation) else script(conversation)

    return reply


@asynccontextmanager
async def waiting(script: Script, path: Path, **options: Any) -> AsyncIterator[Desk]:
    """A session that waits with one call of the worker's."""
    effects: Effects = options.pop("effects", Effects())
    workflow = options.pop("workflow", None) or team(effects, mode=options.pop("mode", "async"))
    async with world(workflow, script, path=path, office="sqlite", guarded=GUARDED) as w:
        await w.start()
        assert (await w.run()).status is SessionStatus.WAITING
        yield Desk(w, effects, **options)


class Desk:
    """Asks, and has it answered by another process."""

    def __init__(self, w: World, effects: Effects, limits: SideLimits | None = None):
        assert isinstance(w.office, SqliteOffice)
        self.w, self.effects, self.office = w, effects, w.office
        self.limits = limits or SideLimits()

    async def ask(self, text: str = TEXT) -> Question:
        (request,) = await self.w.requests()
        found = await self.office.approvals.questions.ask(request.id, MANAGER, text)
        assert found is not None
        return found

    def asides(self, registry: Registry) -> SideConversations:
        domain = self.office.domain
        late = LateResults(domain.runs)
        return SideConversations(domain.answering, domain.runs, registry, late, limits=self.limits)

    async def answered(self, text: str = TEXT) -> Question:
        question = await self.ask(text)
        asides = self.asides(self.w.registry)
        await asides.answer(question.id)
        asides.close()
        return await self.office.records.question(question.id)

    async def chat(self) -> StoredChat | None:
        """What is stored of the chat, byte by byte."""
        return await self.office.store.read(  # type: ignore[no-any-return]
            lambda c: session_rows.chat(c, self.w.session_id)
        )


@pytest.mark.parametrize("mode", ["async", "sync"])
async def test_agent_answers_from_what_it_knows_and_its_session_stays_as_it_was(
    mode: Mode, tmp_path: Path
) -> None:
    """Twenty questions, some with look-ups, leave the snapshot byte-identical; then it goes on."""
    seen: list[Conversation] = []

    def answer(conversation: Conversation) -> Reply:
        seen.append(conversation)
        looked = conversation.messages[-1]["role"] == "tool"
        if "number 0" in asked(conversation) and not looked:
            return Call((ToolCall("look_up", {"name": "ceo"}, "side_1"),))
        found = conversation.messages[-1]["content"] if looked else "nothing"
        return Say(f"I wrote to the CEO; looked up: {found}")

    async with waiting(answering(answer), tmp_path, mode=mode) as desk:
        before, session = await desk.chat(), await desk.w.session()
        questions = [await desk.answered(f"{TEXT} number {n}") for n in range(10)]
        other = desk.asides(desk.w.new_registry())  # another process
        desk.w.processes += 1
        (request,) = await desk.w.requests()
        zoe = MANAGER.model_copy(update={"principal": MIA.model_copy(update={"id": "zoe"})})
        for n in range(10):
            question = await desk.office.approvals.questions.ask(
                request.id, zoe, f"number {n + 10}"
            )
            assert question is not None
            await other.answer(question.id)
        other.close()
        offered = set(seen[0].tools)
        told = json.dumps(seen[-1].messages)

        assert before == await desk.chat()
        assert session == await desk.w.session()
        assert {QuestionStatus.ANSWERED} == {each.status for each in questions}
        assert "I wrote to the CEO; looked up: ceo@corp.test" == questions[0].answer
        (call,) = questions[0].calls
        assert ("look_up", {"name": "ceo"}, True) == (call.tool, call.arguments, call.ran)
        assert {"look_up", "withdraw_proposal", "revise_proposal"} == offered
        assert "number 18" in told
        assert "number 12" not in told
        assert [] == desk.effects.of("send_email")
        assert desk.w.refused_by_model() == []
        await desk.office.approve((await desk.w.requests())[0])
        assert (await desk.w.run()).status is SessionStatus.WAITING
        assert ["ceo@acme.test"] == [a["to"] for a in desk.effects.of("send_email")]
        assert (await desk.office.records.verify()).verified


async def test_only_what_changes_nothing_is_run(tmp_path: Path) -> None:
    """A guarded call, a forbidden one, one that does not exist and one that does not fit."""
    wanted = (
        ToolCall("send_email", {"to": "x", "subject": "x", "body": "x", "rationale": "x"}, "a"),
        ToolCall("wipe", {"table": "all"}, "b"),
        ToolCall("nothing", {}, "c"),
        ToolCall("look_up", {"wrong": 1}, "d"),
    )

    def answer(conversation: Conversation) -> Reply:
        return Say("I cannot.") if conversation.messages[-1]["role"] == "tool" else Call(wanted)

    async with waiting(answering(answer), tmp_path) as desk:
        question = await desk.answered()

        assert (QuestionStatus.ANSWERED, "I cannot.") == (question.status, question.answer)
        assert [False] * 4 == [call.ran for call in question.calls]
        assert [] == desk.effects.done
        assert 1 == len(await desk.w.requests())
        assert desk.w.refused_by_model() == []


async def test_pair_answers_and_legacy_function_calls_are_answered(tmp_path: Path) -> None:
    async with waiting(
        answering(lambda _: Say("Yes.")), tmp_path, workflow=pair(Effects(), mode="async")
    ) as desk:
        assert "Yes." == (await desk.answered()).answer
        assert desk.w.refused_by_model() == []


def _loops(conversation: Conversation) -> Reply:
    return Call((ToolCall("look_up", {"name": "ceo"}, f"n{len(conversation.messages)}"),))


def _many(_: Conversation) -> Reply:
    return Call(tuple(ToolCall("look_up", {"name": "ceo"}, f"n{n}") for n in range(13)))


REFUSED_BY_SERVER: list[Reply] = []
"""Of which there is none: the server answers such a script with an error."""


@pytest.mark.parametrize(
    ("answer", "limits", "why"),
    [
        (_loops, {}, "came to no answer in 6 rounds"),
        (_many, {}, "more than 12 times"),
        (lambda _: Say("x" * 500), {"characters": 400}, "more than 400 characters"),
        (lambda _: EMPTY, {}, "said nothing"),
        (lambda _: REFUSED_BY_SERVER[0], {}, "answered HTTP 400"),
    ],
)
async def test_agent_that_does_not_answer_hands_over(
    answer: Callable[[Conversation], Reply], limits: dict[str, Any], why: str, tmp_path: Path
) -> None:
    """Bounds in rounds, calls and characters; no words; and errors that stay."""
    async with waiting(answering(answer), tmp_path, limits=SideLimits(**limits)) as desk:
        question = await desk.answered()

        assert QuestionStatus.HANDED_OVER is question.status
        assert why in question.why
        assert SessionStatus.WAITING is (await desk.w.session()).status


async def test_tool_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    """The bound in time; the question is answered by a person."""
    effects, release = Effects(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def hang(tool: str) -> None:
        if tool == "look_up":
            asyncio.run_coroutine_threadsafe(release.wait(), loop).result()

    effects.before = hang
    limits = SideLimits(seconds=0.3)
    async with waiting(answering(_loops), tmp_path, effects=effects, limits=limits) as desk:
        question = await desk.answered()
        release.set()

        assert "within 0.3 seconds" in question.why


async def test_model_that_is_away_is_asked_again_later(tmp_path: Path) -> None:
    async with waiting(answering(lambda _: MALFORMED["no choices"]), tmp_path) as desk:
        question = await desk.answered()

        assert QuestionStatus.OPEN is question.status


async def test_server_that_stops_leaves_the_question(tmp_path: Path) -> None:
    """What is under way is given back at once, and nothing more is begun."""
    loop, begun = asyncio.get_running_loop(), asyncio.Event()
    effects = Effects()

    def hang(tool: str) -> None:
        loop.call_soon_threadsafe(begun.set)

    effects.before = hang
    async with waiting(answering(_loops), tmp_path, effects=effects) as desk:
        question = await desk.ask()
        asides = desk.asides(desk.w.registry)
        task = asyncio.create_task(asides.answer(question.id))
        await begun.wait()
        asides.drain()
        await task
        await asides.answer(question.id)
        asides.close()
        side = await desk.office.domain.answering.begin(question.id)

        assert side is not None
        assert 1 == side.attempt


async def test_other_version_of_the_workflow_hands_over(tmp_path: Path) -> None:
    async with waiting(answering(lambda _: Say("Yes.")), tmp_path) as desk:
        registry = Registry(desk.w.context)
        registry.add(team(Effects(), max_round=29))
        question = await desk.ask()
        asides = desk.asides(registry)
        await asides.answer(question.id)
        asides.close()
        found = await desk.office.records.question(question.id)

        assert QuestionStatus.HANDED_OVER is found.status
        assert "began on version" in found.why
