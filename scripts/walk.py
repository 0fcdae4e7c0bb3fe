"""Which files one approved tool call enters, in order: `.venv/bin/python scripts/walk.py`.

Runs `countersign demo` in this process with a trace hook, from the first proposal of the guarded
call to its result, and prints each file of ours at its first entry; `again` counts how often the
walk comes back to a file that it had left for another, per task and thread. `--via jira` walks
another channel. Stand-ins, the demo itself and imports are not part of the walk.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import json
import os
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path.cwd()
PACKAGES = ("agents", "approvals", "connectors", "bot")
NOT_PART = ("bot/demo", "bot/cli", "bot/settings")


class Walk:
    """The files in the order of their first entry."""

    def __init__(self) -> None:
        self.files: dict[str, int] = {}
        self.switches = 0
        self._names: dict[str, str | None] = {}
        self._last: dict[object, str] = {}
        self.on = False

    def __call__(self, frame: FrameType, _: str, __: Any) -> None:
        """Note a call; the interpreter makes it. Its lines are not looked at."""
        if not self.on or frame.f_code.co_name == "<module>":
            return
        path = frame.f_code.co_filename
        if path not in self._names:
            self._names[path] = ours(path)
        name = self._names[path]
        if name is None:
            return
        where = self._where()
        if self._last.get(where) == name:
            return
        self._last[where] = name
        self.switches += 1
        self.files[name] = self.files.get(name, -1) + 1

    def _where(self) -> object:
        running = asyncio._get_running_loop() is not None
        return (asyncio.current_task() if running else None) or threading.get_ident()


def ours(path: str) -> str | None:
    """The path in the repository, without the link that it was imported through."""
    if not path.startswith(str(ROOT)):
        return None
    name = os.path.relpath(path, ROOT).removeprefix("countersign/")
    return name if name.startswith(PACKAGES) and not name.startswith(NOT_PART) else None


def main() -> int:
    """Walk once and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--via", default="teams")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    from countersign.agents.gate import Gate
    from countersign.bot.cli.commands import app

    walk = Walk()
    first = next(name for name in ("propose", "settle") if hasattr(Gate, name))
    proposed = getattr(Gate, first)

    async def begin(self: Any, *args: Any, **kwargs: Any) -> Any:
        walk.on = True
        return await proposed(self, *args, **kwargs)

    setattr(Gate, first, begin)
    threading.settrace(
        walk
    )  # calls only: a profile hook is told of each return and C function, too
    sys.settrace(walk)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        app(["demo", "--via", options.via, "--json"])
    sys.settrace(None)
    threading.settrace(None)
    if options.json:
        print(json.dumps(walk.files, indent=2))
    else:
        for number, (name, again) in enumerate(walk.files.items(), 1):
            print(f"{number:>4}  {name:<50} again {again}")
        print(
            f"{len(walk.files)} files, {walk.switches} switches, {sum(walk.files.values())} returns"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
