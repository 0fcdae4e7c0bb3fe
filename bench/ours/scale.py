"""`make bench-scale`: what a server costs when so many requests wait: SCALE=1000,100000,1000000.

Each row is a database filled with real waiting sessions (`bench.ours.fill`), then the real server
on it. DATABASES=sqlite,postgresql chooses where, VOTES=200 how many are cast.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from bench import machine
from bench.launch import ROOT
from bench.measure import percentile, require
from bench.ours.fill import fill, read_template
from bench.ours.product import DATABASES, cpu_ms, meet, product, rss_mb, timed, use_postgresql
from bench.ours.refunds import REFUND
from bench.ours.scale_offline import verify_all
from bench.ours.scale_pages import read_pages
from bench.ours.scale_poll import poll_all
from bench.ours.scale_table import render
from bench.payload import TASK
from countersign.approvals.jobs.due import DUE, due_jobs
from countersign.approvals.store import codec, open_reader, request_lists
from tests.stack import ALEX, Database, Stack, until

RESULTS = Path(os.environ.get("RESULTS", ROOT / "bench" / "scale.json"))
TOKEN = {"Authorization": f"Bearer {ALEX}"}
PAGES, LOOKS = 20, 5
"""How often a page is asked for, and a query run; the figure is the median."""
VERIFIED = int(os.environ.get("VERIFY_UP_TO", "1000000"))
"""Of more sessions the chains are not checked: a million take a quarter of an hour."""
START_TIMEOUT_S, FINISH_TIMEOUT_S = 600.0, 600.0


def main() -> int:
    """Measure, write bench/scale.json, print the table."""
    scale = [int(n) for n in os.environ.get("SCALE", "1000,100000,1000000").split(",")]
    chosen: list[Any] = os.environ.get("DATABASES", ",".join(DATABASES)).split(",")
    votes = int(os.environ.get("VOTES", "200"))
    rows = []
    for database in chosen:
        if database == "postgresql":
            use_postgresql()
        for n in scale:
            rows.append(measure(database, n, votes=min(votes, n)))
            _tell(json.dumps(rows[-1]))
    results = {"machine": machine.describe(), "rows": rows}
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    sys.stdout.write(f"\n{render(rows)}\nWritten to {RESULTS}\n")
    return 0


def measure(database: Database, n: int, *, votes: int) -> dict[str, Any]:
    """One row of the table."""
    row: dict[str, Any] = {"database": database, "pending": n}
    with product(database, bot_framework=True) as running:
        with timed(row, "fill_ms"):
            fill_up(running, n)
        began_s = time.perf_counter()
        running.server.start()
        until(running.ready, "the server to be ready", START_TIMEOUT_S, every_s=0.01)
        row["start_ms"] = round((time.perf_counter() - began_s) * 1e3)
        pid = running.server.pid
        row["start_cpu_ms"] = round(cpu_ms(pid))
        row["rss_start_mb"] = round(rss_mb(pid))
        asyncio.run(_inside(running.database_url, row))
        _read(running, row)
        _vote(running, row, votes)
        row["rss_end_mb"] = round(rss_mb(pid))
        row["rss_peak_mb"] = round(rss_mb(pid, "VmHWM"))
        stop(running)
        if n <= VERIFIED:
            row |= verify_all(running.env, n)
        row |= poll_all(running.database_url)
    return row


def fill_up(running: Stack, n: int) -> None:
    """Let so many sessions wait, copies of one that came so far; there is a server to start."""
    running.start()
    meet(running)
    running.ask(TASK, REFUND)
    shown = f"/requests/{running.pending()['id']}"
    until(lambda: _is_shown(running.get(shown)), "the card to be posted")
    stop(running)
    fill(running.database_url, read_template(running.database_url), n)
    running.new_server()


def _read(running: Stack, row: dict[str, Any]) -> None:
    """Pages at the start and deep inside, and what watches the server."""
    deep = base64.urlsafe_b64encode(row.pop("middle").encode()).decode()
    with httpx.Client(base_url=running.url, headers=TOKEN, timeout=120) as client:
        paths = {
            "first_page_ms": "/api/v1/requests?status=pending&limit=50",
            "deep_page_ms": f"/api/v1/requests?status=pending&limit=50&cursor={deep}",
            "sessions_page_ms": "/api/v1/sessions?status=waiting&limit=50",
            "metrics_ms": "/metrics",
            "readyz_ms": "/readyz",
        }
        for name, path in paths.items():
            row[name] = _median(lambda path=path: _get(client, path), PAGES)  # type: ignore[misc]
        found = client.get("/api/v1/requests?status=pending&limit=1").json()["items"][0]["id"]
    row |= read_pages(running.url, found)


def _vote(running: Stack, row: dict[str, Any], votes: int) -> None:
    """One person approves so many requests, one after the other; all of them are executed."""
    times = []
    with httpx.Client(base_url=running.url, headers=TOKEN, timeout=60) as client:
        asked: list[Mapping[str, Any]] = []
        cursor = ""
        while len(asked) < votes:
            page = client.get(f"/api/v1/requests?status=pending&limit=200{cursor}").json()
            asked += page["items"]
            cursor = f"&cursor={page['next']}"
        for request in asked[:votes]:
            body = {"verdict": "approve", "digest": request["digest"]}
            began_s = time.perf_counter()
            answer = client.post(f"/api/v1/requests/{request['id']}/votes", json=body)
            times.append((time.perf_counter() - began_s) * 1e3)
            require(answer.status_code == 200, f"a vote was answered {answer.status_code}")
        row["vote_p50_ms"], row["vote_p99_ms"] = _round(
            percentile(times, 50), percentile(times, 99)
        )
        began_s = time.perf_counter()
        last = asked[votes - 1]["session_id"]
        until(
            lambda: client.get(f"/api/v1/sessions/{last}").json()["status"] == "completed",
            "the last session to end",
            FINISH_TIMEOUT_S,
        )
        row["last_done_ms"] = round((time.perf_counter() - began_s) * 1e3)


async def _inside(url: str, row: dict[str, Any]) -> None:
    """What the server does by itself every two seconds, and when a deadline comes."""
    async with open_reader(url) as reader:
        now = datetime.now(UTC)

        async def median(unit: Callable[[Any], Any]) -> float:
            times = []
            for _ in range(LOOKS):
                began_s = time.perf_counter()
                await reader.read(unit)
                times.append((time.perf_counter() - began_s) * 1e3)
            return round(percentile(times, 50), 1)

        row["sweep_ms"] = await median(lambda c: due_jobs(c, now, kinds=DUE))
        row["deadlines_ms"] = await median(lambda c: request_lists.expiring(c, now, limit=500))
        row["middle"] = await reader.read(_middle)


def _middle(connection: Any) -> str:
    """Where a page deep inside begins: the time and id of a request in the middle."""
    ends = "SELECT min(created_at), max(created_at) FROM requests WHERE status = 'pending'"
    first, last = (codec.from_text(t) for t in connection.exec_driver_sql(ends).one())
    return f"{codec.to_text(first + (last - first) / 2)} R-0"


def _get(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    require(answer.status_code == 200, f"{path} was answered {answer.status_code}")


def _median(call: Callable[[], None], times: int) -> float:
    taken = []
    for _ in range(times):
        began_s = time.perf_counter()
        call()
        taken.append((time.perf_counter() - began_s) * 1e3)
    return round(percentile(taken, 50), 1)


def _round(*values: float) -> Sequence[float]:
    return [round(value, 1) for value in values]


def _is_shown(request: Mapping[str, Any]) -> bool:
    return all(delivery["status"] == "live" for delivery in request["deliveries"])


def stop(running: Stack) -> None:
    """End its servers."""
    for server in running.servers:
        server.kill(signal.SIGTERM)


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
