"""Rows as a run writes them."""

from __future__ import annotations

from typing import Any

BUILDS = ("countersign", "countersign-before")


def row(rep: int, peer: str, leg: str, per_s: float, **more: Any) -> dict[str, Any]:
    """One block."""
    return {
        "rep": rep,
        "peer": peer,
        "leg": leg,
        "n": 5,
        "per_s": per_s,
        "p50_ms": 1.0,
        "p99_ms": 2.0,
        "cpu_ms": 0.5,
        "rss_mb": 40.0,
        "bytes_per_session": 900,
        "ledger_bytes_per_session": 100,
        "file_bytes_per_session": 1000,
        **more,
    }


def load_rows() -> list[dict[str, Any]]:
    """One round of `make bench-load`: every leg that it has."""
    rows = []
    for peer in BUILDS:
        for database in ("sqlite", "postgresql"):
            rows += [
                row(1, peer, "votes", 10.0, database=database, answered_per_s=11.0),
                row(
                    1, peer, "click", 1.0, database=database,
                    answered_ms=1.0, tool_ms=2.0, card_ms=3.0,
                ),
            ]  # fmt: skip
        for leg in ("pause", "resume"):
            rows += [row(1, peer, leg, 10.0, at_once=n) for n in (1, 16, 32, 64, 256)]
        rows += [row(1, peer, "trip", 10.0, messages=n) for n in (6, 400)]
        rows.append(row(1, peer, "start", 0.0, database="sqlite", ready_ms=1.0))
    crowd = {
        "database": "sqlite", "phase": "late", "clients": 16, "votes": 3, "refused_429": 0,
        "unavailable_503": 0, "other_answers": 0,
    }  # fmt: skip
    return [*rows, row(1, "countersign", "crowd", 10.0, **crowd)]


def sample(**more: Any) -> dict[str, Any]:
    """What a long run reads at one moment."""
    return {"rss_mb": 150.0, "threads": 12, "fds": 40, "wal_kib": 4000, "p50_ms": 20.0, **more}
