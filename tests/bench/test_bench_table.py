"""The tables that a run prints."""

from __future__ import annotations

from typing import Any

import pytest

from bench.goals import costs, ratios, speed
from bench.table import render


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


def test_a_speed_goal_is_reached_only_in_every_repetition() -> None:
    """One slow repetition is one too many; a leg that was not measured is not judged."""
    met = [
        *ROWS[:2],
        row(2, "countersign", "pause", 75.0),
        row(2, "agent-framework", "pause", 50.0),
    ]

    assert list(speed(ROWS)) == [["agent-framework", "1.5", "2.00, 1.00: missed", "-"]]
    assert list(speed(met)) == [["agent-framework", "1.5", "2.00, 1.50: reached", "-"]]
    assert list(speed(ROWS[:1])) == []


def test_our_cost_is_what_autogen_alone_does_not_need() -> None:
    """Paired by repetition, and with the bytes of a waiting session."""
    floor = [row(rep, "autogen-floor", "pause", 9.0) | {"cpu_ms": 0.2} for rep in (1, 3)]
    dear = [r | {"cpu_ms": 0.9, "bytes_per_session": 2049} for r in ROWS]

    assert list(costs(ROWS + floor)) == [
        ["pause: CPU ms on top of AutoGen's 0.20", "0.5", "0.30, 0.30: reached"],
        [
            "pause: bytes of a waiting session beside the ledger",
            "2048",
            "900, 900, 900: reached",
        ],
    ]
    assert [line[-1] for line in costs(dear + floor)] == [
        "0.70, 0.70: missed",
        "2049, 2049, 2049: missed",
    ]
    assert list(costs([])) == []


def test_render_judges_the_goals() -> None:
    text = render({"rows": ROWS, "service": [], "missing": []})

    assert "| agent-framework | 1.5 | 2.00, 1.00: missed | - |" in text
    assert "| 2048 | 900, 900, 900: reached |" in text
