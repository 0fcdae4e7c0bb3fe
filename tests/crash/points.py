"""Points at which a server can be killed or frozen: named, counted, and armed by a test.

A point is `NAME:SIDE:NUMBER`: the NUMBER-th time, over all servers, that the step NAME is reached
on that SIDE since it was armed. Names of steps are those of the code (`Runs.start`), so a step
that is added to the product is a new point, and not one that somebody has to think of.
"""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

DIRECTORY = "COUNTERSIGN_TEST_POINTS"
"""Environment variable of a server: where its points are armed."""
LEASE_S = "COUNTERSIGN_TEST_LEASE_S"
"""Another one: how long a session stays with a server that is gone."""
LOOK_S = "COUNTERSIGN_TEST_LOOK_S"
"""And how long after a death a message that was drawn again is drawn once more."""


@dataclass(frozen=True)
class Point:
    """One step on one side, the n-th time."""

    name: str
    side: str
    number: int = 1

    def __str__(self) -> str:
        return f"{self.name}:{self.side}:{self.number}"


class Points:
    """What a test and the servers that it may kill share: some small files."""

    def __init__(self, directory: Path):
        directory.mkdir(exist_ok=True)
        self._armed, self._fired = directory / "armed", directory / "fired"
        self._steps, self._lock = directory / "steps", directory / "lock"

    def arm(self, point: Point, how: signal.Signals = signal.SIGKILL) -> None:
        """Let the first server that reaches the point get this signal; only that one."""
        with self._alone():
            self._fired.unlink(missing_ok=True)
            self._armed.write_text(f"{point.name} {point.side} {point.number} {int(how)}")

    def disarm(self) -> bool:
        """Nobody dies any more; whether somebody would have."""
        with self._alone():
            was = self._armed.exists()
            self._armed.unlink(missing_ok=True)
            return was

    @property
    def fired(self) -> int:
        """The process id of the server that reached the point; 0 if none has."""
        said = self._fired.read_text() if self._fired.exists() else ""
        return int(said or 0)  # it may be written just now

    def record(self) -> None:
        """From now on, write down every step that is reached."""
        self._steps.write_text("")

    def seen(self, name: str, side: str) -> bool:
        """Whether the step was reached since `record`."""
        return f"{name} {side}\n" in self._steps.read_text()

    def steps(self) -> list[tuple[str, str]]:
        """The steps since `record`, in order: name and side. They are recorded no more."""
        lines = self._steps.read_text().splitlines()
        self._steps.unlink()
        return [(name, side) for name, _, side in (line.partition(" ") for line in lines)]

    def reach(self, name: str, side: str) -> None:
        """A server is here now. It may not return."""
        if self._steps.exists():
            with self._steps.open("a") as out:
                out.write(f"{name} {side}\n")
        if not self._armed.exists():
            return
        with self._alone():
            how = self._count(name, side)
        if how:
            os.kill(os.getpid(), how)

    def _count(self, name: str, side: str) -> int:
        try:
            armed_name, armed_side, number, how = self._armed.read_text().split(" ")
        except (OSError, ValueError):  # disarmed meanwhile
            return 0
        if (armed_name, armed_side) != (name, side):
            return 0
        if int(number) > 1:
            self._armed.write_text(f"{name} {side} {int(number) - 1} {how}")
            return 0
        self._armed.unlink()
        self._fired.write_text(str(os.getpid()))
        return int(how)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._lock.open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
