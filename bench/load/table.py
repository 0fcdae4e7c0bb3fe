"""The tables of `make bench-load`: medians and quartiles over the rounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench.goals import BEFORE, DATABASES, LEGS, OURS, both_legs, markdown, ratios, spread

Row = dict[str, Any]
DASH = "-"
VOTES = {
    "per_s": ("votes/s, sessions ended", 0),
    "answered_per_s": ("votes/s, answered", 0),
    "p50_ms": ("answer p50 ms", 0),
    "p99_ms": ("p99 ms", 0),
    "cpu_ms": ("CPU ms a vote", 1),
    "rss_mb": ("RSS MB", 0),
}
CLICKS = {
    "answered_ms": ("answered ms", 1),
    "tool_ms": ("tool started ms", 1),
    "card_ms": ("card shows the outcome ms", 1),
}
TRIPS = {"p50_ms": ("p50 ms", 1), "cpu_ms": ("CPU ms", 1)}
STARTS = {"ready_ms": ("ready ms", 0), "cpu_ms": ("CPU ms", 0), "rss_mb": ("idle RSS MB", 0)}
CROWD = {
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


def render(values: Mapping[str, Any]) -> str:
    """All of them that have rows, as Markdown."""
    return "\n\n".join(tables(values).values())


def tables(values: Mapping[str, Any]) -> dict[str, str]:
    """Each table by its name."""
    rows: Sequence[Row] = values["load"]
    found = {
        "votes": _of(rows, "votes", "database", VOTES),
        "clicks": _of(rows, "click", "database", CLICKS),
        "sessions-at-once": _at_once(rows),
        "round-trips": _of(rows, "trip", "messages", TRIPS),
        "starts": _of(rows, "start", "database", STARTS),
        "crowd": _crowd(rows),
    }
    return {name: text for name, text in found.items() if text}


def _of(rows: Sequence[Row], leg: str, by: str, columns: Mapping[str, tuple[str, int]]) -> str:
    """One line for each build and value of `by`, and one for now over before."""
    mine = [row for row in rows if row["leg"] == leg]
    if not mine:
        return ""

    def lines() -> Iterator[Sequence[str]]:
        for value in dict.fromkeys(row[by] for row in mine):
            shown = str(DATABASES.get(value, value))
            for peer in (OURS, BEFORE):
                these = [row for row in mine if (row[by], row["peer"]) == (value, peer)]
                if these:
                    figures = (spread([r[k] for r in these], n) for k, (_, n) in columns.items())
                    yield [shown, peer, *figures]
            ours, before = ({"peer": peer, "leg": leg, by: value} for peer in (OURS, BEFORE))
            compared = [spread(ratios(mine, ours, before, key)) for key in columns]
            if set(compared) != {DASH}:
                yield [shown, "now / before", *compared]

    return markdown([by, "build", *(title for title, _ in columns.values())], lines())


def _at_once(rows: Sequence[Row]) -> str:
    mine = [row for row in rows if "at_once" in row]
    if not mine:
        return ""

    def lines() -> Iterator[Sequence[str]]:
        for level in sorted({row["at_once"] for row in mine}):
            for peer in (OURS, BEFORE):
                these = [r for r in mine if (r["at_once"], r["peer"]) == (level, peer)]
                if not these:
                    continue
                rates = (spread([r["per_s"] for r in these if r["leg"] == leg], 0) for leg in LEGS)
                many, sixteen = both_legs(mine, peer, level), both_legs(mine, peer, 16)
                beside = [many[rep] / sixteen[rep] for rep in many if rep in sixteen]
                yield [str(level), peer, *rates, spread(beside)]

    head = ("at once", "build", "paused/s", "resumed/s", "both / both at 16")
    return markdown(head, lines())


def _crowd(rows: Sequence[Row]) -> str:
    mine = [row for row in rows if row["leg"] == "crowd"]
    if not mine:
        return ""
    body = [
        [DATABASES[row["database"]], row["phase"], *(f"{row[name]:,}" for name in CROWD)]
        for row in mine
    ]
    return markdown(["database", "what", *CROWD.values()], body)
