"""What executes beside the gate while a session runs is stopped, recorded, and ends the session."""

from __future__ import annotations

import asyncio
import importlib.util
import time
from pathlib import Path
from typing import Any

import pytest

from countersign.agents.guard import contexts
from countersign.approvals.models import SessionStatus
from countersign.sandbox.openai import ToolCall
from tests.agents.hostile.at_run_time import (
    ASYNC,
    SYNC,
    Act,
    a_replying,
    in_the_loops_pool,
    replying,
)
from tests.agents.hostile.frame import IS_014, Build, Effect, attempts, running
from tests.agents.hostile.in_the_chat import GONE_IN_014, HERE
from tests.agents.teams import Effects, Mode, calls_then, pair
from tests.agents.world import world

CASES = [
    pytest.param(replying(act), mode, said, id=f"{act.__name__}-{mode}")
    for act, said in SYNC
    for mode in ("sync", "async")
] + [pytest.param(a_replying(act), "async", said, id=act.__name__) for act, said in ASYNC]


@pytest.mark.parametrize(("build", "mode", "said"), CASES)
async def test_it_does_not_happen(build: Build, mode: Mode, said: str, tmp_path: Path) -> None:
    """And people read what was tried, by whom, and what to do instead."""
    effect = Effect(tmp_path / "effect")
    async with running(build, effect, tmp_path, mode=mode) as one:
        session = await one.run()
        recorded = await attempts(one)

    assert not effect.happened
    assert SessionStatus.FAILED is session.status
    assert "Refused: executor beside the gate." in (session.error or "")
    assert said in (session.error or "")
    (entry,) = recorded
    assert {"agent", "tried", "how"} == entry.body.keys()
    assert entry.body["tried"] in (session.error or "")


@pytest.mark.parametrize("act", [act for act, _ in SYNC], ids=lambda act: act.__name__)
def test_the_same_happens_outside_of_sessions(act: Act, tmp_path: Path) -> None:
    """AutoGen and the interpreter are as they were for everybody else in the process."""
    effect = Effect(tmp_path / "effect")
    act(effect)

    assert effect.happened


@pytest.mark.parametrize("act", [act for act, _ in ASYNC], ids=lambda act: act.__name__)
async def test_the_same_happens_outside_in_async_code(act: Act, tmp_path: Path) -> None:
    effect = Effect(tmp_path / "effect")
    await act(effect)

    assert effect.happened


@pytest.mark.parametrize(
    ("build", "said"), HERE, ids=[getattr(build, "__name__", "") for build, _ in HERE]
)
async def test_a_part_of_the_chat_does_not_execute(build: Build, said: str, tmp_path: Path) -> None:
    """Neither a hook, nor a selection, a summary, a model client or a kind of agent."""
    effect = Effect(tmp_path / "effect")
    async with running(build, effect, tmp_path) as one:
        session = await one.run()
        recorded = await attempts(one)

    assert not effect.happened
    assert SessionStatus.FAILED is session.status
    assert said in (session.error or "")
    assert 1 == len(recorded)


@pytest.mark.parametrize("module", GONE_IN_014)
def test_what_the_suite_has_for_one_line_only_is_not_in_the_other(module: str) -> None:
    found = importlib.util.find_spec(f"autogen.agentchat.contrib.{module}")

    assert (found is None) is IS_014


async def test_threads_that_were_there_before_know_whose_work_it_is(tmp_path: Path) -> None:
    """The event loop's own pool is full of threads that were started outside of the session."""
    effect, loop = Effect(tmp_path / "effect"), asyncio.get_running_loop()
    build = a_replying(in_the_loops_pool)
    async with running(build, effect, tmp_path, mode="async") as one:
        await asyncio.gather(*(loop.run_in_executor(None, time.sleep, 0) for _ in range(64)))
        session = await one.run()

    assert not effect.happened
    assert SessionStatus.FAILED is session.status


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_what_the_gate_starts_is_not_the_sessions(mode: Mode, tmp_path: Path) -> None:
    """A job that is run at once, when its transaction has committed, may be another session's."""
    flow = pair(Effects(), mode=mode)
    seen: list[Any] = []
    script = calls_then(ToolCall("look_up", {"name": "x"}, "c1"))
    async with world(flow, script, path=tmp_path) as one:
        submit = one.office.runs.submit

        async def noting(*args: Any, **kwargs: Any) -> Any:
            seen.append(contexts.current())
            return await submit(*args, **kwargs)

        one.office.runs.submit = noting
        await one.start()
        await one.run()

    assert [contexts.OUTSIDE] == seen
