"""Votes of many people at once, and a click of one: real servers of both builds in turn."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
from sqlalchemy.engine import make_url

from bench.launch import ROOT
from bench.load.clients import Asked, Voters, cast, frame
from bench.load.pair import Row, Tell, pair, progress
from bench.lockstep.blocks import Worker
from bench.lockstep.rounds import in_turn
from bench.measure import require
from bench.ours.product import use_postgresql
from bench.results import Results
from tests.stack import ALEX

CALLERS = 64
SERVERS = ROOT / "bench" / "lockstep" / "servers"
PAGE = 200
END_TIMEOUT_S, SHOWN_TIMEOUT_S, POLL_S = 600.0, 60.0, 0.01
APART_S = 1.5
"""Between two clicks: Teams' limits for one conversation are kept, nothing waits for its turn."""
OUTCOME = "and done"
"""Stands on the card of a request whose tool has run."""


class Side:
    """The servers of one build, and the people who vote there."""

    def __init__(self, worker: Worker, about: Row, http: aiohttp.ClientSession, token: str):
        self.worker, self._about, self._http = worker, about, http
        teams = about["people"]
        click = frame(teams["service_url"], teams["tenant_id"], teams["app_id"])
        self.voters = Voters(http, about["url"], {"token": token, "frame": click})
        self._left: Iterator[Asked] = iter(())
        self._completed = 0

    @classmethod
    async def of(cls, worker: Worker, http: aiohttp.ClientSession, n: int) -> Side:
        """With so many requests that wait."""
        about = await asyncio.to_thread(worker.ask, "prepare", n=n)
        teams = about["people"]
        body = {"serviceurl": teams["service_url"]}
        async with http.post(f"{teams['url']}/_sandbox/token", json=body) as answer:
            side = cls(worker, about, http, (await answer.json())["token"])
        side._left = iter(await side._waiting(n))
        return side

    async def votes(self, n: int) -> Row:
        """So many votes by as many callers, until the last of their sessions is over."""
        asked = [next(self._left) for _ in range(n)]
        cpu_ms = self.worker.ask("cpu_ms")
        began_s = time.perf_counter()
        row = await cast(self.voters.by_api, asked, clients=CALLERS)
        require(not row["other_answers"], f"votes were answered {row['others']}: {row}")
        self._completed += n
        await self._until_completed(self._completed)
        wall_s = time.perf_counter() - began_s
        return {
            "n": n,
            "per_s": round(n / wall_s, 1),
            "answered_per_s": row["per_s"],
            "p50_ms": row["p50_ms"],
            "p99_ms": row["p99_ms"],
            "refused_429": row["refused_429"],
            "unavailable_503": row["unavailable_503"],
            "cpu_ms": round((self.worker.ask("cpu_ms") - cpu_ms) / n, 3),
            "rss_mb": round(self.worker.ask("memory_mb"), 1),
        }

    async def click(self, key: str) -> Row:
        """One click on a new card: until the tool has started, and until the card shows what came
        of it."""
        session = await asyncio.to_thread(self.worker.ask, "ask", key=key)
        request = await self._request_of(session)
        await self._shown(request["id"])
        await asyncio.sleep(APART_S)
        starts = self._starts()
        watching = asyncio.create_task(self._until_outcome(request["id"]))
        await asyncio.sleep(0)
        began_at, began_s = time.time(), time.perf_counter()
        status, _ = await self.voters.by_click(request)
        answered_s = time.perf_counter() - began_s
        require(status == 200, f"a click was answered {status}")
        outcome_s = await watching
        self._completed += 1
        await self._until_completed(self._completed)
        (started,) = self._starts()[len(starts) :]
        return {
            "n": 1,
            "answered_ms": round(answered_s * 1e3, 2),
            "tool_ms": round((started - began_at) * 1e3, 2),
            "card_ms": round((outcome_s - began_s) * 1e3, 2),
        }

    async def _waiting(self, n: int) -> Sequence[Asked]:
        found: list[Asked] = []
        cursor = ""
        while len(found) < n:
            page = await self._get(f"/requests?status=pending&limit={PAGE}{cursor}")
            found += page["items"]
            cursor = f"&cursor={page['next']}"
        return found

    async def _request_of(self, session: str) -> Asked:
        async def look() -> Any:
            page = await self._get(f"/requests?status=pending&session={session}&limit=1")
            return page["items"][0] if page["items"] else None

        found: Asked = await _until(look, "the request of a session")
        return found

    async def _shown(self, request: str) -> None:
        async def look() -> bool:
            deliveries = (await self._get(f"/requests/{request}"))["deliveries"]
            return bool(deliveries) and all(one["status"] == "live" for one in deliveries)

        await _until(look, "the card to be posted")

    async def _until_outcome(self, request: str) -> float:
        """When the card of a request showed its outcome in Teams."""
        url = f"{self._about['people']['url']}/_sandbox/activities"
        after = (await self._json(f"{url}?after={10**9}"))["changes"]
        until_s = time.monotonic() + SHOWN_TIMEOUT_S
        while time.monotonic() < until_s:
            found = await self._json(f"{url}?after={after}&wait_s=5")
            at_s, after = time.perf_counter(), found["changes"]
            for activity in found["activities"]:
                text = str(activity["activity"].get("attachments"))
                if request in text and OUTCOME in text:
                    return at_s
        require(False, f"{request} did not show its outcome in time")
        return 0.0

    async def _until_completed(self, n: int) -> None:
        async def look() -> bool:
            return _completed(self._about["database_url"]) >= n

        await _until(look, "the last session to end", END_TIMEOUT_S)

    def _starts(self) -> Sequence[float]:
        file = Path(self._about["starts"])
        return [float(line) for line in file.read_text().split()] if file.exists() else []

    async def _get(self, path: str) -> Any:
        headers = {"Authorization": f"Bearer {ALEX}"}
        return await self._json(f"{self._about['url']}/api/v1{path}", headers)

    async def _json(self, url: str, headers: Row | None = None) -> Any:
        async with self._http.get(url, headers=headers) as answer:
            require(answer.status == 200, f"{url} was answered {answer.status}")
            return await answer.json()


async def _until(look: Any, what: str, timeout_s: float = SHOWN_TIMEOUT_S) -> Any:
    until_s = time.monotonic() + timeout_s
    while time.monotonic() < until_s:
        if found := await look():
            return found
        await asyncio.sleep(POLL_S)
    require(False, f"waited {timeout_s:.0f} s for {what}")


def _completed(url: str) -> int:
    """How many sessions are over, from the database itself: that costs the servers nothing."""
    query = "SELECT count(*) FROM sessions WHERE status = 'completed'"
    connection: Any
    if url.startswith("sqlite"):
        connection = sqlite3.connect(str(make_url(url).database))
    else:
        connection = psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://"))
    with closing(connection):
        return int(connection.execute(query).fetchone()[0])


def votes_and_clicks(
    results: Results, database: str, *, rounds: int, clicks: int, votes: int, tell: Tell
) -> None:
    """Both builds on one kind of database: first clicks one by one, then many votes at once."""
    if database == "postgresql":
        use_postgresql()
    env = {"DATABASE": database, "SERVERS": str(SERVERS)}
    with pair(results, f"votes on {database}", "bench.ours.host", **env) as workers:
        sizes = {"rounds": rounds, "clicks": clicks, "votes": votes}
        asyncio.run(_both(results, workers, database, tell, **sizes))
        for name, worker in workers.items():
            require(worker.ask("verify"), f"the ledger of {name} does not verify")


async def _both(
    results: Results,
    workers: dict[str, Worker],
    database: str,
    tell: Tell,
    *,
    rounds: int,
    clicks: int,
    votes: int,
) -> None:
    async with AsyncExitStack() as stack:
        connector = aiohttp.TCPConnector(limit=0)
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        sides = {name: await Side.of(w, http, (rounds + 1) * votes) for name, w in workers.items()}
        for number in range(clicks + 1 if clicks else 0):
            for name in in_turn(list(sides), number):
                figures = await sides[name].click(f"click-{number}")
                if number:  # the first one warms up
                    row = {"rep": number, "peer": name, "leg": "click", "database": database}
                    results.load.append({**row, **figures})
                    progress(
                        tell, f"click on {database}", number, clicks, results.load[-1],
                        "tool_ms", "card_ms",
                    )  # fmt: skip
        for number in range(rounds + 1 if rounds else 0):
            for name in in_turn(list(sides), number):
                figures = await sides[name].votes(votes)
                if number:
                    row = {"rep": number, "peer": name, "leg": "votes", "database": database}
                    results.load.append({**row, "callers": CALLERS, **figures})
                    what = f"votes on {database}"
                    progress(tell, what, number, rounds, results.load[-1], "per_s", "p50_ms")
