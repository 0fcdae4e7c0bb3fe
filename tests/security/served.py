"""The REST API on a thread of its own, for clients that block."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from countersign.bot.http.lanes import Limits
from countersign.bot.http.settings import LimitsSettings, RateLimit
from tests.bot.api_world import World, running

T = TypeVar("T")
TOKEN = "token-of-alex"
WAIT_S = 30.0
_MUCH = RateLimit(per_s=1e6, burst=1_000_000)
WIDE = LimitsSettings(person=_MUCH, strangers=_MUCH)
"""A fuzzer knocks more often than anybody may: what is behind the door is asked here."""


@dataclass(frozen=True)
class Served:
    """A running API."""

    url: str
    world: World
    loop: asyncio.AbstractEventLoop

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """The outcome of `work`, done in the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(WAIT_S)


@contextmanager
def served(path: Path, database: str = "sqlite") -> Iterator[Served]:
    """Serve inside the block."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="served", daemon=True)
    thread.start()
    entered = running(path, database=database, limits=Limits(WIDE), door=WIDE)

    async def start() -> tuple[str, World]:
        world = await entered.__aenter__()
        return str(world.client.make_url("")).rstrip("/"), world

    async def stop() -> None:
        await entered.__aexit__(None, None, None)

    try:
        url, world = asyncio.run_coroutine_threadsafe(start(), loop).result(WAIT_S)
        yield Served(url=url, world=world, loop=loop)
        asyncio.run_coroutine_threadsafe(stop(), loop).result(WAIT_S)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(WAIT_S)
        loop.close()
