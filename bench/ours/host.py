"""The product as one contender: its servers with what is around them, and what waits in them.

It runs on other commits as well (`bench.lockstep`), each with its own `bench.ours.product`, so it
names nothing else of the product. Votes come from the process that compares.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import httpx

import bench
from bench.measure import require
from bench.ours.fill import fill, read_template
from bench.ours.product import NOBODY_IS_TOO_FAST, SECRET_ENV, cpu_ms, product, rss_mb
from bench.ours.refunds import REFUND
from bench.payload import TASK
from tests import stack as stacks
from tests.stack import Database, Stack, stack, until

APP_ID = "11111111-2222-3333-4444-555555555555"
IDLE_S = 1.0
"""How long a server that is ready is left alone before its memory is read."""
LIMITS: dict[str, Any] = {**NOBODY_IS_TOO_FAST, "votes": {"at_once": 8, "queue": 56}}
"""As many at once as 64 callers use."""
CHECKOUT = Path(next(iter(bench.__path__))).parent
START_TIMEOUT_S = 300.0
AS_A_PROGRAM: dict[str, Any] = {"module": "countersign"} if hasattr(stacks, "countersign") else {}
"""Of commits whose tests would fork a server with everything imported; others know no such name."""
WHO = "Alex Wilber"


class Host:
    """The running product."""

    stores = True

    def __init__(self, running: Stack, starts: Path):
        self._running, self._starts = running, starts

    def prepare(self, n: int) -> dict[str, Any]:
        """So many requests that wait, each with a card, and the servers started on them."""
        running = self._running
        running.start()
        self._meet()
        self.ask("the-first")
        running.pending()
        until(self._is_shown, "the card to be posted")
        for server in running.servers:
            server.kill(signal.SIGTERM)
        if n > 1:
            fill(running.database_url, read_template(running.database_url), n - 1)
        for number in range(len(running.servers)):
            running.new_server(number=number)
        running.start()
        return {
            "url": running.url,
            "people": running.people,
            "database_url": running.database_url,
            "starts": str(self._starts),
            "pids": [server.pid for server in running.servers],
        }

    def ask(self, key: str) -> str:
        """One more session. Returns its id."""
        return self._running.ask(TASK, REFUND, key)

    def memory_mb(self) -> float:
        """The resident set of the server that has the largest."""
        return max(rss_mb(server.pid) for server in self._running.servers)

    def cpu_ms(self) -> float:
        """Processor time of all servers so far."""
        return sum(cpu_ms(server.pid) for server in self._running.servers)

    def verify(self) -> bool:
        """Whether every chain of the ledger verifies."""
        return bool(self._running.ledger_verifies())

    def _meet(self) -> None:
        """Somebody writes to the bot: cards can be posted to them from now on."""
        teams = self._running.people["url"]
        bot = {"url": f"{self._running.url}/api/messages"}
        with httpx.Client(timeout=30, trust_env=False) as client:
            client.put(f"{teams}/_sandbox/bot", json=bot).raise_for_status()
            told = client.post(f"{teams}/_sandbox/messages", json={"from": WHO, "text": "help"})
            told.raise_for_status()
            require(told.json()["status"] < 300, f"the bot answered {told.text}")

    def _is_shown(self) -> bool:
        request = self._running.pending()
        shown = self._running.get(f"/requests/{request['id']}")["deliveries"]
        return bool(shown) and all(one["status"] == "live" for one in shown)


class Starter:
    """A server as it is shipped, started again and again."""

    stores = True

    def __init__(self, running: Stack):
        self._running = running

    def start(self) -> dict[str, float]:
        """What a start costs up to the moment in which it is ready, and what the idle server
        holds a moment later."""
        running = self._running
        running.new_server()
        began_s = time.perf_counter()
        running.server.start()
        until(running.ready, "the server to be ready", START_TIMEOUT_S, every_s=0.01)
        wall_s, pid = time.perf_counter() - began_s, running.server.pid
        cpu = cpu_ms(pid)
        time.sleep(IDLE_S)
        found = {
            "ready_ms": round(wall_s * 1e3, 1),
            "cpu_ms": round(cpu, 1),
            "rss_mb": round(rss_mb(pid), 1),
        }
        running.server.kill(signal.SIGTERM)
        return found


@contextmanager
def opened(database: Path) -> Iterator[Host | Starter]:
    """The product on a new database of the kind `DATABASE`, its servers not yet started."""
    kind = cast(Database, os.environ["DATABASE"])
    if os.environ.get("AS_SHIPPED"):
        with stack(database.parent, database=kind, **AS_A_PROGRAM) as shipped:
            yield Starter(shipped)
        return
    starts = database.parent / "tool-starts"
    servers = str(Path(os.environ["SERVERS"]))
    with product(
        kind,
        replicas=1 if kind == "sqlite" else 2,
        limits=LIMITS,
        module="noting_server",
        app_id=APP_ID,
        server_env={
            SECRET_ENV: "not used",
            "TOOL_STARTS": str(starts),
            "PYTHONPATH": os.pathsep.join([str(CHECKOUT), servers]),
        },
    ) as running:
        yield Host(running, starts)
