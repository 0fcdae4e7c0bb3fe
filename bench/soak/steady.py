"""The load: so many sessions each second, asked for, approved and watched to their end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from bench.measure import BenchError, percentile, require
from bench.ours.refunds import REFUND
from bench.payload import TASK
from bench.soak.samples import of_database, of_processes
from tests.stack import ALEX, SAM

Row = dict[str, Any]
AT_ONCE = 64
"""Sessions that are under way at most: a server that falls behind is not buried."""
SAMPLES, SHORTEST_S = 90, 1.0
"""How many, and how far apart they are at least."""
WARM_UP = 0.1
"""Of the time: pools and caches fill, and that is not counted."""
POLL_S, END_TIMEOUT_S = 0.05, 120.0
COME_AGAIN = (429, 503)


@dataclass
class Load:
    """What is under way, and what ended since the last sample."""

    http: aiohttp.ClientSession
    url: str
    begun: int = 0
    ended: int = 0
    times_ms: list[float] = field(default_factory=list)

    async def session(self, number: int) -> None:
        """One from the asking to its end. Raises BenchError if it does not come to a good one."""
        began_s = time.perf_counter()
        body = {"workflow": REFUND, "task": TASK}
        key = {"Idempotency-Key": f"soak-{number}"}
        session = (await self._call("POST", "/sessions", SAM, 201, body, key))["id"]
        request = await self._until(
            f"/requests?status=pending&session={session}&limit=1", lambda page: page["items"]
        )
        vote = {"verdict": "approve", "digest": request["items"][0]["digest"]}
        await self._call("POST", f"/requests/{request['items'][0]['id']}/votes", ALEX, 200, vote)
        found = await self._until(
            f"/sessions/{session}", lambda s: s["status"] not in ("running", "waiting")
        )
        require(found["status"] == "completed", f"{session} is {found['status']}")
        self.ended += 1
        self.times_ms.append((time.perf_counter() - began_s) * 1e3)

    async def _until(self, path: str, holds: Callable[[Any], Any]) -> Any:
        until_s = time.monotonic() + END_TIMEOUT_S
        while time.monotonic() < until_s:
            found = await self._call("GET", path, ALEX, 200)
            if holds(found):
                return found
            await asyncio.sleep(POLL_S)
        raise BenchError(f"waited {END_TIMEOUT_S:.0f} s for {path}")

    async def _call(
        self,
        method: str,
        path: str,
        token: str,
        expected: int,
        body: Row | None = None,
        more: Mapping[str, str] | None = None,
    ) -> Any:
        headers = {"Authorization": f"Bearer {token}", **(more or {})}
        url = f"{self.url}/api/v1{path}"
        while True:
            async with self.http.request(method, url, json=body, headers=headers) as answer:
                if answer.status not in COME_AGAIN:
                    found = await answer.json()
                    require(answer.status == expected, f"{path} was answered {answer.status}")
                    return found
                retry_after_s = float(answer.headers.get("Retry-After", "1"))
            await asyncio.sleep(retry_after_s)


async def steady(
    about: Row, *, seconds: float, rate: float, tell: Callable[[str], None]
) -> tuple[list[Row], int]:
    """The samples after the warm-up, and how many sessions ended."""
    connector = aiohttp.TCPConnector(limit=AT_ONCE)
    async with aiohttp.ClientSession(connector=connector) as http, asyncio.TaskGroup() as group:
        load = Load(http, about["url"])
        reading = group.create_task(_read(load, about, seconds, tell))
        await _begin(load, group, seconds, rate)
        samples = await reading
    require(load.ended == load.begun, f"{load.begun - load.ended} sessions did not end")
    return samples, load.ended


async def _begin(load: Load, group: asyncio.TaskGroup, seconds: float, rate: float) -> None:
    places = asyncio.Semaphore(AT_ONCE)
    loop = asyncio.get_running_loop()

    async def one(number: int) -> None:
        try:
            await load.session(number)
        finally:
            places.release()

    began_s = loop.time()
    while loop.time() - began_s < seconds:
        await places.acquire()
        load.begun += 1
        group.create_task(one(load.begun))
        # After a delay it goes on at its rate: what was not begun in time is not made up for.
        await asyncio.sleep(1 / rate)


async def _read(load: Load, about: Row, seconds: float, tell: Callable[[str], None]) -> list[Row]:
    warm_up_s = seconds * WARM_UP
    apart_s = max(SHORTEST_S, (seconds - warm_up_s) / SAMPLES)
    await asyncio.sleep(warm_up_s)
    samples: list[Row] = []
    began_s, before = time.monotonic(), of_processes(about["pids"])
    while time.monotonic() - began_s + apart_s < seconds - warm_up_s:
        ended, load.times_ms = load.ended, []
        await asyncio.sleep(apart_s)
        processes = of_processes(about["pids"])
        done, times_ms = load.ended - ended, load.times_ms
        samples.append({
            "at_s": round(time.monotonic() - began_s, 1),
            **processes,
            **await asyncio.to_thread(of_database, about["database_url"]),
            "behind": load.begun - load.ended,
            "per_s": round(done / apart_s, 1),
            "cpu_ms": round((processes["cpu_s"] - before["cpu_s"]) * 1e3 / max(done, 1), 2),
            "p50_ms": round(percentile(times_ms, 50), 1) if times_ms else None,
            "p99_ms": round(percentile(times_ms, 99), 1) if times_ms else None,
        })  # fmt: skip
        before = processes
        tell(", ".join(f"{name} {value}" for name, value in samples[-1].items()))
    require(len(samples) >= 3, "too short to compare the last third with the first")
    return samples
