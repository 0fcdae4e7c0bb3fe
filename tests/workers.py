"""Tests side by side, in processes that are forked once all tests are collected:
`pytest -p tests.workers --workers 3`.

With pytest-xdist each worker imports and collects everything for itself, which takes half a minute
of CPU with coverage. Here it is done once, and what was imported stays shared memory. A worker
takes the next tests of the list whenever it has none left: many at first, so that what a module has
set up serves many of its tests, and one at a time in the end, so that all end at the same time.

To other plugins a worker looks like one of pytest-xdist, whose words these are.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import pytest
from _pytest._io import TerminalWriter
from _pytest.junitxml import xml_key
from xdist.remote import serialize_warning_message  # type: ignore[import-untyped]
from xdist.workermanage import unserialize_warning_message  # type: ignore[import-untyped]

ROUNDS = 4
"""So many times each worker comes back for tests while half of them are left."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--workers` of this plugin."""
    parser.addoption("--workers", type=int, default=1, help="so many processes that run tests")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Run all that was collected; with one worker, or to collect only, pytest does so itself."""
    config = session.config
    workers = min(config.getoption("workers"), len(session.items))
    if workers < 2 or config.option.collectonly or session.testsfailed:
        return None
    others = [each.name for each in threading.enumerate() if each is not threading.main_thread()]
    assert not others, f"threads that were begun at an import, which no fork takes along: {others}"
    _Parent(session, workers).run()
    return True


class _Queue:
    """Which tests are next, for all workers together."""

    def __init__(self, tests: int, workers: int):
        self._tests, self._share = tests, workers * ROUNDS
        self._next: Any = get_context("fork").Value("i", 0)

    def take(self) -> range:
        """The places of some tests in the list; empty once all were taken."""
        with self._next.get_lock():
            first = int(self._next.value)
            some = range(first, first + -(-(self._tests - first) // self._share))
            self._next.value = some.stop
        return some

    def empty(self) -> None:
        """Leave nothing to be taken."""
        with self._next.get_lock():
            self._next.value = self._tests


@dataclass(eq=False)
class _Worker:
    """A child and what is known of it. Reports have it as `node`, of which names are read."""

    id: str
    pid: int
    events: Connection
    left: deque[int]
    """What it has taken and not begun."""
    at: dict[str, Any] | None = None
    over: bool = False
    gateway: Any = field(init=False)
    _workerinfocache: str = field(init=False)

    def __post_init__(self) -> None:
        self.gateway, self._workerinfocache = self, f"[{self.id}]"


class _Parent:
    """Forks workers, and tells pytest what they report."""

    def __init__(self, session: pytest.Session, workers: int):
        self._session, self._config = session, session.config
        self._queue = _Queue(len(session.items), workers)
        self._at_work: dict[Connection, _Worker] = {}
        self._folder = Path(self._config._tmp_path_factory.getbasetemp())  # type: ignore[attr-defined]
        self._workers, self._born, self._begun = workers, 0, 0

    def run(self) -> None:
        """Return when all tests have run."""
        reporter = self._config.pluginmanager.getplugin("terminalreporter")
        if reporter is not None:
            reporter.showfspath = False  # files take turns
        try:
            for _ in range(self._workers):
                self._fork()
            while self._at_work:
                for events in wait(list(self._at_work)):
                    self._hear(self._at_work[events])  # type: ignore[index]
                    if self._session.shouldfail:
                        raise self._session.Failed(self._session.shouldfail)
                    if self._session.shouldstop:
                        raise self._session.Interrupted(self._session.shouldstop)
            assert self._begun == len(self._session.items), "tests that no worker has run"
        finally:
            for worker in list(self._at_work.values()):
                with suppress(ProcessLookupError):
                    os.kill(worker.pid, signal.SIGTERM)
                self._bury(worker)

    def _fork(self, first: Iterable[int] = ()) -> None:
        """One more worker, which runs the tests in these places before others."""
        left = deque(first)
        name = f"gw{self._born}"
        self._born += 1
        here, there = get_context("fork").Pipe(duplex=False)
        capture = self._config.pluginmanager.getplugin("capturemanager")
        capture.suspend(in_=True)
        pid = os.fork()
        if pid == 0:
            here.close()
            _Child(self._session, name, there, self._folder / f"popen-{name}").live(
                left, self._queue
            )
        capture.resume()
        there.close()
        self._at_work[here] = _Worker(name, pid, here, left)

    def _hear(self, worker: _Worker) -> None:
        try:
            name, said = worker.events.recv()
        except (EOFError, ConnectionResetError):
            status = self._bury(worker)
            if not worker.over:
                self._lost(worker, status)
            return
        if name == "took":
            worker.left.extend(said["places"])
        elif name == "over":
            worker.over = True
        elif name == "error":
            worker.over = True
            self._queue.empty()
            raise RuntimeError(f"{worker.id} could not go on:\n{said['text']}")
        else:
            if name == "runtest_logstart":
                worker.at = said
                worker.left.popleft()
                self._begun += 1
            self._tell(worker, name, said)

    def _tell(self, worker: _Worker, name: str, said: dict[str, Any]) -> None:
        hook = self._config.hook
        if name == "runtest_logreport":
            report = hook.pytest_report_from_serializable(config=self._config, data=said["data"])
            report.node = worker
            hook.pytest_runtest_logreport(report=report)
        elif name == "warning_recorded":
            said["warning_message"] = unserialize_warning_message(said["warning_message"])
            hook.pytest_warning_recorded.call_historic(kwargs=said)
        else:
            getattr(hook, f"pytest_{name}")(**said)

    def _lost(self, worker: _Worker, status: int) -> None:
        """A test has ended its worker: that is its report, and another one goes on."""
        if worker.at is not None:
            test = worker.at["nodeid"]
            said = f"{worker.id} ended with {status} while it ran {test}"
            when: Any = "???"  # so says pytest-xdist: it is an error to whoever counts
            report = pytest.TestReport(
                test, worker.at["location"], {}, "failed", said, when, start=time.time()
            )
            report.node = worker  # type: ignore[attr-defined]
            self._config.hook.pytest_runtest_logreport(report=report)
        self._fork(worker.left)

    def _bury(self, worker: _Worker) -> int:
        del self._at_work[worker.events]
        worker.events.close()
        _, status = os.waitpid(worker.pid, 0)
        return os.waitstatus_to_exitcode(status)


class _Child:
    """Runs tests of the queue in a process of its own, and sends what it would print."""

    def __init__(self, session: pytest.Session, name: str, events: Connection, folder: Path):
        self._session, self._config, self._events = session, session.config, events
        self._name, self._folder, self._begun = name, folder, False

    def live(self, left: Iterable[int], queue: _Queue) -> None:
        """Never return."""
        status = 1
        try:
            self._begin()
            self._work(self._places(left, queue))
            self._config.hook.pytest_sessionfinish(session=self._session, exitstatus=0)
            self._send("over")
            atexit._run_exitfuncs()
            status = 0
        except BaseException:
            with suppress(OSError):
                self._send("error", text=traceback.format_exc())
        finally:
            os._exit(status)

    def _begin(self) -> None:
        atexit._clear()  # what the parent has to do in the end
        config, plugins = self._config, self._config.pluginmanager
        os.environ["PYTEST_XDIST_WORKER"] = self._name
        config.workerinput = {"workerid": self._name}  # type: ignore[attr-defined]
        plugins.unregister(plugins.getplugin("terminalreporter"))
        # pytest-timeout writes the stacks there: into what the test has printed.
        config.get_terminal_writer = lambda: TerminalWriter(sys.stderr)  # type: ignore[method-assign]
        # Whoever starts all of it in the background lets it ignore this, and so all that it starts.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if xml_key in config.stash:  # what a test records goes into its report
            plugins.unregister(config.stash[xml_key])
            del config.stash[xml_key]
        capture = plugins.getplugin("capturemanager")
        assert capture is not None
        capture.stop_global_capturing()  # the file of it is the parent's
        capture.start_global_capturing()
        config.option.basetemp = str(self._folder)
        factory: Any = type(config._tmp_path_factory)  # type: ignore[attr-defined]
        config._tmp_path_factory = factory.from_config(config, _ispytest=True)  # type: ignore[attr-defined]
        plugins.register(self, "forked worker")  # which hears of every earlier warning
        self._begun = True

    def _places(self, left: Iterable[int], queue: _Queue) -> Iterator[int]:
        yield from left
        while some := queue.take():
            self._send("took", places=some)
            yield from some

    def _work(self, places: Iterator[int]) -> None:
        session = self._session
        place = next(places, None)
        while place is not None and not (session.shouldfail or session.shouldstop):
            item, place = session.items[place], next(places, None)
            follows = None if place is None else session.items[place]
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=follows)

    def _send(self, name: str, **said: Any) -> None:
        self._events.send((name, said))

    def pytest_runtest_logstart(self, nodeid: str, location: Any) -> None:
        """Tell the parent."""
        self._send("runtest_logstart", nodeid=nodeid, location=location)

    def pytest_runtest_logfinish(self, nodeid: str, location: Any) -> None:
        """Tell the parent."""
        self._send("runtest_logfinish", nodeid=nodeid, location=location)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Tell the parent."""
        data = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        self._send("runtest_logreport", data=data)

    def pytest_warning_recorded(
        self, warning_message: Any, when: str, nodeid: str, location: Any
    ) -> None:
        """Tell the parent, unless it knows."""
        if not self._begun:
            return
        plain = serialize_warning_message(warning_message)
        self._send(
            "warning_recorded", warning_message=plain, when=when, nodeid=nodeid, location=location
        )
