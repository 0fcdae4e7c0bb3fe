"""A server that stops puts its sessions down between two steps, and another one goes on at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from countersign import SessionManager
from countersign.approvals.models import RequestStatus, SessionId, SessionStatus
from countersign.sandbox.openai import (
    Conversation,
    Reply,
    Say,
    ToolCall,
)
from tests.agents.teams import GUARDED, Effects, Mode, calls_then, pair
from tests.agents.world import World, world

MODES = pytest.mark.parametrize("mode", ["async", "sync"])
MAIL = {"to": "bob@x.test", "subject": "Hi", "body": "Hello"}
SEND, LATER = ToolCall("send_email", MAIL), ToolCall("send_email", {**MAIL, "to": "eve@x.test"})


class SlowEffects(Effects):
    """Tools that take as long as the test wants."""

    def __init__(self) -> None:
        super().__init__(before=self.wait)
        self.began, self.may_end = asyncio.Event(), threading.Event()
        self._loop = asyncio.get_running_loop()

    def wait(self, _: str) -> None:
        self._loop.call_soon_threadsafe(self.began.set)
        assert self.may_end.wait(30)


@asynccontextmanager
async def approved(
    effects: Effects, *calls: ToolCall, path: Path, office: str, mode: Mode
) -> AsyncIterator[World]:
    """A session whose calls are approved and not run yet."""
    script = calls_then(*calls)
    workflow = pair(effects, mode=mode)
    async with world(workflow, script, path=path, office=office, guarded=GUARDED) as w:
        await w.start()
        await w.run()
        for request in await w.requests():
            await w.office.approve(request)
        yield w


@asynccontextmanager
async def running(w: World) -> AsyncIterator[tuple[SessionManager, asyncio.Task[None]]]:
    """A process that takes the session further, as the jobs do."""
    async with SessionManager(w.office.runs, w.new_registry()) as manager:
        yield manager, asyncio.create_task(manager.run(w.session_id))


async def ended(run: asyncio.Task[None]) -> None:
    await asyncio.gather(run, return_exceptions=True)


@MODES
async def test_a_tool_ends_first_and_no_other_one_begins(
    mode: Mode, office: str, tmp_path: Path
) -> None:
    effects = SlowEffects()
    async with approved(effects, SEND, LATER, path=tmp_path, office=office, mode=mode) as w:
        async with running(w) as (manager, run):
            await effects.began.wait()
            manager.drain()
            effects.may_end.set()
            await ended(run)
        between = [request.status for request in await w.requests()]
        session = await w.run()

        assert [RequestStatus.EXECUTED, RequestStatus.APPROVED] == between
        assert SessionStatus.COMPLETED is session.status
        assert ["bob@x.test", "eve@x.test"] == [m["to"] for m in effects.of("send_email")]


@MODES
async def test_a_tool_that_is_cut_off_is_in_doubt_and_said_so(
    mode: Mode, office: str, tmp_path: Path
) -> None:
    structlog.configure(wrapper_class=structlog.BoundLogger)  # the fixture silences it
    effects = SlowEffects()
    async with approved(effects, SEND, path=tmp_path, office=office, mode=mode) as w:
        with capture_logs() as logs:
            async with running(w) as (manager, run):
                await effects.began.wait()
                manager.drain()
                run.cancel()
                await ended(run)
        effects.before = lambda _: None
        session = await w.run()
        effects.may_end.set()

        assert SessionStatus.COMPLETED is session.status
        assert RequestStatus.IN_DOUBT is (await w.requests())[0].status
        assert ["error"] == [line["log_level"] for line in logs if "cut off" in line["event"]]


@MODES
async def test_a_model_is_not_waited_for(mode: Mode, office: str, tmp_path: Path) -> None:
    def script(_: Conversation) -> Reply:
        return Say("Done. TERMINATE")

    async with world(pair(Effects(), mode=mode), script, path=tmp_path, office=office) as w:
        w.model.faults.latency_s = 0.5
        await w.start()
        async with running(w) as (manager, run):
            while not w.model.requests:  # noqa: ASYNC110 - the server counts them
                await asyncio.sleep(0)
            manager.drain()
            await ended(run)
        between = await w.session()
        w.model.faults.latency_s = 0
        after = await w.run()

        assert (SessionStatus.RUNNING, SessionStatus.COMPLETED) == (between.status, after.status)


async def test_nothing_new_is_begun(office: str, tmp_path: Path) -> None:
    effects = Effects()
    async with approved(effects, SEND, path=tmp_path, office=office, mode="async") as w:
        async with SessionManager(w.office.runs, w.new_registry()) as manager:
            manager.drain()
            await manager.run(w.session_id)

        assert [] == effects.done


async def test_a_session_leased_at_that_moment_is_given_back(office: str, tmp_path: Path) -> None:
    effects = Effects()
    async with approved(effects, SEND, path=tmp_path, office=office, mode="async") as w:
        async with SessionManager(w.office.runs, w.new_registry()) as manager:
            begin = w.office.runs.begin

            async def slowly(session_id: SessionId) -> object:
                manager.drain()
                return await begin(session_id)

            w.office.runs.begin = slowly
            await ended(asyncio.create_task(manager.run(w.session_id)))
            w.office.runs.begin = begin
        assert [] == effects.done
        assert SessionStatus.COMPLETED is (await w.run()).status
