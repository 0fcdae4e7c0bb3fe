"""Runs and their ends: leases, tool errors, an unreachable model, and chats outside a session."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from autogen import ConversableAgent

from countersign import ApprovalProxy, Registry, SessionManager
from countersign.approvals.errors import LostLeaseError, RefusedError, UnavailableError
from countersign.approvals.models import RequestStatus, SessionStatus
from countersign.sandbox.openai import (
    Call,
    Conversation,
    Reply,
    Say,
    ToolCall,
)
from tests.agents.people import FakeOffice
from tests.agents.teams import GUARDED, Effects, Mode, calls_then, pair, story, team
from tests.agents.world import world

MAIL = {"to": "bob@x.test", "subject": "Hi", "body": "Hello"}
MODES = pytest.mark.parametrize("mode", ["async", "sync"])


@MODES
async def test_outside_a_session_every_tool_is_refused(mode: Mode, tmp_path: Path) -> None:
    """Also one that policy would allow: without a session nothing can be recorded."""
    effects = Effects()
    script = calls_then(ToolCall("look_up", {"name": "bob"}))
    async with world(pair(effects, mode=mode), script, path=tmp_path) as w:
        async with w.registry.borrow("pair") as built:
            gate, worker = built.chat.starter, built.chat.recipient
            if mode == "async":
                chat = gate.a_initiate_chat(worker, message="go", silent=True)
            else:
                chat = asyncio.to_thread(gate.initiate_chat, worker, message="go", silent=True)
            with pytest.raises(RefusedError, match="only inside a Countersign session"):
                await chat

        assert effects.done == []


async def test_outside_a_session_no_person_is_asked(tmp_path: Path) -> None:
    """There is nobody at the console of a server."""
    proxy = ApprovalProxy("gate")
    with pytest.raises(RefusedError, match="questions of gate"):
        await proxy.a_get_human_input("?")
    with pytest.raises(RefusedError, match="questions of gate"):
        proxy.get_human_input("?")


async def test_a_used_proxy_is_outside_again(tmp_path: Path) -> None:
    """After its run the chat in the pool has no gate any more."""
    async with world(team(Effects()), story, path=tmp_path, guarded=GUARDED) as w:
        registry = w.new_registry()
        await w.start()
        await SessionManager(w.office.runs, registry).run(w.session_id)
        (built,) = registry._idle["team"][0].chats

        with pytest.raises(RefusedError):
            await built.proxies[0].a_get_human_input("?")


@pytest.mark.parametrize("status", [429, 500, 503])
@MODES
async def test_an_unreachable_model_parks_the_session(
    mode: Mode, status: int, office: str, tmp_path: Path
) -> None:
    """Nothing is lost: it goes on where it was, and no tool runs again."""
    effects = Effects()
    async with world(
        team(effects, mode=mode), story, path=tmp_path, office=office, guarded=GUARDED
    ) as w:
        await w.start()
        await w.run()
        await w.office.approve((await w.requests())[0])
        w.model.faults.fail(status)
        registry = w.new_registry()
        _ask_once(registry)
        await SessionManager(w.office.runs, registry).run(w.session_id)

        assert (await w.session()).status is SessionStatus.RUNNING
        assert len(effects.done) == 1
        await w.office.lose_owner(w.session_id)  # time passes

        assert (await w.run()).status is SessionStatus.WAITING
        assert len(effects.done) == 1


def _ask_once(registry: Registry) -> None:
    """Switch off the client's own retries, which take seconds."""
    (built,) = registry._idle["team"][0].chats
    for agent in built.chat.agents:
        if agent.client is not None:
            agent.client._clients[0]._oai_client.max_retries = 0  # type: ignore[attr-defined]


async def test_a_model_that_is_not_there_parks_the_session(tmp_path: Path) -> None:
    """No server at all."""
    async with world(team(Effects()), story, path=tmp_path) as w:
        w.context.llm_config["config_list"][0]["base_url"] = "http://127.0.0.1:9/v1"
        await w.start()
        registry = w.new_registry()
        _ask_once(registry)
        await SessionManager(w.office.runs, registry).run(w.session_id)

        assert (await w.session()).status is SessionStatus.RUNNING
        assert isinstance(w.office, FakeOffice)
        assert w.office.runs.parked == ["The language model cannot be reached."]


async def test_a_refused_key_fails_the_session_and_names_the_fix(tmp_path: Path) -> None:
    """Trying again would not help."""
    async with world(team(Effects()), story, path=tmp_path) as w:
        w.context.llm_config["config_list"][0]["api_key"] = "sk-wrong-secret"
        w.registry = w.new_registry()
        await w.start()
        failed = await w.run()

        assert failed.status is SessionStatus.FAILED
        assert "Set a valid OPENAI_API_KEY" in str(failed.error)
        assert "secret" not in str(failed.error)


async def test_a_session_waits_for_its_workflow_to_come_back(tmp_path: Path) -> None:
    """It was removed while the session waited; nothing is given up for that."""
    async with world(team(Effects()), story, path=tmp_path, guarded=GUARDED) as w:
        await w.start()
        await SessionManager(w.office.runs, Registry(w.context)).run(w.session_id)
        parked = await w.session()

        assert isinstance(w.office, FakeOffice)
        assert parked.status is SessionStatus.RUNNING
        assert "There is no workflow 'team'. Known: none." in w.office.runs.parked[-1]


async def test_a_session_does_not_go_on_in_a_changed_workflow(tmp_path: Path) -> None:
    """What was approved in one chat does not run in another."""
    effects = Effects()
    async with world(team(effects), story, path=tmp_path, guarded=GUARDED) as w:
        await w.start()
        await w.run()
        await w.office.approve((await w.requests())[0])
        registry = Registry(w.context)
        registry.add(team(effects, max_round=29))
        await SessionManager(w.office.runs, registry).run(w.session_id)
        parked = await w.session()

        assert isinstance(w.office, FakeOffice)
        assert parked.status is SessionStatus.RUNNING
        assert "began on version 1+" in w.office.runs.parked[-1]
        assert effects.done == []


@MODES
async def test_a_lost_lease_stops_the_run_before_the_tool(mode: Mode, tmp_path: Path) -> None:
    """Another process took the session between claim and tool, which a renewal found out.

    That the lease may have run out meanwhile is told by the clock: see `test_lease_keeper`.
    """
    effects = Effects()
    script = calls_then(ToolCall("send_email", MAIL))
    async with world(pair(effects, mode=mode), script, path=tmp_path, guarded=GUARDED) as w:
        await w.start()
        await w.run()
        await w.office.approve((await w.requests())[0])
        assert isinstance(w.office, FakeOffice)
        runs = w.office.runs
        claim, manager = runs.claim, SessionManager(runs, w.new_registry())  # type: ignore[arg-type]

        async def claim_and_lose(*args: Any) -> Any:
            claimed = await claim(*args)
            runs.steal(w.session_id)  # type: ignore[arg-type]
            await manager.leases.renew_now()
            return claimed

        runs.claim = claim_and_lose  # type: ignore[method-assign,assignment]
        await manager.run(w.session_id)

        assert effects.done == []
        assert (await w.session()).status is SessionStatus.RUNNING


@MODES
async def test_nothing_of_a_batch_runs_while_one_of_it_waits(mode: Mode, tmp_path: Path) -> None:
    """Not even on a store that would let the allowed call go ahead."""
    effects = Effects()
    script = calls_then(ToolCall("look_up", {"name": "bob"}), ToolCall("send_email", MAIL))
    async with world(pair(effects, mode=mode), script, path=tmp_path, guarded=GUARDED) as w:
        await w.start()
        assert isinstance(w.office, FakeOffice)
        runs = w.office.runs
        submit = runs.submit

        async def keep_the_lease(*args: Any, **kwargs: Any) -> Any:
            requests = await submit(*args, **kwargs)
            runs.leased.add(w.session_id)  # type: ignore[arg-type]
            return requests

        runs.submit = keep_the_lease  # type: ignore[method-assign]
        await w.run()

        assert effects.done == []
        assert runs.log == ["submit"]


async def test_a_run_that_learns_of_its_loss_writes_nothing_more(tmp_path: Path) -> None:
    """The renewal finds the lease gone while the model thinks: no submit after that."""
    thinking = asyncio.Event()
    go_on = asyncio.Event()

    async def script(_: Conversation) -> Reply:
        thinking.set()
        await go_on.wait()
        return Call((ToolCall("send_email", MAIL),))

    async with world(pair(Effects()), script, path=tmp_path, guarded=GUARDED) as w:  # type: ignore[arg-type]
        await w.start()
        assert isinstance(w.office, FakeOffice)
        runs = w.office.runs
        manager = SessionManager(runs, w.new_registry())  # type: ignore[arg-type]
        running = asyncio.create_task(manager.run(w.session_id))
        await thinking.wait()

        async def all_lost(held: Any) -> Any:
            return frozenset(run.session.id for run in held)

        runs.renew = all_lost  # type: ignore[method-assign,assignment]
        await manager.leases.renew_now()
        go_on.set()
        await running

        assert runs.log == []
        assert runs.requests == {}


async def test_leases_are_renewed_while_runs_live_and_only_then(tmp_path: Path) -> None:
    """A waiting session has no task; an unreachable store does not end a run."""
    thinking, go_on = asyncio.Event(), asyncio.Event()

    async def script(_: Conversation) -> Reply:
        thinking.set()
        await go_on.wait()
        return Say("Done. TERMINATE")

    async with world(pair(Effects()), script, path=tmp_path) as w:  # type: ignore[arg-type]
        await w.start()
        assert isinstance(w.office, FakeOffice)
        runs, renewed = w.office.runs, asyncio.Event()
        renew = runs.renew

        async def unreachable(_: Any) -> Any:
            runs.renew = watched  # type: ignore[method-assign,assignment]
            raise UnavailableError("the disk is full")

        async def watched(held: Any) -> Any:
            renewed.set()
            return await renew(held)

        runs.renew = unreachable  # type: ignore[method-assign,assignment]
        runs.lease_s = 0.003
        manager = SessionManager(runs, w.new_registry(), clock_s=lambda: 0.0)  # type: ignore[arg-type]
        before = asyncio.all_tasks()
        running = asyncio.create_task(manager.run(w.session_id))
        await thinking.wait()
        await asyncio.wait_for(renewed.wait(), 10)
        go_on.set()
        await running
        await asyncio.sleep(0)

        assert (await w.session()).status is SessionStatus.COMPLETED
        assert {t for t in asyncio.all_tasks() if "lease" in t.get_name()} <= before


@MODES
async def test_a_cancelled_run_leaves_its_tool_in_doubt(mode: Mode, tmp_path: Path) -> None:
    """The process stops while the tool runs: nobody says that it did, or that it did not."""
    effects = Effects()
    inside, release = threading.Event(), threading.Event()

    def hold(_: str) -> None:
        inside.set()
        release.wait(10)

    script = calls_then(ToolCall("send_email", MAIL))
    async with world(pair(effects, mode=mode), script, path=tmp_path, guarded=GUARDED) as w:
        await w.start()
        await w.run()
        await w.office.approve((await w.requests())[0])
        effects.before = hold
        async with SessionManager(w.office.runs, w.new_registry()) as manager:
            running = asyncio.create_task(manager.run(w.session_id))
            await asyncio.to_thread(inside.wait, 10)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            release.set()
        assert (await w.requests())[0].status is RequestStatus.EXECUTING
        await w.office.lose_owner(w.session_id)
        await w.run()
        (text,) = await w.tool_texts()

        assert json.loads(text)["cause"] == "in_doubt"
        assert len(effects.of("send_email")) <= 1


async def test_changed_history_is_not_continued(tmp_path: Path) -> None:
    """The stored state and the stored requests have to be of one chat."""
    effects = Effects()
    async with world(team(effects), story, path=tmp_path, guarded=GUARDED) as w:
        await w.start()
        await w.run()
        await w.office.approve((await w.requests())[0])
        assert isinstance(w.office, FakeOffice)
        stored = w.office.runs.snapshots
        stored[w.session_id] = stored[w.session_id].replace("ceo@acme", "eve@acme")  # type: ignore[index]
        failed = await w.run()

        assert failed.status is SessionStatus.FAILED
        assert "are not the calls of the restored chat" in str(failed.error)
        assert effects.done == []


async def test_a_changed_request_does_not_run(tmp_path: Path) -> None:
    """A store that hands out other arguments than those signed meets the second lock."""
    effects = Effects()
    script = calls_then(ToolCall("send_email", MAIL))
    async with world(pair(effects), script, path=tmp_path, guarded=GUARDED) as w:
        await w.start()
        await w.run()
        await w.office.approve((await w.requests())[0])
        assert isinstance(w.office, FakeOffice)
        runs = w.office.runs
        claim = runs.claim

        async def tampered(*args: Any) -> Any:
            request = await claim(*args)
            return request.model_copy(update={"arguments": {**MAIL, "to": "eve@x.test"}})

        runs.claim = tampered  # type: ignore[method-assign,assignment]
        failed = await w.run()

        assert effects.done == []
        assert failed.status is SessionStatus.FAILED
        assert "not what was approved" in str(failed.error)
        assert (await w.requests())[0].status is RequestStatus.FAILED


async def test_sessions_run_side_by_side_up_to_a_limit(tmp_path: Path) -> None:
    """The third waits for a slot."""
    arrived, go_on = asyncio.Queue[int](), asyncio.Event()

    async def script(_: Conversation) -> Reply:
        arrived.put_nowait(1)
        await go_on.wait()
        return Say("Done. TERMINATE")

    async with world(pair(Effects()), script, path=tmp_path) as w:  # type: ignore[arg-type]
        manager = SessionManager(w.office.runs, w.new_registry(), at_once=2)
        tasks = []
        for _ in range(3):
            await w.start()
            tasks.append(asyncio.create_task(manager.run(w.session_id)))
        await arrived.get()
        await arrived.get()
        assert isinstance(w.office, FakeOffice)
        assert len(w.office.runs.leased) == 2
        assert manager.free_slots() == 0
        go_on.set()
        await asyncio.gather(*tasks)
        assert manager.free_slots() == 2
        manager.drain()
        assert manager.free_slots() == 0

        assert {s.status for s in w.office.runs.sessions.values()} == {SessionStatus.COMPLETED}


async def test_progress_tells_the_thread_what_happens(tmp_path: Path) -> None:
    """Each line once, over all processes; the answer is not among them."""
    async with world(team(Effects()), story, path=tmp_path, guarded=GUARDED) as w:
        await w.start()
        await w.run()
        await w.office.reject((await w.requests())[0], "not now")
        await w.run()
        assert isinstance(w.office, FakeOffice)

        assert w.office.runs.progress == [
            "**planner**: PLAN: worker, go on (0 done)",
            "**worker** proposes send_email",
            "**planner**: PLAN: worker, go on (1 done)",
            "**worker** proposes update_crm, look_up, send_email",
        ]


async def test_the_model_is_asked_for_a_reason_where_people_decide(tmp_path: Path) -> None:
    """The rationale is in the schemas that the model sees, and not in what the tool takes."""
    seen: dict[str, Any] = {}

    def script(conversation: Conversation) -> Reply:
        for tool in conversation.body["tools"]:
            seen[tool["function"]["name"]] = tool["function"]["parameters"]
        return Say("Done. TERMINATE")

    async with world(pair(Effects()), script, path=tmp_path) as w:
        registry = Registry(w.context, needs_rationale=lambda tool: tool in GUARDED)
        registry.add(w.workflow)
        await w.start()
        await SessionManager(w.office.runs, registry).run(w.session_id)

        assert "rationale" in seen["send_email"]["required"]
        assert seen["send_email"]["properties"]["rationale"]["type"] == "string"
        assert "rationale" not in seen["look_up"]["properties"]
        assert "rationale" not in str(registry.schema("pair", "send_email"))


async def test_an_agent_cannot_read_the_console(tmp_path: Path) -> None:
    """Whatever a chat holds, `input()` is refused inside a session."""

    def asks(agent: ConversableAgent, **_: Any) -> Any:
        return True, ConversableAgent.get_human_input(agent, "password?")

    async with world(pair(Effects()), story, path=tmp_path) as w:
        registry = w.new_registry()
        (built,) = registry._idle["pair"][0].chats
        built.chat.recipient.register_reply(ApprovalProxy, asks)
        await w.start()
        await SessionManager(w.office.runs, registry).run(w.session_id)
        failed = await w.session()

        assert failed.status is SessionStatus.FAILED
        assert "Only an ApprovalProxy can ask people" in str(failed.error)


async def test_a_store_that_is_away_is_not_swallowed(tmp_path: Path) -> None:
    """The job comes again; the lease runs out by itself."""
    async with world(pair(Effects()), story, path=tmp_path, guarded=GUARDED) as w:
        await w.start()

        async def away(*_: Any, **__: Any) -> Any:
            raise UnavailableError("the disk is full")

        w.office.runs.submit = away
        with pytest.raises(UnavailableError):
            await w.run()


async def test_a_session_that_was_cancelled_is_left_alone(tmp_path: Path) -> None:
    """Its next write is refused, and that is all."""
    async with world(pair(Effects()), story, path=tmp_path, guarded=GUARDED) as w:
        await w.start()

        async def closed(*_: Any, **__: Any) -> Any:
            raise LostLeaseError("cancelled")

        w.office.runs.submit = closed
        await w.run()

        assert (await w.session()).status is SessionStatus.RUNNING


async def test_a_sync_chat_on_the_event_loop_is_told_so(tmp_path: Path) -> None:
    """Waiting there would stop the whole server."""

    def blocking(agent: ConversableAgent, sender: Any = None, **_: Any) -> Any:
        sender.generate_reply(messages=[_MESSAGE], sender=agent)
        return True, "never"

    async with world(pair(Effects()), story, path=tmp_path, guarded=GUARDED) as w:
        registry = w.new_registry()
        (built,) = registry._idle["pair"][0].chats
        built.chat.recipient.register_reply(ApprovalProxy, blocking)
        await w.start()
        await SessionManager(w.office.runs, registry).run(w.session_id)

        assert 'mode="sync"' in str((await w.session()).error)


_MESSAGE = {
    "role": "assistant",
    "content": "",
    "tool_calls": [
        {"id": "1", "type": "function", "function": {"name": "wipe", "arguments": "{}"}}
    ],
}
