"""The table of `make bench-scale`: a row for each scale, and how it compares with the smallest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

COLUMNS = {
    "start_ms": "start to /readyz ms",
    "start_cpu_ms": "its CPU ms",
    "rss_start_mb": "RSS at start MB",
    "rss_peak_mb": "RSS peak MB",
    "sweep_ms": "sweep ms",
    "deadlines_ms": "deadline scan ms",
    "poll_ms": "ticket poll ms",
    "poll_rss_mb": "its RSS MB",
    "first_page_ms": "first page ms",
    "deep_page_ms": "deep page ms",
    "sessions_page_ms": "sessions page ms",
    "inbox_p99_ms": "inbox p99 ms",
    "inbox_newest_p99_ms": "newest first p99 ms",
    "inbox_search_p99_ms": "searched p99 ms",
    "inbox_due_p99_ms": "by deadline p99 ms",
    "inbox_sessions_p99_ms": "sessions in the inbox p99 ms",
    "request_page_p99_ms": "request in the inbox p99 ms",
    "insights_p99_ms": "insights p99 ms",
    "metrics_ms": "/metrics ms",
    "vote_p50_ms": "vote p50 ms",
    "vote_p99_ms": "vote p99 ms",
    "verify_s": "verify all s",
    "verify_rss_mb": "verify RSS MB",
}


def render(rows: Sequence[dict[str, Any]]) -> str:
    """Markdown."""
    head = ["database", "pending", *COLUMNS.values()]
    lines = [head, ["---"] * len(head)]
    for row in rows:
        cells = [row["database"], f"{row['pending']:,}"]
        lines.append([*cells, *(str(row.get(name, "-")) for name in COLUMNS)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
