"""What is no execution beside the gate goes on as ever."""

from __future__ import annotations

import dataclasses
import platform
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import autogen
import pytest
from autogen import AssistantAgent

from countersign import Chat, WorkflowContext
from countersign.approvals.models import SessionStatus
from countersign.sandbox.openai import (
    Call,
    Conversation,
    Reply,
    Say,
    ToolCall,
)
from tests.agents.hostile.at_run_time import (
    Act,
    execute_function,
    initiates_a_chat,
    legacy_execute_code,
    local_executor,
    os_system,
    runs_an_agent,
    starts_a_program,
    tool_that_is_called,
)
from tests.agents.hostile.elsewhere import by_apply, by_loop, by_pool
from tests.agents.hostile.frame import (
    DONE,
    Build,
    Effect,
    a_answering,
    answering,
    attempts,
    gatekeeper,
    running,
    speaker,
)
from tests.agents.teams import Mode


def calls_pay(conversation: Conversation) -> Reply:
    """A worker that calls the tool once."""
    if conversation.tool_results:
        return Say(DONE)
    return Call((ToolCall("pay", {"rationale": "asked for"}, "c1"),))


def in_a_thread(effect: Effect) -> None:
    """The threads of a tool are the tool's."""
    thread = threading.Thread(target=starts_a_program, args=(effect,))
    thread.start()
    thread.join()


def in_a_pool(effect: Effect) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(execute_function, effect).result()


def with_a_tool(act: Act) -> Build:
    """A tool whose body does this."""

    def build(context: WorkflowContext, effect: Effect) -> Chat:
        def pay() -> str:
            """Pay."""
            act(effect)
            return "paid"

        proxy, worker = gatekeeper(), speaker(context=context)
        effect.asker = worker
        autogen.register_function(pay, caller=worker, executor=proxy, description="Pay.")
        return Chat(proxy, worker)

    return build


def with_an_agent_of_the_chat(effect: Effect) -> None:
    """The body may use what else the workflow has, also the worker that asked for it."""
    worker = effect.asker
    worker._function_map["late"] = effect.tool()
    worker.execute_function({"name": "late", "arguments": "{}"})


ACTS: list[Act] = [
    with_an_agent_of_the_chat,
    starts_a_program,
    os_system,
    execute_function,
    initiates_a_chat,
    runs_an_agent,
    local_executor,
    legacy_execute_code,
    tool_that_is_called,
    in_a_thread,
    in_a_pool,
    by_pool(execute_function),
    by_pool(local_executor),
    by_apply(initiates_a_chat),
    by_loop(starts_a_program),
]


@pytest.mark.parametrize("act", ACTS, ids=[act.__name__ for act in ACTS])
@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_an_approved_tool_may_do_all_of_it(act: Act, mode: Mode, tmp_path: Path) -> None:
    """Nothing before the approval, everything after it."""
    effect = Effect(tmp_path / "effect")
    flow = with_a_tool(act)
    async with running(
        flow, effect, tmp_path, mode=mode, script=calls_pay, guarded=("pay",)
    ) as one:
        waiting = await one.run()
        before = effect.happened
        for request in await one.requests():
            await one.office.approve(request)
        session = await one.run()
        recorded = await attempts(one)

    assert SessionStatus.WAITING is waiting.status
    assert not before
    assert effect.happened
    assert SessionStatus.COMPLETED is session.status
    assert [] == recorded


def makes_a_class(_: Effect) -> None:
    """The standard library executes code that it has written itself."""
    dataclasses.make_dataclass("Point", ["x", "y"])


def asks_about_the_machine(_: Effect) -> None:
    """It may start a program of its own for that."""
    platform.uname.cache_clear() if hasattr(platform.uname, "cache_clear") else None
    platform.processor()


def reads_a_module(_: Effect) -> None:
    """An import executes its code."""
    import sys

    sys.modules.pop("this", None)
    sys.modules.pop("colorsys", None)
    import colorsys

    assert "colorsys" == colorsys.__name__


def talks(_: Effect) -> None:
    """To an agent that the chat does not know, and that executes nothing."""
    other = AssistantAgent("other", llm_config=False)
    critic = AssistantAgent("critic", llm_config=False)
    other.initiate_chat(critic, message="x", max_turns=1, silent=True)


def asks_for_a_tool_that_nobody_has(_: Effect) -> None:
    """AutoGen answers that there is none."""
    other = AssistantAgent("other", llm_config=False)
    other.execute_function({"name": "pay", "arguments": "{}"})


HARMLESS: list[Act] = [
    makes_a_class,
    asks_about_the_machine,
    reads_a_module,
    talks,
    asks_for_a_tool_that_nobody_has,
]


@pytest.mark.parametrize("act", HARMLESS, ids=[act.__name__ for act in HARMLESS])
@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_a_harmless_reply_function_is_let_be(act: Act, mode: Mode, tmp_path: Path) -> None:
    effect = Effect(tmp_path / "effect")

    def build(_: WorkflowContext, effect: Effect) -> Chat:
        return Chat(gatekeeper(), answering(speaker(), lambda: act(effect)))

    async with running(build, effect, tmp_path, mode=mode) as one:
        session = await one.run()
        recorded = await attempts(one)

    assert SessionStatus.COMPLETED is session.status
    assert [] == recorded


async def test_an_async_reply_function_is_let_be(tmp_path: Path) -> None:
    async def nothing() -> None: ...

    def build(_: WorkflowContext, effect: Effect) -> Chat:
        return Chat(gatekeeper(), a_answering(speaker(), nothing))

    async with running(build, Effect(tmp_path / "effect"), tmp_path, mode="async") as one:
        session = await one.run()

    assert SessionStatus.COMPLETED is session.status


async def test_a_thread_that_is_left_of_a_session_executes_nothing(tmp_path: Path) -> None:
    """It comes to it after the session has ended."""
    effect, over = Effect(tmp_path / "effect"), threading.Event()
    left: list[threading.Thread] = []
    raised: list[Exception] = []

    def later() -> None:
        over.wait()
        try:
            subprocess.run(effect.command, check=True)
        except Exception as exc:
            raised.append(exc)

    def leave() -> None:
        left.append(threading.Thread(target=later))
        left[-1].start()

    def build(_: WorkflowContext, effect: Effect) -> Chat:
        return Chat(gatekeeper(), answering(speaker(), leave))

    async with running(build, effect, tmp_path) as one:
        session = await one.run()
        over.set()
        left[-1].join()

    assert SessionStatus.COMPLETED is session.status
    assert not effect.happened
    assert ["BesideGateError"] == [type(exc).__name__ for exc in raised]
