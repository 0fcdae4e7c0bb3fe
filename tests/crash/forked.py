"""A program for a nursery that says what it finds around it."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

PREPARED: list[str] = []


def prepare(*given: str) -> None:
    """Once, before any fork."""
    PREPARED.extend(given)


def main(argv: list[str]) -> None:
    """`show`, or end by `exit WITH`, `raise`, or a signal that somebody `wait`s for."""
    what, *more = argv
    if what == "show":
        sys.stdout.write(json.dumps(_around()))
    elif what == "wait":
        sys.stdout.write(json.dumps({"ready": True}) + "\n")
        sys.stdout.flush()
        time.sleep(600)
    elif what == "raise":
        raise ValueError(more)
    else:
        sys.exit(_code(more[0]))


def _code(text: str) -> int | str | None:
    return int(text) if text.isdigit() else None if text == "none" else text


def _around() -> dict[str, object]:
    return {
        "prepared": PREPARED,
        "environ": dict(os.environ),
        "cwd": str(Path.cwd()),
        "random": random.random(),
        "alone": os.getsid(0) == os.getpgid(0) == os.getpid(),
        "stdin": sys.stdin.read(),
        "open": len(os.listdir("/proc/self/fd")) - 1,
        "sigchld": signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL,
        "blocked": len(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
    }
