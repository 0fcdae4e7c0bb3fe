"""`make bench-inbox`: how long the server takes for a page of the inbox, whatever waits.

SCALE=1000,100000,1000000 and DATABASES=sqlite,postgresql choose. LOOKS=100 is how often each page
is drawn, of which the 99th percentile counts; beside it stands the server's processor time for one.
The databases are filled with copies of a real waiting session (`bench.ours.fill`); the reader may
decide all of them, and is an administrator.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import machine
from bench.launch import ROOT
from bench.ours.product import DATABASES, cpu_ms, product, use_postgresql
from bench.ours.scale import START_TIMEOUT_S, fill_up, stop
from bench.ours.scale_pages import LOOKS, WARM_UP, browser_at, drawn_ms
from tests.stack import Database, until

RESULTS = Path(os.environ.get("RESULTS", ROOT / "bench" / "inbox.json"))
PAGES = {
    "waiting for me": "/inbox",
    "newest first": "/inbox?sort=newest",
    "next deadline first": "/inbox?sort=due",
    "highest risk first": "/inbox?sort=risk",
    "searched: all fit": "/inbox?q=refund",
    "searched: none fits": "/inbox?q=nothing-like-it",
    "due within 7 days": "/inbox?due=7d",
    "sessions": "/inbox/sessions",
    "sessions that wait": "/inbox/sessions?status=waiting",
    "a session": "/inbox/sessions/{session_id}",
    "people and rules": "/inbox/rules",
    "ledger": "/inbox/ledger",
    "health": "/inbox/health",
    "insights": "/inbox/insights",
    "a request": "/inbox/requests/{id}",
}
TIMES_AT_MOST = 2.0
"""What the largest may take of the smallest."""


def main() -> int:
    """Measure, write bench/inbox.json, print the table; 1 if a page takes more than twice as
    long."""
    scale = [int(n) for n in os.environ.get("SCALE", "1000,100000,1000000").split(",")]
    chosen: list[Any] = os.environ.get("DATABASES", ",".join(DATABASES)).split(",")
    rows = []
    for database in chosen:
        if database == "postgresql":
            use_postgresql()
        for n in scale:
            rows.append(measure(database, n))
            sys.stderr.write(f"{json.dumps(rows[-1])}\n")
            sys.stderr.flush()
    RESULTS.write_text(json.dumps({"machine": machine.describe(), "rows": rows}, indent=1) + "\n")
    sys.stdout.write(f"\n{render(rows)}\nWritten to {RESULTS}\n")
    return 1 if any(ratio > TIMES_AT_MOST for ratio in ratios(rows, "p99_ms").values()) else 0


def measure(database: Database, n: int) -> dict[str, Any]:
    """The times of each page in ms, with the database and how many wait."""
    with product(database, bot_framework=True) as running:
        fill_up(running, n)
        running.server.start()
        until(running.ready, "the server to be ready", START_TIMEOUT_S)
        one = running.get("/requests?status=pending&limit=1")["items"][0]
        pid = running.server.pid
        pages = {}
        with browser_at(running.url) as browser:
            for name, path in PAGES.items():
                began_ms = cpu_ms(pid)
                p99 = drawn_ms(browser, path.format_map(one))
                cpu = (cpu_ms(pid) - began_ms) / (WARM_UP + LOOKS)
                pages[name] = {"p99_ms": p99, "cpu_ms": round(cpu, 1)}
        stop(running)
    return {"database": database, "pending": n, "pages": pages}


def ratios(rows: Sequence[dict[str, Any]], figure: str) -> dict[tuple[str, str], float]:
    """How many times as much a figure of each page is with the most as with the fewest that wait,
    by database and page."""
    found = {}
    for database in dict.fromkeys(row["database"] for row in rows):
        of_it = sorted((r for r in rows if r["database"] == database), key=lambda r: r["pending"])
        few, many = of_it[0]["pages"], of_it[-1]["pages"]
        for page in few:
            found[database, page] = round(many[page][figure] / (few[page][figure] or 0.1), 2)
    return found


def render(rows: Sequence[dict[str, Any]]) -> str:
    """Markdown: a row for each page and database."""
    scale = sorted({row["pending"] for row in rows})
    head = ["database", "page"]
    cells: dict[tuple[str, str], list[str]] = {}
    for figure, words in (("p99_ms", "p99 ms"), ("cpu_ms", "CPU ms")):
        head += [f"{words} at {n:,}" for n in scale] + ["ratio"]
        for key, ratio in ratios(rows, figure).items():
            of_page = [_cell(rows, *key, n, figure) for n in scale]
            cells.setdefault(key, list(key)).extend([*of_page, str(ratio)])
    lines = [head, ["---"] * len(head), *cells.values()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _cell(rows: Sequence[dict[str, Any]], database: str, page: str, n: int, figure: str) -> str:
    fits = (r["pages"] for r in rows if (r["database"], r["pending"]) == (database, n))
    return next((str(pages[page][figure]) for pages in fits), "-")


if __name__ == "__main__":
    sys.exit(main())
