"""How our pause and resume stand against what we promise, repetition by repetition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

LEGS = ("pause", "resume")
OURS, FLOOR = "countersign", "autogen-floor"
FASTER_THAN: Mapping[str, float] = {
    "agent-framework": 1.5,
    "langgraph-exit": 3.5,
    "langgraph-default": 8.0,
}
"""Sessions per second over those of a peer, in every repetition."""
ON_TOP_MS = 0.5
"""CPU time for each leg beyond that of AutoGen alone."""
PENDING_BYTES = 2048
"""Of a session that waits, beside the ledger."""
Row = dict[str, Any]
Line = Sequence[str]


def ratios(rows: Sequence[Row], ours: str, peer: str, leg: str) -> list[float]:
    """Our sessions per second over the peer's, for each repetition in which both were measured."""
    rates = _by_rep(rows, leg, "per_s")
    return [mine / theirs for mine, theirs in _both(rates, ours, peer)]


def speed(rows: Sequence[Row]) -> Iterator[Line]:
    """Peer, goal, and for each leg every repetition's ratio with whether all of them reach it."""
    for peer, goal in FASTER_THAN.items():
        found = [ratios(rows, OURS, peer, leg) for leg in LEGS]
        if any(found):
            yield [peer, f"{goal:g}", *(_judged(values, goal, at_least=True) for values in found)]


def costs(rows: Sequence[Row]) -> Iterator[Line]:
    """Our CPU time beyond AutoGen's, and what a waiting session holds, for each repetition."""
    for leg in LEGS:
        spent = _both(_by_rep(rows, leg, "cpu_ms"), OURS, FLOOR)
        if spent:
            floor = f"{median(floor for _, floor in spent):.2f}"
            on_top = [mine - floor for mine, floor in spent]
            what = f"{leg}: CPU ms on top of AutoGen's {floor}"
            yield [what, f"{ON_TOP_MS:g}", _judged(on_top, ON_TOP_MS, at_least=False)]
    held = _by_rep(rows, "pause", "bytes_per_session").get(OURS)
    if held:
        what = "pause: bytes of a waiting session beside the ledger"
        yield [what, str(PENDING_BYTES), _judged([*held.values()], PENDING_BYTES, at_least=False)]


def _judged(values: Sequence[float], goal: float, *, at_least: bool) -> str:
    if not values:
        return "-"
    reached = all(value >= goal if at_least else value <= goal for value in values)
    each = ", ".join(f"{value:.2f}" if isinstance(value, float) else str(value) for value in values)
    return f"{each}: {'reached' if reached else 'missed'}"


def _by_rep(rows: Sequence[Row], leg: str, key: str) -> dict[str, dict[int, float]]:
    found: dict[str, dict[int, float]] = {}
    for row in rows:
        if row["leg"] == leg:
            found.setdefault(row["peer"], {})[row["rep"]] = row[key]
    return found


def _both(
    values: Mapping[str, Mapping[int, float]], left: str, right: str
) -> list[tuple[float, float]]:
    mine, theirs = values.get(left, {}), values.get(right, {})
    return [(mine[rep], theirs[rep]) for rep in sorted(mine) if rep in theirs]
