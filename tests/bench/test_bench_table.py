"""The tables that a run prints."""

from __future__ import annotations

from typing import Any

import pytest

from bench.table import ratios, render


def row(rep: int, peer: str, leg: str, per_s: float) -> dict[str, Any]:
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
    }


ROWS = [
    row(1, "countersign", "pause", 100.0),
    row(1, "agent-framework", "pause", 50.0),
    row(2, "countersign", "pause", 90.0),
    row(2, "agent-framework", "pause", 90.0),
    row(3, "countersign", "pause", 80.0),
]


def test_ratio_pairs_what_was_measured_in_one_repetition() -> None:
    assert ratios(ROWS, "countersign", "agent-framework", "pause") == [2.0, 1.0]


def test_a_repetition_without_the_peer_gives_no_ratio() -> None:
    assert ratios(ROWS, "countersign", "agent-framework", "resume") == []


def test_render_shows_medians_and_the_spread() -> None:
    text = render({"rows": ROWS, "service": [], "missing": []})

    assert "| countersign | pause | 90 (80-100) | 1.00 | 2.00 | 0.50 | 40 | 900 | 100 |" in text
    assert "| agent-framework | 1.50 (1.00-2.00) | - |" in text


def test_render_names_what_is_missing_and_why() -> None:
    gap = {"peer": "openai-agents", "reason": "no wheel for this Python"}
    text = render({"rows": ROWS, "service": [], "missing": [gap]})

    assert "- openai-agents: no wheel for this Python" in text


@pytest.mark.parametrize("rows", [[], ROWS[:1]])
def test_render_bears_a_run_without_peers(rows: list[dict[str, Any]]) -> None:
    assert "agent-framework" not in render({"rows": rows, "service": [], "missing": []})
