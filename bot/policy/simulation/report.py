"""The report of a simulation: one HTML page that needs nothing else, with plots."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from countersign.approvals.audit.canonical import canonical_json
from countersign.approvals.forms.wording import cut_visibly, in_words, visible
from countersign.approvals.rules.simulation.tally import SHOWN, Tally
from countersign.bot.policy.simulation import told
from countersign.bot.policy.simulation.run import Simulation

MOST_BARS = 60
"""Longer spans are drawn by weeks or months."""
LONGEST_ARGUMENTS = 300


class Bar(NamedTuple):
    """Calls that people are asked about, of one day or several."""

    first: date
    before: int
    after: int


def page(simulation: Simulation, tally: Tally) -> str:
    """All of it as HTML."""
    bars = by_days(tally)
    return (
        _environment()
        .get_template("report.html")
        .render(
            simulation=simulation,
            tally=tally,
            told=told,
            asked=told.asked(tally),
            moves=told.moves(tally),
            people=told.people(tally),
            already=told.already(tally),
            shown=SHOWN,
            bars=bars,
            most=max((max(bar.before, bar.after) for bar in bars), default=0) or 1,
        )
    )


def by_days(tally: Tally) -> Sequence[Bar]:
    """At most MOST_BARS of one length, without a gap."""
    days = sorted({*tally.days["before"], *tally.days["after"]})
    if not days:
        return []
    first, last = date.fromisoformat(days[0]), date.fromisoformat(days[-1])
    length = -(-((last - first).days + 1) // MOST_BARS)
    count = ((last - first).days + length) // length
    sums = [[0, 0] for _ in range(count)]
    for number, side in enumerate(("before", "after")):
        for day, calls in tally.days[side].items():
            sums[(date.fromisoformat(day) - first).days // length][number] += calls
    return [Bar(first + timedelta(days=n * length), *each) for n, each in enumerate(sums)]


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "theirs": visible,
        "tool": in_words,
        "json": lambda value: cut_visibly(
            visible(canonical_json(value).decode()), LONGEST_ARGUMENTS
        ),
        "number": lambda value: f"{value:,}",
    }
    return made
