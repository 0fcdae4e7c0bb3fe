"""State is stored and restored exactly, a used chat becomes like new, and nothing leaks."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from countersign import ApprovalProxy, SessionManager
from countersign.agents.classic.built import BuiltChat
from countersign.agents.classic.usage import unpack
from countersign.approvals.errors import IntegrityError
from countersign.approvals.models import RequestStatus, SessionStatus, StoredChat
from countersign.sandbox.openai import (
    Call,
    Conversation,
    Reply,
    Say,
    ToolCall,
)
from tests.agents.people import FakeOffice
from tests.agents.state import deep_state, remembered
from tests.agents.teams import GUARDED, Effects, Mode, pair, story, team
from tests.agents.world import World, world

MAIL = {"to": "bob@x.test", "subject": "Hi", "body": "Hello"}


class Watched(SessionManager):
    """Keeps what a chat was like when its run paused."""

    seen: dict[str, Any]
    built: BuiltChat

    async def _chat(self, run: Any, chat: Any, gate: Any) -> Any:
        built = self.built = chat.built
        _scribble(built)
        try:
            return await super()._chat(run, chat, gate)
        finally:
            self.seen = json.loads(json.dumps(remembered(built, built.group)))


def _scribble(built: BuiltChat) -> None:
    """What a workflow may do to its agents while it runs."""
    for agent in built.chat.agents:
        agent.context_variables.set("seen", [agent.name])
    worker = next(a for a in built.chat.agents if a.name == "worker")
    worker.notes = ["ä", {"n": 1}]  # type: ignore[attr-defined]
    worker.update_system_message("You are worker, today is Monday")
    worker.update_max_consecutive_auto_reply(7, built.chat.agents[0])


async def _paused(w: World, flow_registry: Any) -> Watched:
    manager = Watched(w.office.runs, flow_registry)
    await manager.run(w.session_id)
    return manager


@pytest.mark.parametrize("mode", ["async", "sync"])
@pytest.mark.parametrize("shape", ["round_robin", "auto", "custom", "pair"])
async def test_a_paused_chat_is_restored_exactly(shape: str, mode: Mode, tmp_path: Path) -> None:
    """Every history, counter, limit, context variable, usage and changed attribute."""
    effects = Effects()
    flow = (
        pair(effects, mode=mode) if shape == "pair" else team(effects, selection=shape, mode=mode)
    )
    async with world(flow, story, path=tmp_path, guarded=GUARDED) as w:
        await w.start()
        paused = await _paused(w, w.new_registry())
        stored = w.office.runs.stored(w.session_id)
        async with w.new_registry().borrow(flow.name) as fresh:
            fresh.restore(stored)
            restored = json.loads(json.dumps(remembered(fresh, fresh.group)))
            again = fresh.state("gatekeeper", 0)

        assert restored == paused.seen
        assert json.loads(again.snapshot) == json.loads(stored.snapshot)


async def test_a_pause_is_small(tmp_path: Path) -> None:
    """At most 700 bytes at the second message of a chat with two agents and its tools."""
    script: Any = lambda _: Call((ToolCall("send_email", MAIL),))  # noqa: E731
    async with world(pair(Effects()), script, path=tmp_path, guarded=GUARDED) as w:
        await w.start()
        await w.run()
        size_bytes = len(w.office.runs.snapshots[w.session_id].encode())

        assert size_bytes <= 700


@pytest.mark.parametrize("mode", ["async", "sync"])
@pytest.mark.parametrize("shape", ["round_robin", "auto", "custom", "pair"])
async def test_a_used_chat_is_reset_to_what_it_was_when_built(
    shape: str, mode: Mode, tmp_path: Path
) -> None:
    """Compared over everything that can be reached, after a pause and after a whole session."""
    effects = Effects()
    flow = (
        pair(effects, mode=mode) if shape == "pair" else team(effects, selection=shape, mode=mode)
    )

    def script(conversation: Conversation) -> Reply:
        reply = story(conversation)
        return Say("End. TERMINATE") if shape == "pair" and isinstance(reply, Say) else reply

    async with world(flow, script, path=tmp_path, guarded=GUARDED) as w:
        registry = w.new_registry()
        (built,) = registry._idle[flow.name][0].chats
        as_built = deep_state(built)
        await w.start()
        manager = await _paused(w, registry)
        assert manager.built is built
        assert deep_state(built) == as_built

        await w.office.approve((await w.requests())[0])
        await manager.run(w.session_id)
        for request in await w.requests():
            if request.status is RequestStatus.PENDING:
                await w.office.approve(request)
        await manager.run(w.session_id)

        assert (await w.session()).status is SessionStatus.COMPLETED
        assert registry._idle[flow.name] == [built]
        assert deep_state(built) == as_built


async def test_the_reset_test_sees_what_is_left_behind(tmp_path: Path) -> None:
    """The comparison itself is not blind: a used chat does differ before its reset."""
    async with world(team(Effects()), story, path=tmp_path, guarded=GUARDED) as w:
        registry = w.new_registry()
        async with registry.borrow("team") as built:
            as_built = deep_state(built)
            _scribble(built)
            built.chat.agents[0]._oai_messages[built.chat.agents[1]].append({"content": "x"})
            assert deep_state(built) != as_built
            built.reset()

            assert deep_state(built) == as_built


async def test_interleaved_sessions_through_one_pool_do_not_meet(tmp_path: Path) -> None:
    """Two different sessions take turns in the same chats: each ends as if it were alone."""

    def script(conversation: Conversation) -> Reply:
        secret = "ALPHA" if "ALPHA" in str(conversation.messages) else "BETA"
        other = {"ALPHA": "BETA", "BETA": "ALPHA"}[secret]
        assert other not in str(conversation.messages)
        if "You are planner" in conversation.agent:
            return Say("PLAN")
        n = len(conversation.tool_results)
        if n == (1 if secret == "ALPHA" else 2):
            return Say(f"{secret} done TERMINATE")
        return Call((ToolCall("send_email", {**MAIL, "body": f"{secret} {n}"}),))

    effects = Effects()
    async with world(team(effects), script, path=tmp_path, guarded=GUARDED) as w:
        registry = w.new_registry()
        (built,) = registry._idle["team"][0].chats
        manager = SessionManager(w.office.runs, registry)
        sessions = []
        for secret in ("ALPHA", "BETA"):
            await w.start(f"the word is {secret}")
            sessions.append(w.session_id)
        for _ in range(3):
            for session_id in sessions:
                w.session_id = session_id
                await manager.run(session_id)
                for request in await w.requests():
                    if request.status is RequestStatus.PENDING:
                        await w.office.approve(request)
        await asyncio.gather(*(manager.run(session_id) for session_id in sessions))
        assert isinstance(w.office, FakeOffice)
        stored: list[Any] = [json.loads(w.office.runs.snapshots[s]) for s in sessions]  # type: ignore[index]
        totals: list[Any] = [unpack(s["usage"]["2"][0]) for s in stored]
        usage = [total["gpt-4o"]["prompt_tokens"] for total in totals]

        assert registry._idle["team"] == [built]
        assert [w.office.runs.sessions[s].answer for s in sessions] == ["ALPHA done", "BETA done"]  # type: ignore[index]
        assert [a["body"] for a in effects.of("send_email")] == ["ALPHA 0", "BETA 0", "BETA 1"]
        assert "BETA" not in json.dumps(stored[0])
        assert "ALPHA" not in json.dumps(stored[1])
        assert usage[0] < usage[1]


async def test_a_chat_that_broke_is_not_used_again(tmp_path: Path) -> None:
    """Nobody knows what state it is in."""

    async with world(team(Effects()), story, path=tmp_path) as w:
        registry = w.new_registry()
        (built,) = registry._idle["team"][0].chats
        built.chat.recipient.register_reply(ApprovalProxy, _explode)
        manager = SessionManager(w.office.runs, registry)
        await w.start()
        await manager.run(w.session_id)

        assert (await w.session()).status is SessionStatus.FAILED
        assert registry._idle["team"] == []


def _explode(*_: Any, **__: Any) -> Any:
    raise ZeroDivisionError("broken agent")


async def test_a_snapshot_of_other_agents_is_refused(tmp_path: Path) -> None:
    """The workflow was changed under a waiting session."""
    async with world(team(Effects()), story, path=tmp_path, guarded=GUARDED) as w:
        await w.start()
        await w.run()
        state = json.loads(w.office.runs.snapshots[w.session_id])
        async with w.new_registry().borrow("team") as built:
            for change in (
                {"v": 5},
                {"before": 1},
                {"of": "0" * 8},
                {"v": 1, "agents": ["a", "b"]},
            ):
                with pytest.raises(IntegrityError):
                    built.restore(StoredChat(json.dumps(state | change)))


async def test_a_lone_surrogate_does_not_break_the_store(tmp_path: Path) -> None:
    """Models write them; in the chat they stay, escaped, and elsewhere they are replaced."""
    script: Any = lambda _: Call((ToolCall("send_email", MAIL),), "broken \ud83d emoji\x00")  # noqa: E731
    async with world(pair(Effects()), script, path=tmp_path, guarded=GUARDED, office="sqlite") as w:
        await w.start()
        assert (await w.run()).status is SessionStatus.WAITING
        (request,) = await w.requests()
        await w.office.approve(request)

        assert "\ud83d" in (await w.messages())[1]["content"]
        assert request.rationale == "broken ? emoji\N{REPLACEMENT CHARACTER}"
