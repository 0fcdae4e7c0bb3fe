"""Work that is handed to what was there before the session is the session's, or nobody's."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from countersign import Chat, SessionManager, WorkflowContext
from countersign.agents.guard import contexts
from countersign.approvals.errors import BesideGateError
from countersign.approvals.models import SessionStatus
from countersign.approvals.observer import Silent
from tests.agents.hostile import elsewhere
from tests.agents.hostile.at_run_time import (
    Act,
    code_in_a_chat,
    execute_function,
    initiates_a_chat,
    legacy_execute_code,
    local_executor,
    replying,
    runs_an_agent,
    starts_a_program,
    tool_that_is_called,
)
from tests.agents.hostile.elsewhere import (
    CARRIED,
    LIBRARIES,
    Worker,
    by_pool,
    by_worker,
)
from tests.agents.hostile.frame import (
    Effect,
    answering,
    attempts,
    gatekeeper,
    running,
    speaker,
)
from tests.agents.teams import Mode

ACTS: list[Act] = [
    execute_function,
    initiates_a_chat,
    local_executor,
    code_in_a_chat,
    starts_a_program,
]
OF_AUTOGEN: list[Act] = [
    execute_function,
    initiates_a_chat,
    runs_an_agent,
    local_executor,
    code_in_a_chat,
    legacy_execute_code,
    tool_that_is_called,
]
UNKNOWN = "in a thread or task of which it is not known whose it is"


async def stopped(act: Act, tmp_path: Path, mode: Mode = "sync") -> str:
    """It does not happen, is on the ledger, and the session ends: in which words."""
    effect = Effect(tmp_path / "effect")
    async with running(replying(act), effect, tmp_path, mode=mode) as one:
        session = await one.run()
        recorded = await attempts(one)

    assert not effect.happened
    assert SessionStatus.FAILED is session.status
    assert 1 == len(recorded)
    return session.error or ""


@pytest.mark.parametrize("hand_over", CARRIED, ids=lambda way: way.__name__)
@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
async def test_a_pool_or_loop_that_was_there_before_knows_whose_work_it_is(
    hand_over: Callable[[Act], Act], act: Act, tmp_path: Path
) -> None:
    assert UNKNOWN not in await stopped(hand_over(act), tmp_path)


@pytest.mark.parametrize("act", OF_AUTOGEN, ids=lambda act: act.__name__)
@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_autogen_executes_nothing_where_nobody_knows_whose_it_is(
    act: Act, mode: Mode, tmp_path: Path
) -> None:
    """If one session runs, it is that one's."""
    assert UNKNOWN in await stopped(by_worker(act), tmp_path, mode)


async def test_a_task_that_was_there_before_executes_nothing(tmp_path: Path) -> None:
    effect, asked = Effect(tmp_path / "effect"), asyncio.Event()
    loop = asyncio.get_running_loop()

    async def waiting() -> None:
        await asked.wait()
        execute_function(effect)

    task = asyncio.create_task(waiting())

    def ask(_: Effect) -> None:
        loop.call_soon_threadsafe(asked.set)
        asyncio.run_coroutine_threadsafe(asyncio.wait({task}), loop).result()

    async with running(replying(ask), effect, tmp_path) as one:
        session = await one.run()
        recorded = await attempts(one)

    assert isinstance(task.exception(), BesideGateError)
    assert not effect.happened
    assert SessionStatus.FAILED is session.status
    assert 1 == len(recorded)


async def test_a_thread_that_was_begun_with_the_chat_is_the_chats(tmp_path: Path) -> None:
    effect = Effect(tmp_path / "effect")

    def build(_: WorkflowContext, effect: Effect) -> Chat:
        worker = Worker()
        return Chat(
            gatekeeper(),
            answering(speaker(), lambda: worker.do(lambda: execute_function(effect))),
        )

    async with running(build, effect, tmp_path) as one:
        with contexts.RunContext("S-other").on():
            session = await one.run()
        recorded = await attempts(one)

    assert not effect.happened
    assert SessionStatus.FAILED is session.status
    assert UNKNOWN not in (session.error or "")
    assert 1 == len(recorded)


async def test_a_builder_may_do_all_of_it_in_threads(tmp_path: Path) -> None:
    """While other sessions run."""
    effect = Effect(tmp_path / "effect")
    done: list[Effect] = []

    def build(_: WorkflowContext, effect: Effect) -> Chat:
        for number, hand_over in enumerate((by_pool(execute_function), _by_a_thread)):
            done.append(Effect(effect.path.with_suffix(f".{number}")))
            hand_over(done[-1])
        return Chat(gatekeeper(), speaker())

    with contexts.serving(lambda _: None):
        async with running(build, effect, tmp_path):
            pass

    assert done
    assert all(each.happened for each in done)


def _by_a_thread(effect: Effect) -> None:
    thread = threading.Thread(target=execute_function, args=(effect,))
    thread.start()
    thread.join()


class Heard(Silent):
    """Remembers what was stopped."""

    def __init__(self) -> None:
        self.refused: list[bool] = []

    def refused_beside(self, *, session_known: bool) -> None:
        self.refused.append(session_known)


async def test_operators_read_of_an_attempt_that_is_no_sessions(tmp_path: Path) -> None:
    structlog.configure(wrapper_class=structlog.BoundLogger)  # the fixture silences it
    effect, heard = Effect(tmp_path / "effect"), Heard()
    async with running(replying(lambda _: None), effect, tmp_path) as one:
        manager = SessionManager(one.office.runs, one.new_registry(), observer=heard)
        with capture_logs() as logged:
            async with manager:
                said = elsewhere.WORKER.do(lambda: execute_function(effect))
                await asyncio.sleep(0)
        after = elsewhere.WORKER.do(lambda: execute_function(effect))
        recorded = await attempts(one)

    assert isinstance(said, BesideGateError)
    (line,) = [each for each in logged if each["event"] == "refused beside the gate"]
    assert ("late", "call pay", []) == (line["agent"], line["tried"], line["running"])
    assert [False] == heard.refused
    assert [] == recorded
    assert None is after  # nothing is run here any more
    assert effect.happened


async def test_operators_count_what_was_a_sessions(tmp_path: Path) -> None:
    effect, heard = Effect(tmp_path / "effect"), Heard()
    async with running(replying(execute_function), effect, tmp_path) as one:
        async with SessionManager(one.office.runs, one.new_registry(), observer=heard) as manager:
            await manager.run(one.session_id)

    assert [True] == heard.refused


@pytest.fixture
def others() -> Iterator[list[contexts.RunContext]]:
    """Two sessions that run in this process."""
    watches = [contexts.RunContext("S-1"), contexts.RunContext("S-2")]
    with ExitStack() as stack:
        for run_context in watches:
            stack.enter_context(run_context.on())
        yield watches


def test_of_several_sessions_none_is_blamed(
    others: list[contexts.RunContext], tmp_path: Path
) -> None:
    effect = Effect(tmp_path / "effect")
    said = elsewhere.WORKER.do(lambda: execute_function(effect))

    assert isinstance(said, BesideGateError)
    assert not effect.happened
    assert [None, None] == [run_context.refusal for run_context in others]


async def test_the_session_that_the_refusal_reaches_ends_with_it(tmp_path: Path) -> None:
    """Whatever was made of it on its way."""
    effect = Effect(tmp_path / "effect")

    def act(effect: Effect) -> None:
        said = elsewhere.WORKER.do(lambda: execute_function(effect))
        raise ConnectionError("Something went wrong.") from said

    async with running(replying(act), effect, tmp_path) as one:
        with contexts.RunContext("S-other").on():
            session = await one.run()
        recorded = await attempts(one)

    assert not effect.happened
    assert SessionStatus.FAILED is session.status
    assert UNKNOWN in (session.error or "")
    assert 1 == len(recorded)


# `legacy_execute_code` looks for Docker in 0.9, and leaves a socket open where there is none.
@pytest.mark.parametrize(
    "act",
    [act for act in OF_AUTOGEN if act is not legacy_execute_code],
    ids=lambda act: act.__name__,
)
def test_the_same_happens_where_no_sessions_are_run(act: Act, tmp_path: Path) -> None:
    effect = Effect(tmp_path / "effect")

    assert None is elsewhere.WORKER.do(lambda: act(effect))
    assert effect.happened


@pytest.mark.parametrize(("act", "said"), LIBRARIES, ids=lambda v: getattr(v, "__name__", ""))
async def test_a_library_executes_no_string_of_others(act: Act, said: str, tmp_path: Path) -> None:
    assert said in await stopped(act, tmp_path)


@pytest.mark.parametrize("act", [act for act, _ in LIBRARIES], ids=lambda act: act.__name__)
def test_a_library_does_outside_of_sessions(act: Act, tmp_path: Path) -> None:
    effect = Effect(tmp_path / "effect")
    act(effect)

    assert effect.happened


def imports_of_the_workflow(_: Effect) -> None:
    sys.modules.pop("tests.agents.hostile.lazily", None)
    from tests.agents.hostile.lazily import WHEN

    assert "late" == WHEN


def imports_of_libraries(_: Effect) -> None:
    for name in ("multiprocessing.managers", "doctest", "timeit", "code", "plistlib"):
        sys.modules.pop(name, None)
        __import__(name)


@pytest.mark.parametrize("act", [imports_of_the_workflow, imports_of_libraries])
async def test_imports_in_a_session_go_on(act: Act, tmp_path: Path) -> None:
    async with running(replying(act), Effect(tmp_path / "effect"), tmp_path) as one:
        session = await one.run()

    assert SessionStatus.COMPLETED is session.status, session.error


async def test_a_pool_of_processes_that_were_there_before_is_given_nothing(tmp_path: Path) -> None:
    effect = Effect(tmp_path / "effect")
    with ProcessPoolExecutor(1) as pool:
        pool.submit(int).result()
        said = await stopped(lambda _: pool.submit(effect.path.write_text, "x").result(), tmp_path)

    assert "have another process execute something (by a ProcessPoolExecutor)" in said
    assert not effect.happened


def test_pools_are_as_they_were() -> None:
    """Results, exceptions and names of arguments; and nothing is left in their threads."""
    with contexts.RunContext("S-1").on():
        assert 7 == elsewhere.POOL.submit(int, "7").result()
        assert isinstance(elsewhere.POOL.submit(int, "x").exception(), ValueError)
        assert [(1, 4), (2, 5)] == list(elsewhere.POOL.map(lambda *both: both, [1, 2], [4, 5]))
        assert (
            255 == elsewhere.OLD_POOL.apply_async(func=int, args=("ff",), kwds={"base": 16}).get()
        )
    seen: list[Any] = [elsewhere.POOL.submit(contexts.current).result()]

    assert [None] == seen
