"""Ways to have somebody else do it: threads that were there before, and libraries."""

from __future__ import annotations

import asyncio
import bdb
import code
import cProfile
import doctest
import importlib.util
import io
import profile
import queue
import runpy
import sched
import sys
import threading
import timeit
import trace
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, redirect_stdout
from multiprocessing.pool import ThreadPool

from tests.agents.hostile.at_run_time import Act
from tests.agents.hostile.frame import Effect

WAIT_S = 20.0
POOL: ThreadPoolExecutor
OLD_POOL: ThreadPool
LOOP: asyncio.AbstractEventLoop
WORKER: Worker


class Worker:
    """A thread that does what it finds in its queue."""

    def __init__(self) -> None:
        self._jobs: queue.Queue[tuple[Callable[[], object], queue.Queue[BaseException | None]]] = (
            queue.Queue()
        )
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        while True:
            job, done = self._jobs.get()
            try:
                job()
            except BaseException as exc:
                done.put(exc)
            else:
                done.put(None)

    def do(self, job: Callable[[], object]) -> BaseException | None:
        """What it raised, if it did."""
        done: queue.Queue[BaseException | None] = queue.Queue()
        self._jobs.put((job, done))
        return done.get(timeout=WAIT_S)


def begin() -> None:
    """Have the threads there before any session, in the process that runs the tests: it may be
    forked from the one that has imported this."""
    global POOL, OLD_POOL, LOOP, WORKER
    POOL, OLD_POOL, LOOP = ThreadPoolExecutor(1), ThreadPool(1), asyncio.new_event_loop()
    POOL.submit(int).result()  # its thread is there
    threading.Thread(target=LOOP.run_forever, daemon=True).start()
    WORKER = Worker()


def end() -> None:
    """Leave no pool and no loop behind."""
    POOL.shutdown()
    OLD_POOL.terminate()
    OLD_POOL.join()
    LOOP.call_soon_threadsafe(LOOP.stop)


def by_pool(act: Act) -> Act:
    return lambda effect: POOL.submit(act, effect).result(WAIT_S)


def by_map(act: Act) -> Act:
    return lambda effect: list(POOL.map(act, [effect]))


def by_apply(act: Act) -> Act:
    return lambda effect: OLD_POOL.apply_async(func=act, args=(effect,)).get(WAIT_S)


def by_old_map(act: Act) -> Act:
    return lambda effect: OLD_POOL.map(act, [effect])


def by_imap(act: Act) -> Act:
    return lambda effect: list(OLD_POOL.imap(act, [effect]))


def by_imap_unordered(act: Act) -> Act:
    return lambda effect: list(OLD_POOL.imap_unordered(act, [effect]))


def by_loop(act: Act) -> Act:
    async def later(effect: Effect) -> None:
        act(effect)

    return lambda effect: asyncio.run_coroutine_threadsafe(later(effect), LOOP).result(WAIT_S)


def by_pool_of_a_loop(act: Act) -> Act:
    async def later(effect: Effect) -> None:
        await asyncio.get_running_loop().run_in_executor(POOL, act, effect)

    return lambda effect: asyncio.run_coroutine_threadsafe(later(effect), LOOP).result(WAIT_S)


def by_thread_and_pool(act: Act) -> Act:
    """The thread has no context; the pool's was there before."""

    def run(effect: Effect) -> None:
        thread = threading.Thread(target=lambda: POOL.submit(act, effect).exception(WAIT_S))
        thread.start()
        thread.join()

    return run


def by_worker(act: Act) -> Act:
    """Which swallows what it raises."""
    return lambda effect: WORKER.do(lambda: act(effect))


CARRIED = (
    by_pool,
    by_map,
    by_apply,
    by_old_map,
    by_imap,
    by_imap_unordered,
    by_loop,
    by_pool_of_a_loop,
    by_thread_and_pool,
)


def by_interpreter(effect: Effect) -> None:
    compiled = compile(effect.code, "<model>", "exec")
    code.InteractiveInterpreter().runcode(compiled)


def by_interpreter_of_source(effect: Effect) -> None:
    code.InteractiveInterpreter().runsource(effect.code)


def by_timing(effect: Effect) -> None:
    timeit.timeit(effect.code, number=1)


def by_path(effect: Effect) -> None:
    script = effect.path.with_suffix(".py")
    script.write_text(effect.code)
    runpy.run_path(str(script))


def by_import(effect: Effect) -> None:
    script = effect.path.with_suffix(".py")
    script.write_text(effect.code)
    spec = importlib.util.spec_from_file_location("written_by_a_model", script)
    assert spec is not None
    assert spec.loader is not None
    spec.loader.exec_module(importlib.util.module_from_spec(spec))


@contextmanager
def watched() -> Iterator[None]:
    """Whatever watches this thread and new ones goes on afterwards: these take its place."""
    mine, others = (sys.gettrace(), sys.getprofile()), threading.gettrace()
    try:
        yield
    finally:
        sys.settrace(mine[0])
        sys.setprofile(mine[1])
        threading.settrace(others)


def by_debugger(effect: Effect) -> None:
    with watched():
        bdb.Bdb().run(effect.code)


def by_profiler(effect: Effect) -> None:
    cProfile.Profile().run(effect.code)


def by_old_profiler(effect: Effect) -> None:
    with watched():
        profile.Profile().run(effect.code)


def by_tracer(effect: Effect) -> None:
    with watched():
        trace.Trace(count=0, trace=0).run(effect.code)


def by_examples(effect: Effect) -> None:
    with redirect_stdout(io.StringIO()):
        doctest.run_docstring_examples(f">>> _ = {effect.code}", {})


def by_scheduler(effect: Effect) -> None:
    later = sched.scheduler()
    later.enter(0, 1, exec, (effect.code,))
    later.run()


def by_finalizer(effect: Effect) -> None:
    weakref.finalize(effect, exec, effect.code)()


def by_pool_itself(effect: Effect) -> None:
    POOL.submit(exec, effect.code).result(WAIT_S)


def by_thread_itself(effect: Effect) -> None:
    thread = threading.Thread(target=exec, args=(effect.code,))
    hook, threading.excepthook = threading.excepthook, lambda _: None
    try:
        thread.start()
        thread.join()
    finally:
        threading.excepthook = hook


LIBRARIES: list[tuple[Act, str]] = [
    (by_interpreter, "execute code (by exec or eval, by code)"),
    (by_interpreter_of_source, "execute code (by exec or eval, by code)"),
    (by_timing, "execute code (by exec or eval, by timeit)"),
    (by_path, "execute code (by exec or eval, by runpy)"),
    (by_import, "by an import of a file that was written since this server began"),
    (by_debugger, "execute code (by exec or eval, by bdb)"),
    (by_profiler, "execute code (by exec or eval, by cProfile)"),
    (by_old_profiler, "execute code (by exec or eval, by profile)"),
    (by_tracer, "execute code (by exec or eval, by trace)"),
    (by_examples, "execute code (by exec or eval, by doctest)"),
    (by_scheduler, "execute code (by exec or eval, by sched)"),
    (by_finalizer, "execute code (by exec or eval, by weakref)"),
    (by_pool_itself, "execute code (by exec or eval)"),
    (by_thread_itself, "execute code (by exec or eval, by threading)"),
]
