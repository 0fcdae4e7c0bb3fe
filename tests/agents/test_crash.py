"""The process dies before and after every step; the next one ends the story right each time."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from countersign import NothingHappenedError, SessionManager
from countersign.approvals.models import RequestStatus, SessionStatus
from countersign.sandbox.openai import ToolCall
from tests.agents.teams import GUARDED, Effects, Mode, calls_then, pair, team
from tests.agents.world import World, world

MAIL = {"to": "bob@x.test", "subject": "Hi", "body": "Hello"}
SCRIPT = calls_then(ToolCall("look_up", {"name": "bob"}), ToolCall("send_email", MAIL))


class Died(BaseException):
    """Nothing after this happens in this process."""


class Mortal:
    """A Runs whose process dies at one of its calls: before it commits, or after."""

    def __init__(self, runs: Any, step: int, when: str):
        self._runs, self._left, self._when = runs, step, when
        self.lease_s, self.time_limit_s = runs.lease_s, runs.time_limit_s
        self.died_at = ""

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._runs, name)

        async def call(*args: Any, **kwargs: Any) -> Any:
            self._left -= 1
            if self._left == 0 and self._when == "before":
                self.die(name)
            result = await method(*args, **kwargs)
            if self._left == 0:
                self.die(name)
            return result

        return call

    def die(self, where: str) -> None:
        self.died_at = where
        raise Died


async def _run_mortal(w: World, step: int, when: str) -> str:
    """One process that dies at the step; returns where, or "" if it got through."""
    mortal = Mortal(w.office.runs, step, when)
    async with SessionManager(mortal, w.new_registry()) as manager:  # type: ignore[arg-type]
        try:
            await manager.run(w.session_id)
        except Died:
            await w.office.lose_owner(w.session_id)
    return mortal.died_at


async def _decide_and_finish(w: World) -> None:
    for request in await w.requests():
        if request.status is RequestStatus.PENDING:
            await w.office.approve(request)
    await w.run()


@pytest.mark.parametrize("mode", ["async", "sync"])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", range(1, 3))
async def test_death_before_the_decision(
    step: int, when: str, mode: Mode, office: str, tmp_path: Path
) -> None:
    """Around begin and submit: at most model calls are repeated."""
    effects = Effects()
    flow = team(effects, mode=mode)
    async with world(flow, SCRIPT, path=tmp_path, office=office, guarded=GUARDED) as w:
        await w.start()
        assert await _run_mortal(w, step, when) in ("begin", "submit")
        await w.run()
        await _decide_and_finish(w)

        assert (await w.session()).status is SessionStatus.COMPLETED
        assert [name for name, _ in effects.done] == ["look_up", "send_email"]
        assert w.refused_by_model() == []


AFTER_DECISION = [
    "begin", "claim", "finish", "claim", "finish", "complete",
]  # fmt: skip


@pytest.mark.parametrize("mode", ["async", "sync"])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", range(1, len(AFTER_DECISION) + 1))
async def test_death_after_the_decision(
    step: int, when: str, mode: Mode, office: str, tmp_path: Path
) -> None:
    """Around claim, tool and finish: no tool runs twice, and an unknown outcome is said to be."""
    effects = Effects()
    flow = team(effects, mode=mode)
    async with world(flow, SCRIPT, path=tmp_path, office=office, guarded=GUARDED) as w:
        await w.start()
        await w.run()
        await w.office.approve((await w.requests())[1])
        assert await _run_mortal(w, step, when) == AFTER_DECISION[step - 1]
        await w.run()
        looked, mailed = await w.requests()
        texts = await w.tool_texts()
        doubts = [r.tool for r in (looked, mailed) if r.status is RequestStatus.IN_DOUBT]
        died = AFTER_DECISION[step - 1], when
        claimed_not_finished = died in {("claim", "after"), ("finish", "before")}

        assert (await w.session()).status is SessionStatus.COMPLETED
        assert len(effects.of("send_email")) <= 1
        assert len(effects.of("look_up")) <= 1
        assert len(doubts) == (1 if claimed_not_finished else 0)
        assert sum('"in_doubt"' in text for text in texts) == len(doubts)
        assert len(texts) == 2
        assert w.refused_by_model() == []


@pytest.mark.parametrize("after_effect", [False, True])
@pytest.mark.parametrize("mode", ["async", "sync"])
async def test_an_idempotent_tool_is_called_again_with_the_same_token(
    mode: Mode, after_effect: bool, office: str, tmp_path: Path
) -> None:
    """So that the target system can tell the second call from a new one."""
    effects = Effects()
    flow = pair(effects, mode=mode, idempotent={"send_email"})
    script = calls_then(ToolCall("send_email", MAIL))
    async with world(flow, script, path=tmp_path, office=office, guarded=GUARDED) as w:
        await w.start()
        await w.run()
        (request,) = await w.requests()
        await w.office.approve(request)
        if after_effect:  # begin, claim, then finish: the tool has run, but nobody was told
            assert await _run_mortal(w, 3, "before") == "finish"
        else:
            assert await _run_mortal(w, 2, "after") == "claim"
        await w.run()
        (text,) = await w.tool_texts()

        assert json.loads(text)["status"] == "executed"
        assert effects.tokens == [request.execution_token] * (2 if after_effect else 1)


@pytest.mark.parametrize("mode", ["async", "sync"])
async def test_that_nothing_happened_the_second_time_says_nothing_of_the_first(
    mode: Mode, office: str, tmp_path: Path
) -> None:
    """The agents would propose it anew, and its target system would not know that token."""
    effects = Effects()

    def unreachable(_: str) -> None:
        if effects.done:
            raise NothingHappenedError("The mail server was not reached.")

    effects.before = unreachable
    flow = pair(effects, mode=mode, idempotent={"send_email"})
    script = calls_then(ToolCall("send_email", MAIL))
    async with world(flow, script, path=tmp_path, office=office, guarded=GUARDED) as w:
        await w.start()
        await w.run()
        await w.office.approve((await w.requests())[0])
        assert await _run_mortal(w, 3, "before") == "finish"
        await w.run()
        (request,) = await w.requests()
        (text,) = await w.tool_texts()
        told = json.loads(text)

        assert RequestStatus.IN_DOUBT is request.status
        assert ("in_doubt", False) == (told["cause"], told["retry"])
        assert "The mail server was not reached." in told["message"]
        assert "What the earlier call has done is not known." in told["message"]


async def test_nor_does_it_when_the_second_call_says_so_late(tmp_path: Path) -> None:
    effects, let_go = Effects(), threading.Event()

    def unreachable(_: str) -> None:
        if effects.done:
            assert let_go.wait(60)
            raise NothingHappenedError("The mail server was not reached.")

    effects.before = unreachable
    flow = pair(effects, idempotent={"send_email"})
    script = calls_then(ToolCall("send_email", MAIL))
    async with world(flow, script, path=tmp_path, office="sqlite", guarded=GUARDED) as w:
        await w.start()
        await w.run()
        await w.office.approve((await w.requests())[0])
        assert await _run_mortal(w, 3, "before") == "finish"
        w.office.limit_tools(0.05)
        async with SessionManager(w.office.runs, w.new_registry()) as manager:
            await manager.run(w.session_id)
            let_go.set()
            await manager.late.wait()
        (request,) = await w.requests()

        assert RequestStatus.IN_DOUBT is request.status
        assert request.result is not None
        assert "It did not end within 0.05 s" in request.result.message


@pytest.mark.parametrize("mode", ["async", "sync"])
async def test_a_result_outlives_the_process_that_got_it(
    mode: Mode, office: str, tmp_path: Path
) -> None:
    """After finish the next process tells the agents the stored result instead of calling again."""
    effects = Effects()
    script = calls_then(ToolCall("send_email", MAIL))
    async with world(
        pair(effects, mode=mode), script, path=tmp_path, office=office, guarded=GUARDED
    ) as w:
        await w.start()
        await w.run()
        await w.office.approve((await w.requests())[0])
        asked = w.model_calls
        assert await _run_mortal(w, 3, "after") == "finish"
        assert w.model_calls == asked
        await w.run()
        (text,) = await w.tool_texts()

        assert json.loads(text)["result"] == "sent to bob@x.test"
        assert len(effects.done) == 1
