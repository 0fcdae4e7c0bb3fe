"""Child processes of `countersign run`: started together, ended together, their last words kept."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

STOP_TIMEOUT_S = 15.0
"""More than the server's own grace; then the child is killed."""
TAIL_LINES = 15
LOOK_EVERY_S = 0.05


class ChildError(Exception):
    """A child ended before it was ready."""

    def __init__(self, name: str, reason: str):
        super().__init__(f"{name}: {reason}")
        self.name, self.reason = name, reason


class Child:
    """One program; everything it prints goes to its log."""

    def __init__(
        self,
        name: str,
        command: list[str],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ):
        self.name, self._command, self._log = name, command, log
        self._environment, self._folder = environment, folder
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        """Start it."""
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(self._environment) if self._environment is not None else None,
                cwd=self._folder,
                # Ctrl-C reaches only the parent, which ends the children in order.
                start_new_session=True,
            )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it and whatever it started."""
        process = self._started
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await process.wait()
        except TimeoutError:
            self._signal(signal.SIGKILL)
            await process.wait()

    async def wait(self) -> None:
        """Return when it has ended."""
        await self._started.wait()

    async def first_line(self, timeout_s: float) -> str:
        """The first line it prints. Raises ChildError if it ends before that."""
        async with asyncio.timeout(timeout_s):
            while True:
                ended = self._started.returncode is not None
                line, newline, _ = self._log.read_text(errors="replace").partition("\n")
                if ended:
                    raise ChildError(self.name, self.tail())
                if newline:
                    return line
                await asyncio.sleep(LOOK_EVERY_S)

    def require_running(self) -> None:
        """Raise ChildError if it has ended."""
        if self._started.returncode is not None:
            raise ChildError(self.name, self.tail())

    def tail(self) -> str:
        """The end of its log."""
        lines = self._log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-TAIL_LINES:]) or f"it said nothing; see {self._log}"

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._started.pid, number)

    @property
    def _started(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._process
