"""The tables that a run prints, and how it stands against the goals."""

from __future__ import annotations

from typing import Any

import pytest

from bench import goals, table
from bench.goals import Goal, both_legs, ratios, spread
from bench.load import table as load_table
from tests.bench.rows import load_rows, row

EMPTY: dict[str, Any] = {"rows": [], "service": [], "load": [], "missing": []}


ROWS = [
    row(1, "agent-framework", "pause", 50.0),
    row(1, "countersign", "pause", 100.0),
    row(2, "countersign", "pause", 90.0),
    row(2, "agent-framework", "pause", 90.0),
    row(3, "countersign", "pause", 80.0),
]
OURS, PEER = ({"peer": p, "leg": "pause"} for p in ("countersign", "agent-framework"))


def verdicts(values: dict[str, Any]) -> dict[str, str]:
    return {line[0]: line[4] for line in goals.lines({**EMPTY, **values})}


def test_ratio_pairs_what_was_measured_in_one_round() -> None:
    assert ratios(ROWS, OURS, PEER) == [2.0, 1.0]


def test_a_round_without_the_peer_gives_no_ratio() -> None:
    assert ratios(ROWS, {**OURS, "leg": "resume"}, {**PEER, "leg": "resume"}) == []


@pytest.mark.parametrize(
    ("values", "text"),
    [([], "-"), ([2.0], "2.00"), ([1.0, 2.0, 3.0, 4.0, 5.0], "3.00 (2.00-4.00)")],
)
def test_spread_is_the_median_with_its_quartiles(values: list[float], text: str) -> None:
    assert spread(values) == text


def test_render_shows_medians_and_quartiles_in_the_order_of_the_contenders() -> None:
    text = table.render({**EMPTY, "rows": ROWS})

    assert "| countersign | pause | 90 (85-95) | 1.00 | 2.00 | 0.50 | 40 | 900 | 100 |" in text
    assert "| agent-framework | 1.50 (1.25-1.75) | - |" in text
    assert text.index("| countersign | pause") < text.index("| agent-framework | pause")


def test_render_names_what_is_missing_and_why() -> None:
    gap = {"peer": "openai-agents", "reason": "no wheel for this Python"}
    text = table.render({**EMPTY, "rows": ROWS, "missing": [gap]})

    assert "- openai-agents: no wheel for this Python" in text


@pytest.mark.parametrize("rows", [[], ROWS[1:2]])
def test_render_bears_a_run_without_peers(rows: list[dict[str, Any]]) -> None:
    assert "agent-framework" not in table.render({**EMPTY, "rows": rows})


@pytest.mark.parametrize(
    ("goal", "found", "verdict"),
    [
        (Goal("x", lambda _: [], at_least=2.0), 2.0, "reached"),
        (Goal("x", lambda _: [], at_least=2.0), 1.5, "**missed** by 25.0%"),
        (Goal("x", lambda _: [], at_most=0.6), 0.6, "reached"),
        (Goal("x", lambda _: [], at_most=0.6), 0.9, "**missed** by 50.0%"),
        (Goal("x", lambda _: [], at_most=0.6), 0.60001, "**missed** by 0.1%"),
    ],
)
def test_a_goal_is_reached_or_missed_by_so_much(goal: Goal, found: float, verdict: str) -> None:
    assert goal.verdict(found) == verdict


def test_the_goal_is_held_against_the_median_of_the_rounds() -> None:
    rows = [
        *(row(rep, "countersign", "pause", 100.0) for rep in (1, 2, 3)),
        row(1, "countersign-before", "pause", 50.0),
        row(2, "countersign-before", "pause", 60.0),
        row(3, "countersign-before", "pause", 500.0),
    ]

    assert verdicts({"rows": rows})["pause, sessions/s: now / before"] == "reached"


def test_every_goal_of_the_load_is_found_in_its_rows() -> None:
    """A goal whose rows are called otherwise would never be judged, and nobody would notice."""
    rows = []
    for peer in ("countersign", "countersign-before", goals.SAME_WORK):
        rows += [row(1, peer, leg, 10.0, statements=27) for leg in goals.LEGS]
    for peer in ("langgraph-exit", "langgraph-default"):
        rows += [row(1, peer, leg, 10.0) for leg in goals.LEGS]
    found = verdicts({"rows": rows, "load": load_rows()})

    assert list(found) == [goal.what for goal in goals.GOALS]
    assert found["statements of a resume"] == "**missed** by 80.0%"
    assert found["bytes of a waiting session beside the ledger"] == "reached"
    assert found["sessions/s at 32 at once / at 16, paused and resumed"] == "reached"


def test_both_legs_are_as_fast_as_their_times_together() -> None:
    rows = [
        row(1, "countersign", "pause", 300.0, at_once=16),
        row(1, "countersign", "resume", 150.0, at_once=16),
        row(2, "countersign", "pause", 300.0, at_once=16),
    ]

    assert both_legs(rows, "countersign", 16) == {1: pytest.approx(100.0)}


def test_why_stands_only_beside_what_is_missed() -> None:
    rows = [row(1, "countersign", "resume", 1.0, statements=n) for n in (27,)]
    slow = [*rows, row(1, "countersign-before", "resume", 1.0)]
    fast = [*rows, row(1, "countersign-before", "resume", 0.1)]
    name = "resume, sessions/s: now / before"

    def why(found: list[dict[str, Any]]) -> str:
        return {line[0]: line[5] for line in goals.lines({**EMPTY, "rows": found})}[name]

    assert why(slow)
    assert not why(fast)


def test_load_tables_compare_now_with_before() -> None:
    load = [
        row(rep, peer, "click", 1.0, database="sqlite", answered_ms=t, tool_ms=t, card_ms=2 * t)
        for rep in (1, 2)
        for peer, t in (("countersign", 10.0), ("countersign-before", 20.0))
    ]
    text = load_table.tables({"load": load})["clicks"]

    assert "| SQLite | countersign | 10.0 | 10.0 | 20.0 |" in text
    assert "| SQLite | now / before | 0.50 | 0.50 | 0.50 |" in text


def test_load_tables_bear_a_run_without_the_build_before() -> None:
    load = [row(1, "countersign", "trip", 1.0, messages=6)]
    text = load_table.render({"load": load})

    assert "| 6 | countersign | 1.0 | 0.5 |" in text
    assert "before" not in text
