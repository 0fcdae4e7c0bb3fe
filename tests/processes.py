"""Children of a test: started, killed, frozen and woken by name, with their output in a file."""

from __future__ import annotations

import atexit
import fcntl
import functools
import itertools
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any, Self

ROOT = Path(__file__).resolve().parent.parent
START_TIMEOUT_S = 60.0
STORY_TIMEOUT_S = 60.0
POLL_S = 0.05
PATIENCE, MAX_POLL_S = 0.1, 0.5
"""How much of what was waited so far is waited on before it is looked again, and at most."""
_SETPRIV = shutil.which("setpriv")
ENDS_WITH_US = (_SETPRIV, "--pdeathsig", "KILL") if _SETPRIV else ()
"""Before a command: whatever ends the thread that started it, a `kill -9` of pytest included, ends
the command. Where util-linux is missing it may be left over."""


PORTS = range(20_000, 32_000)
"""Of servers that are started again and again in the same place. Systems take the local ports of
their clients from above: one of those could be anybody's while the server is down."""


def free_port() -> int:
    """A port that nobody listens on now, and that no other test gets while this process lives."""
    locks = Path(gettempdir()) / "countersign-test-ports"
    locks.mkdir(exist_ok=True)
    for port in random.SystemRandom().sample(PORTS, len(PORTS)):
        lock = os.open(locks / str(port), os.O_CREAT | os.O_WRONLY)  # released when we end
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            os.close(lock)
            continue
        return port
    raise AssertionError(f"no port of {PORTS} is free")


def until(
    found: Any, what: str, timeout_s: float = STORY_TIMEOUT_S, *, every_s: float = POLL_S
) -> Any:
    """The first true answer of `found`, which another process brings about. It is asked every
    `every_s`, and more seldom the longer it takes: who asks takes time from who brings it about."""
    began = time.monotonic()
    while (waited_s := time.monotonic() - began) < timeout_s:
        value = found()
        if value:
            return value
        time.sleep(max(every_s, min(waited_s * PATIENCE, MAX_POLL_S)))
    raise AssertionError(f"waited {timeout_s:.0f} s for {what}")


class Process:
    """A child in a process group of its own, with its output in a file."""

    def __init__(self, name: str, argv: list[str], directory: Path, env: Mapping[str, str]):
        self.name, self._argv, self._directory, self._env = name, argv, directory, env
        self.log = directory / f"{name}.log"
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def _whole_env(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(ROOT), **self._env}

    def start(self) -> None:
        """Start it; its output is appended to the log."""
        with self.log.open("ab") as out:
            self._popen = subprocess.Popen(
                [*ENDS_WITH_US, *self._argv],
                cwd=self._directory,
                env=self._whole_env,
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Its number; 0 before it is started."""
        return 0 if self._popen is None else self._popen.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._popen is not None and self._popen.poll() is None

    def wait(self, timeout_s: float = START_TIMEOUT_S) -> int:
        """Its exit status, once it has ended by itself."""
        assert self._popen is not None
        return self._popen.wait(timeout_s)

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End it, at once unless told otherwise."""
        if self.running:
            os.killpg(self.pid, how)
            self.wait(START_TIMEOUT_S)

    @property
    def frozen(self) -> bool:
        """Whether it is stopped by SIGSTOP and runs no instruction."""
        status = Path(f"/proc/{self.pid}/status")
        try:
            return "State:\tT" in status.read_text()
        except OSError:
            return False

    def thaw(self) -> None:
        """Let it go on after a SIGSTOP, as if no time had passed."""
        os.kill(self.pid, signal.SIGCONT)

    def text(self) -> str:
        """What it has printed so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def first_json(self) -> dict[str, Any]:
        """The JSON line with which a stand-in says that it is ready."""

        def found() -> dict[str, Any] | None:
            for line in self.text().splitlines():
                if line.startswith("{"):
                    value: dict[str, Any] = json.loads(line)
                    return value
            assert self.running, f"{self.name} ended at its start:\n{self.text()}"
            return None

        ready: dict[str, Any] = until(found, f"{self.name} to be ready")
        return ready


def stand_in(name: str, directory: Path, *options: str, log: str = "") -> Process:
    """A stand-in as a program on a free port, which is starting; its `first_json` says where."""
    argv = [name, "--port", "0", *options]
    child = Forked(log or name, argv, directory, {}, _nursery("tests.stand_ins"))
    child.start()
    return child


class Nursery:
    """A process that has imported the product and forks servers: importing takes seconds, and a
    suite that starts hundreds of servers would do little else.

    What it forks is a process of its own, with its own event loop, connections and threads.
    """

    def __init__(self, directory: Path, *, module: str, arguments: Sequence[str] = ()):
        """`arguments` are those of the `prepare` of the module."""
        argv = [sys.executable, "-m", "tests.nursery", module, *arguments]
        self._directory, self._born = directory, itertools.count()
        self._log = directory / "nursery.log"
        log = self._log.open("ab")
        self._popen = subprocess.Popen(
            argv,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
        log.close()
        self._one_at_a_time = threading.Lock()

    @property
    def running(self) -> bool:
        """Whether it has not ended; what it has forked ends with it."""
        return self._popen.poll() is None

    def fork(
        self, argv: list[str], directory: Path, env: Mapping[str, str], log: Path, errors: Path
    ) -> tuple[int, Path]:
        """The process id of a new server, and the file that has its exit status in the end."""
        stdin, stdout = self._popen.stdin, self._popen.stdout
        assert stdin is not None
        assert stdout is not None
        ended = self._directory / f"{next(self._born)}.ended"
        paths = {"cwd": directory, "log": log, "errors": errors, "ended": ended}
        wish = {"argv": argv, "env": dict(env), **{name: str(at) for name, at in paths.items()}}
        with self._one_at_a_time:
            stdin.write(json.dumps(wish).encode() + b"\n")
            stdin.flush()
            answer = stdout.readline()
        assert answer, f"the nursery has ended:\n{self._log.read_text(errors='replace')[-4000:]}"
        return int(answer), ended

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """No more children; those that run end with it."""
        self._popen.kill()
        self._popen.wait()
        for pipe in (self._popen.stdin, self._popen.stdout):
            if pipe is not None:
                pipe.close()


class Forked(Process):
    """A server that a nursery forks; otherwise like any `Process`."""

    def __init__(
        self,
        name: str,
        argv: list[str],
        directory: Path,
        env: Mapping[str, str],
        nursery: Nursery,
    ):
        super().__init__(name, argv, directory, env)
        self._nursery, self._pid = nursery, 0
        self._ended = directory
        self.errors = self.log

    def start(self) -> None:
        self._pid, self._ended = self._nursery.fork(
            self._argv, self._directory, self._whole_env, self.log, self.errors
        )

    @property
    def pid(self) -> int:
        return self._pid

    @property
    def running(self) -> bool:
        return bool(self._pid) and not self._ended.exists() and self._nursery.running

    def wait(self, timeout_s: float = START_TIMEOUT_S) -> int:
        until(lambda: not self.running, f"{self.name} to end", timeout_s, every_s=0.005)
        return int(self._ended.read_text())


_one_nursery = threading.Lock()


@functools.cache
def _nursery_of(module: str) -> Nursery:
    """Where all that this module prepares comes from in this process, until it ends."""
    folder = TemporaryDirectory(prefix="countersign-nursery-")
    atexit.register(folder.cleanup)
    nursery = Nursery(Path(folder.name), module=module)
    atexit.register(nursery.__exit__)
    return nursery


def _nursery(module: str) -> Nursery:
    with _one_nursery:
        return _nursery_of(module)


def countersign(name: str, argv: Sequence[str], directory: Path, env: Mapping[str, str]) -> Forked:
    """`countersign` with these arguments as a process that is not started yet: the whole program,
    but for its imports, which are made once. Tests of those start it by `Process`."""
    return Forked(name, list(argv), directory, env, _nursery("tests.programs"))


def said_by(
    argv: Sequence[str], directory: Path, env: Mapping[str, str], *, timeout_s: float = 120.0
) -> subprocess.CompletedProcess[str]:
    """What `countersign` with these arguments has printed, and its exit status."""
    with TemporaryDirectory(prefix="countersign-said-") as folder:
        child = countersign("said", argv, directory, env)
        child.log, child.errors = Path(folder) / "out", Path(folder) / "errors"
        child.start()
        status = child.wait(timeout_s)
        said = (path.read_text() for path in (child.log, child.errors))
        return subprocess.CompletedProcess(list(argv), status, *said)
