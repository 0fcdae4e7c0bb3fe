"""A process that runs a session of chats side by side, and may kill itself at one of its steps.

`python -m tests.crash.side_by_side FOLDER MODEL_URL LATER_S STEP WHEN`: one attempt on the SQLite
database of the folder, so many seconds after its beginning. It counts what the session manager
calls of the domain, and kills itself with SIGKILL before or after call number STEP (0: never). What
tools do is a line in `effects.txt`. Writes the call at which it dies, or `end`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from countersign import Registry, SessionManager, WorkflowContext
from countersign.agents.classic.models import ModelSettings, SharedClient, llm_config
from countersign.sandbox.openai.server import API_KEY
from tests.agents.parallel.flows import side_by_side
from tests.agents.people import sqlite_office
from tests.agents.teams import GUARDED, Effects

EFFECTS, DATABASE, SESSION = "effects.txt", "a.db", "session"
BRANCHES = ("mail", "crm", "facts")


class Mortal:
    """A Runs whose process is killed at one of its calls."""

    def __init__(self, runs: Any, step: int, when: str):
        self._runs, self._left, self._when = runs, step, when
        self.lease_s, self.time_limit_s = runs.lease_s, runs.time_limit_s

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._runs, name)

        async def call(*args: Any, **kwargs: Any) -> Any:
            self._left -= 1
            dies = self._left == 0
            if dies and self._when == "before":
                _die(name)
            result = await method(*args, **kwargs)
            if dies:
                _die(name)
            return result

        return call


def _die(where: str) -> None:
    sys.stdout.write(where)
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGKILL)


def flow(folder: Path) -> Any:
    """The workflow, whose effects are lines of a file."""

    class Written(Effects):
        def happen(self, tool: str, **arguments: Any) -> None:
            line = f"{tool} {arguments.get('name') or arguments.get('to') or arguments['record']}\n"
            with (folder / EFFECTS).open("a") as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())

    return side_by_side(Written(), *BRANCHES, then="writer")


def registry_of(folder: Path, url: str, client: SharedClient) -> Registry:
    """The workflows of this process."""
    settings = ModelSettings(api_key=API_KEY, base_url=url)
    registry = Registry(WorkflowContext(llm_config=llm_config(settings, client)))
    registry.add(flow(folder))
    return registry


async def main(folder: Path, url: str, later_s: float, step: int, when: str) -> None:
    """One attempt."""
    session_id = (folder / SESSION).read_text()
    with SharedClient(trust_env=False, verify=False) as client:
        registry = registry_of(folder, url, client)
        async with sqlite_office(folder / DATABASE, registry, GUARDED, ()) as office:
            office.advance(later_s)
            mortal: Any = Mortal(office.runs, step, when)
            async with SessionManager(mortal, registry) as manager:
                await manager.run(session_id)
    sys.stdout.write("end")


if __name__ == "__main__":
    given = sys.argv[1:]
    asyncio.run(main(Path(given[0]), given[1], float(given[2]), int(given[3]), given[4]))
