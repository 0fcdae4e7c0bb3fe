"""A person at a terminal: one who is played, and a real one behind a pseudo-terminal."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

from countersign.bot.cli.server import TOKEN_VARIABLE, Server
from countersign.bot.cli.walk.terminal import Left, Line
from countersign.bot.cli.walk.walk import Walk
from tests.bot.api_world import World

PATIENCE_S = 100
"""So long a command that hangs holds up the tests."""
_IN_ITS_TERMINAL = """
import fcntl, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # Ctrl-C there is for this process
from countersign.bot.cli.main import main
main()
"""
Answer = str | Callable[[], str]


class Played:
    """Types these answers, then goes away; what was shown is kept."""

    def __init__(self, *answers: Answer):
        self._answers, self._shown = list(answers), list[str]()

    def show(self, lines: Iterable[Line]) -> None:
        self._shown += [text for _, text in lines]

    def ask(self, question: str) -> str:
        self._shown.append(question)
        if not self._answers:
            raise Left
        answer = self._answers.pop(0)
        return answer if isinstance(answer, str) else answer()

    @property
    def text(self) -> str:
        """All that was shown."""
        return "\n".join(self._shown)


def server_for(world: World, person: str = "alex") -> Server:
    """The API as this person calls it, through the command's own client."""
    os.environ[TOKEN_VARIABLE] = f"token-of-{person}"
    try:
        return Server(None, "", str(world.client.make_url("/")))
    finally:
        del os.environ[TOKEN_VARIABLE]


async def walked(
    world: World, played: Played, *, person: str = "alex", editor: str = "", only: str | None = None
) -> int:
    """The exit status of the whole walk."""
    walk = Walk(
        played, server_for(world, person), editor=editor, sleep=lambda _: None, answer_wait_s=2
    )
    return await asyncio.to_thread(walk.run, only)


class Screen:
    """The other end of a real terminal in which the command runs."""

    def __init__(self, master: int, process: asyncio.subprocess.Process):
        self._master, self._process, self.text = master, process, ""

    async def until(self, wanted: str) -> str:
        """What was printed since the last call, once this is part of it."""
        before = len(self.text)
        while wanted not in self.text[before:]:
            async with asyncio.timeout(PATIENCE_S):
                piece = await self._read()
            if not piece:
                raise AssertionError(f"it ended without {wanted!r}: {self.text[before:]!r}")
            self.text += re.sub(r"\x1b\[[0-9;]*m", "", piece)
        return self.text[before:]

    def type(self, text: str) -> None:
        """Press these keys."""
        os.write(self._master, text.encode())

    async def end(self) -> int:
        """The exit status."""
        async with asyncio.timeout(PATIENCE_S):
            while piece := await self._read():
                self.text += piece
            return await self._process.wait()

    async def _read(self) -> str:
        loop, there = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._master, there.set)
        try:
            await there.wait()
        finally:
            loop.remove_reader(self._master)
        try:
            return os.read(self._master, 65536).decode(errors="replace")
        except OSError:  # Linux says that its other end is closed
            return ""


@asynccontextmanager
async def terminal(world: World, *arguments: str, **environ: str) -> AsyncIterator[Screen]:
    """`countersign approve` in a real terminal that does not say how large it is."""
    master, slave = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _IN_ITS_TERMINAL, "approve", *arguments,
        "--server", str(world.client.make_url("/")),
        stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
        env={**os.environ, "COUNTERSIGN_TOKEN": "token-of-alex", "TERM": "xterm", **environ},
    )  # fmt: skip
    os.close(slave)
    try:
        yield Screen(master, process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(master)
