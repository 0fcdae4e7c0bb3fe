"""The table of `make bench-soak`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench.goals import DATABASES, markdown
from bench.soak.drift import drifts


def tables(values: Mapping[str, Any]) -> dict[str, str]:
    """By the name of its mark; none where nothing was measured."""
    runs = values.get("soak") or []
    return {"soak": render(runs)} if runs else {}


def render(runs: Sequence[Mapping[str, Any]]) -> str:
    """One line for each figure of each database."""

    def lines() -> Iterator[Sequence[str]]:
        for run in runs:
            name = f"{DATABASES[run['database']]}, {run['minutes']:g} min, {run['sessions']:,}"
            for drift in drifts(run["samples"]):
                figures = (f"{v:,.0f}" for v in (drift.first, drift.last, drift.peak))
                judged = "flat" if drift.is_flat else "**grows**"
                yield [name, drift.bound.what, *figures, f"{drift.ratio:.2f}", judged]

    head = (
        "database, time, sessions", "what", "first third", "last third", "peak",
        "last / first", "",
    )  # fmt: skip
    return markdown(head, lines())
