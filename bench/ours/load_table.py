"""The table of `make bench-load`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

COLUMNS = {
    "clients": "clients",
    "votes": "answered",
    "per_s": "per second",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "refused_429": "429, came again",
    "unavailable_503": "503, came again",
    "other_answers": "lost",
    "rss_mb": "RSS MB",
}


def render(rows: Sequence[dict[str, Any]]) -> str:
    """Markdown."""
    head = ["database", "servers", "what", *COLUMNS.values()]
    lines = [head, ["---"] * len(head)]
    for row in rows:
        cells = [row["database"], str(row["replicas"]), row["phase"]]
        lines.append([*cells, *(str(row[name]) for name in COLUMNS)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
