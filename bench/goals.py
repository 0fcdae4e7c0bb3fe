"""What is promised of speed, and how a run stands against it.

A goal is held against the median of the rounds of one run, of which the quartiles are shown as
well. `why` says of a goal that is missed where the run itself saw the time go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

LEGS = ("pause", "resume")
OURS, BEFORE = "countersign", "countersign-before"
SAME_WORK = "agent-framework-same-work"
Row = dict[str, Any]
Values = Mapping[str, Any]
Picked = Mapping[str, Any]
"""Columns and what they have to say for a row to count."""


@dataclass(frozen=True)
class Goal:
    """One line of the table."""

    what: str
    of: Callable[[Values], Sequence[float]]
    """The figure of each round."""
    at_least: float | None = None
    at_most: float | None = None
    unit: str = ""
    """Nothing for a ratio."""
    why: Callable[[Values], str] = lambda _: ""

    def __post_init__(self) -> None:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError(f"{self.what}: a goal has one bound")

    @property
    def wanted(self) -> str:
        """The goal as text."""
        if self.at_least is not None:
            return f"≥ {self.at_least:g} {self.unit}".rstrip()
        return f"≤ {self.at_most:,g} {self.unit}".rstrip()

    def verdict(self, found: float) -> str:
        """Whether it is reached, or missed by how much."""
        if self.at_least is not None:
            missing = 1 - found / self.at_least
        else:
            missing = found / (self.at_most or 1) - 1
        return "reached" if missing <= 0 else f"**missed** by {max(missing, 0.001):.1%}"


def ratios(rows: Sequence[Row], mine: Picked, theirs: Picked, key: str = "per_s") -> list[float]:
    """One figure of ours over theirs, for each round in which both were measured."""
    ours, others = _by_round(rows, mine, key), _by_round(rows, theirs, key)
    return [ours[rep] / others[rep] for rep in sorted(ours) if others.get(rep)]


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Median and quartiles."""
    if not values:
        return "-"
    cuts = quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
    low_text, middle, high_text = (f"{cut:,.{digits}f}" for cut in cuts)
    return middle if low_text == high_text else f"{middle} ({low_text}-{high_text})"


def lines(values: Values) -> Iterator[Sequence[str]]:
    """What, goal, median and quartiles, verdict and why, for all goals that were measured."""
    rows = {"rows": values.get("rows", []), "load": values.get("load", [])}
    for goal in GOALS:
        if found := goal.of(rows):
            digits = 0 if goal.unit else 2
            verdict = goal.verdict(median(found))
            why = goal.why(rows) if verdict != "reached" else ""
            yield [goal.what, goal.wanted, spread(found, digits), str(len(found)), verdict, why]


def render(values: Values) -> str:
    """The table of goals, as Markdown."""
    return markdown(("what", "goal", "median (quartiles)", "rounds", "", "why"), lines(values))


def markdown(head: Sequence[str], body: Iterator[Sequence[str]] | Sequence[Sequence[str]]) -> str:
    """A table."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *body))


def _by_round(rows: Sequence[Row], picked: Picked, key: str) -> dict[int, float]:
    return {
        row["rep"]: row[key]
        for row in rows
        if key in row and all(row.get(name) == wanted for name, wanted in picked.items())
    }


def _peers(peer: str, leg: str) -> Callable[[Values], list[float]]:
    return lambda values: ratios(
        values["rows"], {"peer": OURS, "leg": leg}, {"peer": peer, "leg": leg}
    )


def _beside_before(key: str, **picked: Any) -> Callable[[Values], list[float]]:
    return lambda values: ratios(
        values["load"], {"peer": OURS, **picked}, {"peer": BEFORE, **picked}, key
    )


def _figure(leg: str, key: str) -> Callable[[Values], list[float]]:
    return lambda values: [*_by_round(values["rows"], {"peer": OURS, "leg": leg}, key).values()]


def both_legs(rows: Sequence[Row], peer: str, at_once: int) -> dict[int, float]:
    """Sessions per second that are paused and then resumed, by round."""
    picked = {"peer": peer, "at_once": at_once}
    pause, resume = (_by_round(rows, {**picked, "leg": leg}, "per_s") for leg in LEGS)
    return {rep: 1 / (1 / pause[rep] + 1 / resume[rep]) for rep in pause if rep in resume}


def _beside_sixteen(at_once: int) -> Callable[[Values], list[float]]:
    def found(values: Values) -> list[float]:
        many, sixteen = (both_legs(values["load"], OURS, n) for n in (at_once, 16))
        return [many[rep] / sixteen[rep] for rep in sorted(many) if rep in sixteen]

    return found


def _long_beside_short(values: Values) -> list[float]:
    mine = {"peer": OURS, "leg": "trip"}
    long, short = {**mine, "messages": 400}, {**mine, "messages": 6}
    return ratios(values["load"], long, short, "p50_ms")


CLICKS = {"vote → tool started": "tool_ms", "click → card shows the outcome": "card_ms"}
DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL, two servers"}


def _middle(rows: Sequence[Row], picked: Picked, key: str) -> str:
    """The median of a figure, as text."""
    found = [*_by_round(rows, picked, key).values()]
    if not found:
        return "-"
    value = median(found)
    return f"{value:,.0f}" if value >= 1_000 else f"{value:,.4g}"  # never 1.04e+04


def _of_peer(peer: str, leg: str) -> Callable[[Values], str]:
    """Processor time of both, of which AutoGen's own part is none of ours, and what is written."""

    def why(values: Values) -> str:
        def of(name: str, key: str) -> str:
            return _middle(values["rows"], {"peer": name, "leg": leg}, key)

        parts = [f"CPU {of(OURS, 'cpu_ms')} ms a session, theirs {of(peer, 'cpu_ms')}"]
        parts.append(f"AutoGen's own part {of('autogen-floor', 'cpu_ms')}")
        ours, theirs = (of(name, "ledger_bytes_per_session") for name in (OURS, peer))
        parts.append(f"ledger {ours} bytes, theirs {theirs}")
        if peer == BEFORE:
            parts.append(f"statements {of(OURS, 'statements')}, then {of(BEFORE, 'statements')}")
        return "; ".join(parts)

    return why


def _of_before(what: str, key: str, **picked: Any) -> Callable[[Values], str]:
    """The same figure of both builds."""

    def why(values: Values) -> str:
        now, before = (_middle(values["load"], {"peer": p, **picked}, key) for p in (OURS, BEFORE))
        return f"{what}: {now} now, {before} before"

    return why


def _of_both_builds(leg: str, key: str) -> Callable[[Values], str]:
    return lambda values: f"before: {_middle(values['rows'], {'peer': BEFORE, 'leg': leg}, key)}"


def _of_lengths(values: Values) -> str:
    picked = {"peer": OURS, "leg": "trip"}
    long, short = (_middle(values["load"], {**picked, "messages": n}, "cpu_ms") for n in (400, 6))
    return f"CPU ms a round trip: {long} at 400 messages, {short} at 6"


def _of_many(at_once: int) -> Callable[[Values], str]:
    def why(values: Values) -> str:
        def of(n: int) -> str:
            cpu = (
                _middle(values["load"], {"peer": OURS, "leg": leg, "at_once": n}, "cpu_ms")
                for leg in LEGS
            )
            return " + ".join(cpu)

        return f"CPU ms a session: {of(at_once)} at {at_once}, {of(16)} at 16"

    return why


GOALS: Sequence[Goal] = (
    *(
        Goal(
            f"votes/s with their resumed sessions, 64 callers, {name}: now / before",
            _beside_before("per_s", leg="votes", database=database),
            at_least=2.0,
            why=_of_before("CPU ms a vote", "cpu_ms", leg="votes", database=database),
        )
        for database, name in DATABASES.items()
    ),
    *(
        Goal(
            f"sessions/s at {n} at once / at 16, paused and resumed",
            _beside_sixteen(n),
            at_least=1.0,
            why=_of_many(n),
        )
        for n in (32, 64, 256)
    ),
    Goal(
        "round trip in a chat of 400 messages / of 6, p50",
        _long_beside_short,
        at_most=1.3,
        why=_of_lengths,
    ),
    *(
        Goal(
            f"{leg}, sessions/s: now / before",
            _peers(BEFORE, leg),
            at_least=1.5,
            why=_of_peer(BEFORE, leg),
        )
        for leg in LEGS
    ),
    *(
        Goal(
            f"{leg}, sessions/s: ours / {peer}",
            _peers(peer, leg),
            at_least=wanted,
            why=_of_peer(peer, leg),
        )
        for peer, wanted in ((SAME_WORK, 1.0), ("langgraph-exit", 2.0), ("langgraph-default", 4.0))
        for leg in LEGS
    ),
    *(
        Goal(
            f"{what}, p50, {name}: now / before",
            _beside_before(key, leg="click", database=database),
            at_most=0.6,
            why=_of_before(
                "ms until the click is answered", "answered_ms", leg="click", database=database
            ),
        )
        for what, key in CLICKS.items()
        for database, name in DATABASES.items()
    ),
    Goal(
        "server, start to ready, CPU: now / before",
        _beside_before("cpu_ms", leg="start"),
        at_most=0.5,
        why=_of_before("CPU ms", "cpu_ms", leg="start"),
    ),
    Goal(
        "server, idle, resident memory: now / before",
        _beside_before("rss_mb", leg="start"),
        at_most=0.7,
        why=_of_before("MB", "rss_mb", leg="start"),
    ),
    Goal(
        "bytes of a waiting session beside the ledger",
        _figure("pause", "bytes_per_session"),
        at_most=1200,
        unit="bytes",
        why=_of_both_builds("pause", "bytes_per_session"),
    ),
    Goal(
        "statements of a resume",
        _figure("resume", "statements"),
        at_most=15,
        unit="statements",
        why=_of_both_builds("resume", "statements"),
    ),
)
