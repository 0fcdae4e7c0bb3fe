"""More at once than a server takes, and votes that come too late: nothing is lost, and memory is
bounded. Real servers with authentication on; on PostgreSQL two of them.
"""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp
import httpx

from bench.contenders import OURS
from bench.load.clients import Asked, Voters, cast, frame
from bench.load.pair import Tell
from bench.measure import require
from bench.ours.fill import fill, read_template
from bench.ours.product import (
    NOBODY_IS_TOO_FAST,
    SECRET_ENV,
    product,
    rss_mb,
    use_postgresql,
)
from bench.ours.refunds import REFUND
from bench.payload import TASK
from bench.results import Results
from countersign.sandbox.botframework.people import TENANT_ID
from tests.stack import Database, Process, Stack, until

CLIENTS = 64
TOO_MANY = 192
TIGHT: Mapping[str, Any] = {**NOBODY_IS_TOO_FAST, "votes": {"at_once": 8, "queue": 56}}
"""As many as 64 clients use; what is beyond is refused."""
APP_ID = "11111111-2222-3333-4444-555555555555"
SAMPLES = 5


def crowd(results: Results, database: Database, *, votes: int, seconds: float, tell: Tell) -> None:
    """Every phase on one database. Raises BenchError if an accepted vote is lost."""
    if database == "postgresql":
        use_postgresql()
    for row in measure(database, votes=votes, seconds=seconds, tell=tell):
        results.load.append({"rep": 1, "peer": OURS, "leg": "crowd", **row})


def measure(database: Database, *, votes: int, seconds: float, tell: Tell) -> list[dict[str, Any]]:
    """The rows of every phase; the database must verify at the end."""
    replicas = 1 if database == "sqlite" else 2
    with product(
        database,
        replicas=replicas,
        limits=TIGHT,
        module="bench.ours.signed_server",
        app_id=APP_ID,
        server_env={SECRET_ENV: "not used"},
    ) as running:
        asked = _prepare(running, 2 * votes)
        rows = asyncio.run(_phases(running, asked, votes, seconds, tell))
        accepted = [one for one in asked if _is_on_the_ledger(running, one)]
        require(len(accepted) == len(asked), "an accepted vote is not on the ledger")
        until(lambda: not _running(running), "every session to end", 600.0)
        require(running.ledger_verifies(), "the ledger does not verify")
    return [{"database": database, "replicas": replicas, **row} for row in rows]


def _prepare(running: Stack, n: int) -> list[Asked]:
    """So many requests that wait, and the servers started on them."""
    running.start()
    running.ask(TASK, REFUND)
    running.pending()
    for server in running.servers:
        server.kill(signal.SIGTERM)
    fill(running.database_url, read_template(running.database_url), n - 1)
    for number in range(len(running.servers)):
        running.new_server(number=number)
    running.start()
    asked: list[Asked] = []
    cursor = ""
    while len(asked) < n:
        page = running.get(f"/requests?status=pending&limit=200{cursor}")
        asked += page["items"]
        cursor = f"&cursor={page['next']}"
    return asked


async def _phases(
    running: Stack, asked: Sequence[Asked], votes: int, seconds: float, tell: Tell
) -> list[dict[str, Any]]:
    rows = []
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as http:
        voters = Voters(http, running.url, _teams(running))
        for phase, vote, clients, these in (
            ("Teams clicks", voters.by_click, CLIENTS, asked[:votes]),
            ("API votes, three times what the lane takes", voters.by_api, TOO_MANY, asked[votes:]),
        ):
            row = await cast(vote, these, clients=clients)
            rows.append({"phase": phase, **row, "rss_mb": _rss(running.servers)})
            tell(json.dumps(rows[-1]))
        rows.append(await _sustained(running, voters, asked, seconds))
        tell(json.dumps(rows[-1]))
    return rows


async def _sustained(
    running: Stack, voters: Voters, asked: Sequence[Asked], seconds: float
) -> dict[str, Any]:
    """Votes that come too late, again and again: they are refused, and leave nothing behind."""
    samples = [_rss(running.servers)]
    refusals, began_s = 0, time.perf_counter()
    for _ in range(SAMPLES):
        until_s = time.perf_counter() + seconds / SAMPLES
        while time.perf_counter() < until_s:
            row = await cast(voters.by_api, asked[:64], clients=16, expected=409)
            require(not row["other_answers"], "a late vote was not refused by 409")
            refusals += row["votes"]
        samples.append(_rss(running.servers))
    per_s = round(refusals / (time.perf_counter() - began_s), 1)
    return {
        "phase": f"late votes (409) for {seconds:.0f} s", "clients": 16, "votes": refusals,
        "per_s": per_s, "p50_ms": row["p50_ms"], "p99_ms": row["p99_ms"], "refused_429": 0,
        "unavailable_503": 0, "other_answers": 0, "rss_mb": samples[-1], "rss_samples_mb": samples,
    }  # fmt: skip


def _teams(running: Stack) -> dict[str, Any]:
    """A token of the channel and the frame of its activities."""
    service_url = running.people["service_url"]
    answer = httpx.post(
        f"{running.people['url']}/_sandbox/token", json={"serviceurl": service_url}, timeout=30
    )
    return {
        "token": answer.json()["token"],
        "frame": frame(service_url, TENANT_ID, APP_ID),
    }


def _is_on_the_ledger(running: Stack, one: Asked) -> bool:
    found = running.get(f"/requests/{one['id']}")
    return len(found["votes"]) == 1 and found["status"] not in ("pending", "rejected")


def _running(running: Stack) -> bool:
    return bool(running.get("/sessions?status=running&limit=1")["items"])


def _rss(servers: Sequence[Process]) -> int:
    return round(max(rss_mb(server.pid) for server in servers))
