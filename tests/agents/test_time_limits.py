"""Tools that hang: they are given up, and hold up nobody but sessions of their own workflow."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from countersign import Chat, Registry, SessionManager, WorkflowContext
from countersign.agents.classic.workflows import Workflow, workflow
from countersign.agents.tools import execution
from countersign.approvals.models import RequestStatus, Session, SessionStatus
from countersign.sandbox.openai import ToolCall
from tests.agents.fakes import FakeRuns
from tests.agents.teams import Effects, Mode, calls_then, one_tool, pair
from tests.agents.world import World, world

pytestmark = pytest.mark.asyncio

MODES = pytest.mark.parametrize("mode", ["async", "sync"])
MAIL = {"to": "bob@x.test", "subject": "Hi", "body": "Hello"}
BOB = {"name": "bob"}
LIMIT_S = 0.05


class Hanging:
    """The bodies of tools that hang until they are let go."""

    def __init__(self) -> None:
        self.let_go, self.cancelled = threading.Event(), False
        self.begun: list[str] = []

    def in_thread(self) -> Callable[..., Any]:
        """A sync one."""

        def call(name: str) -> str:
            return self._wait(name)

        return call

    def on_loop(self) -> Callable[..., Any]:
        """An async one, which never ends."""

        async def call(name: str) -> str:
            self.begun.append(name)
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.cancelled = True
                raise
            return name

        return call

    def to_thread(self) -> Callable[..., Any]:
        """An async one, in a thread that it asks of the loop."""

        async def call(name: str) -> str:
            return await asyncio.to_thread(self._wait, name)

        return call

    def _wait(self, name: str) -> str:
        self.begun.append(name)
        assert self.let_go.wait(60)
        return f"{name} after all"


@pytest.fixture
def hanging() -> Any:
    made = Hanging()
    yield made
    made.let_go.set()


def flow(
    body: Callable[..., Any], mode: Mode = "async", name: str = "hangs", **proxy: Any
) -> Workflow:
    """A pair whose one tool is `body`, called `call`."""

    def build(context: WorkflowContext) -> Chat:
        return one_tool(context, body, name="call", **proxy)

    return workflow(name, "1", "Hangs", mode=mode)(build)


SCRIPT = calls_then(ToolCall("call", BOB))


@asynccontextmanager
async def hung(
    body: Callable[..., Any], *, path: Path, office: str, mode: Mode = "async", guarded: bool = True
) -> AsyncIterator[tuple[World, SessionManager]]:
    """A session whose tool was given up, and the process that did."""
    names = ["call"] if guarded else []
    async with world(flow(body, mode), SCRIPT, path=path, office=office, guarded=names) as w:
        w.office.limit_tools(LIMIT_S)
        await w.start()
        async with SessionManager(w.office.runs, w.new_registry()) as manager:
            await manager.run(w.session_id)
            if guarded:
                await w.office.approve((await w.requests())[0])
                await manager.run(w.session_id)
            yield w, manager


async def another(w: World, registry: Registry, name: str) -> str:
    """One more session."""
    version = registry.info(name).version
    started = await w.office.runs.start(
        workflow=name, workflow_version=version, task="Please go ahead", owner="ann"
    )
    return str(started.id)


@MODES
@pytest.mark.parametrize("body", ["in_thread", "on_loop", "to_thread"])
async def test_a_guarded_tool_that_hangs_is_given_up_in_doubt(
    body: str, mode: Mode, office: str, hanging: Hanging, tmp_path: Path
) -> None:
    async with hung(getattr(hanging, body)(), path=tmp_path, office=office, mode=mode) as (w, _):
        (request,), session = await w.requests(), await w.session()
        told = json.loads((await w.tool_texts())[0])

    assert SessionStatus.COMPLETED is session.status
    assert RequestStatus.IN_DOUBT is request.status
    assert ("in_doubt", False) == (told["cause"], told["retry"])
    assert "It did not end within 0.05 s, its time limit" in told["message"]


async def test_a_tool_that_asks_nobody_has_failed_when_it_hangs(
    office: str, hanging: Hanging, tmp_path: Path
) -> None:
    async with hung(hanging.in_thread(), path=tmp_path, office=office, guarded=False) as (w, _):
        assert [{"status": "failed", "error": "It did not end within 0.05 s, its time limit"}] == [
            json.loads(text) for text in await w.tool_texts()
        ]


async def test_an_async_tool_that_is_given_up_is_cancelled(
    hanging: Hanging, tmp_path: Path
) -> None:
    async with hung(hanging.on_loop(), path=tmp_path, office="fake") as (_, manager):
        await manager.late.wait()

        assert hanging.cancelled


async def test_a_late_result_resolves_the_doubt_and_says_that_it_is_late(
    hanging: Hanging, tmp_path: Path
) -> None:
    async with hung(hanging.in_thread(), path=tmp_path, office="sqlite") as (w, manager):
        (doubt,) = await w.requests()
        hanging.let_go.set()
        await manager.late.wait()
        (request,) = await w.requests()
        kinds = [entry.kind for entry in await w.ledger()]

    assert RequestStatus.IN_DOUBT is doubt.status
    assert request.result is not None
    assert (RequestStatus.EXECUTED, "bob after all") == (request.status, request.result.content)
    assert ["in_doubt", "session_completed", "late_result"] == kinds[-3:]


async def test_a_late_result_of_what_has_failed_is_on_the_ledger_only(
    hanging: Hanging, tmp_path: Path
) -> None:
    async with hung(hanging.in_thread(), path=tmp_path, office="sqlite", guarded=False) as (
        w,
        manager,
    ):
        hanging.let_go.set()
        await manager.late.wait()
        (request,), entry = await w.requests(), (await w.ledger())[-1]

    assert RequestStatus.FAILED is request.status
    assert ("late_result", "bob after all", False) == (
        entry.kind,
        entry.body["content"],
        entry.body["stands"],
    )


async def test_a_late_error_settles_nothing(tmp_path: Path) -> None:
    let_go = threading.Event()

    def body(name: str) -> str:
        assert let_go.wait(60)
        raise ConnectionError(name)

    async with hung(body, path=tmp_path, office="sqlite") as (w, manager):
        let_go.set()
        await manager.late.wait()
        (request,), entry = await w.requests(), (await w.ledger())[-1]

    assert RequestStatus.IN_DOUBT is request.status
    assert ("late_error", "ConnectionError: bob") == (entry.kind, entry.body["content"])


@asynccontextmanager
async def beside(
    hanging: Workflow, *, path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[World, SessionManager, Registry, Effects]]:
    """A process with one slot, a workflow whose tool hangs, and a team that has nothing to do with
    it. A tool is slow after a moment."""
    monkeypatch.setattr(execution, "SLOW_S", 0.01)
    effects = Effects()
    script = calls_then(ToolCall("call", BOB), finish="Done. TERMINATE")
    ours = calls_then(ToolCall("look_up", BOB), finish="REPORT TERMINATE")

    def both(conversation: Any) -> Any:
        offered = json.dumps(conversation.body.get("tools") or ())
        return (script if '"call"' in offered else ours)(conversation)

    async with world(hanging, both, path=path) as w:
        registry = w.new_registry()
        registry.add(pair(effects))
        async with SessionManager(w.office.runs, registry, at_once=1) as manager:
            yield w, manager, registry, effects


async def ended(w: World, session_id: str) -> Session:
    return await w.office.session(session_id)


@MODES
async def test_tools_that_hang_do_not_stop_sessions_of_another_workflow(
    mode: Mode, hanging: Hanging, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one slot, and more of them than their lane has threads."""
    async with beside(
        flow(hanging.in_thread(), mode), path=tmp_path, monkeypatch=monkeypatch
    ) as made:
        w, manager, registry, effects = made
        stuck = [await another(w, registry, "hangs") for _ in range(5)]
        tasks = [asyncio.create_task(manager.run(session_id)) for session_id in stuck]
        while len(hanging.begun) < 2:  # noqa: ASYNC110 - in threads
            await asyncio.sleep(0)
        for _ in range(3):
            free = await another(w, registry, "pair")
            async with asyncio.timeout(30):
                await manager.run(free)

            assert SessionStatus.COMPLETED is (await ended(w, free)).status
        assert 3 == len(effects.of("look_up"))
        assert 2 == len(hanging.begun)
        hanging.let_go.set()
        await asyncio.gather(*tasks)

        assert 5 == len(hanging.begun)
        assert {SessionStatus.COMPLETED} == {(await ended(w, one)).status for one in stuck}


async def test_what_hangs_in_a_thread_of_the_loop_does_not_either(
    hanging: Hanging, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pool in which models are asked has few threads, and they are not for tools."""
    async with beside(flow(hanging.to_thread()), path=tmp_path, monkeypatch=monkeypatch) as made:
        w, manager, registry, _ = made
        many = [await another(w, registry, "hangs") for _ in range(12)]
        tasks = [asyncio.create_task(manager.run(session_id)) for session_id in many]
        while w.office.runs.log.count("claim call") < len(many):  # noqa: ASYNC110 - all of them
            await asyncio.sleep(0)
        free = await another(w, registry, "pair")
        async with asyncio.timeout(30):
            await manager.run(free)

        assert SessionStatus.COMPLETED is (await ended(w, free)).status
        assert 2 == len(hanging.begun)
        hanging.let_go.set()
        await asyncio.gather(*tasks)


@pytest.mark.parametrize("kind", ["in_thread", "to_thread"])
async def test_checks_that_hang_do_not_either(
    kind: str, hanging: Hanging, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They have a time limit of their own, for which nobody else waits."""
    monkeypatch.setattr(FakeRuns, "asks", lambda *_: True)
    looks = getattr(hanging, kind)()

    def body(name: str) -> str:
        return name

    checked = flow(body, checks={"call": looks})
    async with beside(checked, path=tmp_path, monkeypatch=monkeypatch) as made:
        w, manager, registry, effects = made
        stuck = [await another(w, registry, "hangs") for _ in range(12)]
        tasks = [asyncio.create_task(manager.run(session_id)) for session_id in stuck]
        while len(hanging.begun) < 2:  # noqa: ASYNC110 - in threads
            await asyncio.sleep(0)
        free = await another(w, registry, "pair")
        async with asyncio.timeout(10):
            await manager.run(free)
        hanging.let_go.set()
        await asyncio.gather(*tasks)

        assert 1 == len(effects.of("look_up"))
        assert SessionStatus.COMPLETED is (await ended(w, free)).status


async def test_a_call_that_found_no_thread_has_not_happened_and_never_will(
    hanging: Hanging, tmp_path: Path
) -> None:
    """Also after the calls before it have let their threads go."""
    async with world(flow(hanging.in_thread()), SCRIPT, path=tmp_path, guarded=["call"]) as w:
        w.office.limit_tools(LIMIT_S)
        async with SessionManager(w.office.runs, w.new_registry(), at_once=1) as manager:
            for _ in range(3):
                await w.start()
                await manager.run(w.session_id)
                await w.office.approve((await w.requests())[0])
                await manager.run(w.session_id)
            (request,) = await w.requests()
            (text,) = await w.tool_texts()
            hanging.let_go.set()
            await manager.late.wait()

    assert RequestStatus.FAILED is request.status
    assert "It did not begin within 0.05 s" in json.loads(text)["error"]
    assert 2 == len(hanging.begun)


async def test_a_slot_is_lent_while_a_tool_takes_long(
    hanging: Hanging, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And `free_slots`, by which this process takes sessions, knows it."""
    lent = asyncio.Event()
    async with beside(flow(hanging.in_thread()), path=tmp_path, monkeypatch=monkeypatch) as made:
        w, manager, registry, _ = made
        monkeypatch.setattr(manager._slots, "release", _then(manager._slots.release, lent.set))
        session_id = await another(w, registry, "hangs")
        run = asyncio.create_task(manager.run(session_id))
        await lent.wait()

        assert 1 == manager.free_slots()
        hanging.let_go.set()
        await run


async def test_drain_while_a_slot_is_lent(
    hanging: Hanging, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slot belongs to whoever has it; nothing is given back twice."""
    async with beside(flow(hanging.in_thread()), path=tmp_path, monkeypatch=monkeypatch) as made:
        w, manager, registry, _ = made
        run = asyncio.create_task(manager.run(await another(w, registry, "hangs")))
        while not hanging.begun:  # noqa: ASYNC110 - in a thread
            await asyncio.sleep(0)
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)

        assert 1 == manager.free_slots()


def _then(first: Callable[[], None], second: Callable[[], None]) -> Callable[[], None]:
    def both() -> None:
        first()
        second()

    return both
