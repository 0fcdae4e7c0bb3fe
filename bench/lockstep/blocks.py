"""The processes of the contenders, and what is asked of them in turn."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal, NoReturn, cast

from bench.launch import NOT_PASSED_ON, ROOT, STDERR_TAIL
from bench.measure import BenchError, require

WORKER = Path(__file__).with_name("worker.py")
START_TIMEOUT_S, ANSWER_TIMEOUT_S, END_TIMEOUT_S = 120.0, 600.0, 60.0


@dataclass(frozen=True)
class Program:
    """What runs as one process."""

    name: str
    module: str
    """Has `opened(database)`; by name, or by path on a checkout that may have another one."""
    python: Path = Path(sys.executable)
    root: Path = ROOT
    where: Literal["before", "behind"] = "behind"
    """The checkout on the path: before what is installed, or behind it for whoever has an
    environment of its own (`agents` is openai-agents' there)."""
    env: Mapping[str, str] = field(default_factory=dict)


class Worker:
    """A process that waits for commands."""

    def __init__(self, program: Program, popen: subprocess.Popen[str], errors: IO[bytes]):
        self.name, self._popen, self._errors = program.name, popen, errors
        require(popen.stdin and popen.stdout, "its pipes are open")
        self._stdin, self._stdout = cast(IO[str], popen.stdin), cast(IO[str], popen.stdout)
        self._over = False
        about = self._answer(START_TIMEOUT_S)
        self.versions: dict[str, str] = about["versions"]
        self.ledger: str | None = about["ledger"]
        self.stores: bool = about["stores"]

    def block(self, leg: str, *, first: int, n: int, at_once: int = 1) -> dict[str, Any]:
        """The figures of `n` units of a leg. Raises BenchError if the job was not done."""
        found: dict[str, Any] = self.ask("block", leg=leg, first=first, n=n, at_once=at_once)
        return found

    def ask(self, do: str, **arguments: Any) -> Any:
        """What a method of its side returns. Raises BenchError if it failed."""
        try:
            self._stdin.write(json.dumps({"do": do, **arguments}) + "\n")
            self._stdin.flush()
        except BrokenPipeError:
            self._fail("has ended")
        return self._answer(ANSWER_TIMEOUT_S)["value"]

    def close(self) -> None:
        """Let it come to its end, once. Raises BenchError if that is a bad one."""
        if self._over:
            return
        self._over = True
        self._stdin.close()
        try:
            status = self._popen.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._fail(f"did not end within {END_TIMEOUT_S:.0f} s")
        if status != 0:
            self._fail(f"ended with {status}")

    def _answer(self, timeout_s: float) -> dict[str, Any]:
        # One line for each command, so nothing is left in the buffer that select cannot see.
        if not select.select([self._stdout], [], [], timeout_s)[0]:
            self._fail(f"did not answer within {timeout_s:.0f} s")
        if not (line := self._stdout.readline()):
            self._popen.wait(END_TIMEOUT_S)
            self._fail(f"ended with {self._popen.returncode}")
        found: dict[str, Any] = json.loads(line)
        return found

    def _fail(self, how: str) -> NoReturn:
        self._over = True
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace")[-STDERR_TAIL:].strip()
        raise BenchError(f"{self.name} {how}: {said}")


@contextmanager
def running(program: Program, database: Path) -> Iterator[Worker]:
    """The process, ready for its first block; whatever happens, it is gone afterwards.

    Raises BenchError with what it said if it cannot start, or does not end well.
    """
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(NOT_PASSED_ON)}
    argv = [str(program.python), "-P", str(WORKER), program.where, str(program.root)]
    with tempfile.TemporaryFile() as errors:
        popen = subprocess.Popen(
            [*argv, program.module, str(database)],
            env={**inherited, **program.env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        try:
            worker = Worker(program, popen, errors)
            yield worker
            worker.close()
        finally:
            # It ends the servers that it has started once its input has ended.
            for pipe in (popen.stdin, popen.stdout):
                if pipe is not None and not pipe.closed:
                    with suppress(BrokenPipeError):
                        pipe.close()
            try:
                popen.wait(END_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                popen.kill()
                popen.wait()
