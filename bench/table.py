"""The results as Markdown: medians over the repetitions, and our ratio to each peer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from statistics import median
from typing import Any

from bench import goals
from bench.goals import LEGS

Row = dict[str, Any]


def render(results: dict[str, Any]) -> str:
    """Everything that was measured, and what is missing."""
    rows: list[Row] = results["rows"]
    peers = list(dict.fromkeys(row["peer"] for row in rows))
    ours = [peer for peer in peers if peer.startswith("countersign")]
    others = [peer for peer in peers if peer not in ours]
    parts = [_medians(rows, peers)]
    parts += [_ratios(rows, one, others) for one in ours if others]
    parts += _goals(rows)
    parts += _service(results["service"])
    parts += [_missing(results["missing"])] if results["missing"] else []
    return "\n\n".join(parts) + "\n"


def _medians(rows: Sequence[Row], peers: Sequence[str]) -> str:
    head = (
        "peer", "leg", "sessions/s median (min-max)", "p50 ms", "p99 ms", "CPU ms", "RSS MB",
        "bytes beside ledger", "ledger bytes",
    )  # fmt: skip
    lines = []
    for leg in LEGS:
        for peer in peers:
            mine = [row for row in rows if row["peer"] == peer and row["leg"] == leg]
            if not mine:
                continue
            middle = {
                key: median(row[key] for row in mine)
                for key, value in mine[0].items()
                if isinstance(value, int | float)
            }
            lines.append((
                peer, leg, _spread([row["per_s"] for row in mine], 0), f"{middle['p50_ms']:.2f}",
                f"{middle['p99_ms']:.2f}", f"{middle['cpu_ms']:.2f}", f"{middle['rss_mb']:.0f}",
                f"{middle['bytes_per_session']:.0f}", f"{middle['ledger_bytes_per_session']:.0f}",
            ))  # fmt: skip
    return _table(head, lines)


def _ratios(rows: Sequence[Row], ours: str, peers: Iterable[str]) -> str:
    def lines() -> Iterator[Sequence[str]]:
        for peer in peers:
            found = [goals.ratios(rows, ours, peer, leg) for leg in LEGS]
            yield [peer, *(_spread(values, 2) if values else "-" for values in found)]

    head = (f"{ours} / peer, sessions/s", *(f"{leg}: median (min-max)" for leg in LEGS))
    return _table(head, lines())


def _goals(rows: Sequence[Row]) -> Iterator[str]:
    if speed := list(goals.speed(rows)):
        head = (
            f"{goals.OURS} / peer, sessions/s",
            "at least",
            *(f"{leg}: each rep" for leg in LEGS),
        )
        yield _table(head, speed)
    if costs := list(goals.costs(rows)):
        yield _table(("our cost", "at most", "each rep"), costs)


def _service(service: Sequence[Row]) -> Iterator[str]:
    votes = [row for row in service if row["leg"] == "votes"]
    if votes:
        head = ("voters at once", "votes/s", "p50 ms", "p99 ms", "CPU ms")
        lines = [
            [
                str(row["voters"]),
                *(f"{row[k]:.1f}" for k in ("per_s", "p50_ms", "p99_ms", "cpu_ms")),
            ]
            for row in votes
        ]
        yield _table(head, lines)
    starts = [row for row in service if row["leg"] == "recovery"]
    if starts:
        columns = ("sessions waiting at the start", "first sweep after ms", "imports ms", "RSS MB")
        starting = [
            [str(row["n"]), *(f"{row[k]:.0f}" for k in ("ready_ms", "imports_ms", "rss_mb"))]
            for row in starts
        ]
        yield _table(columns, starting)
    tickets = [row for row in service if row["leg"] == "tickets"]
    if tickets:
        yield _tickets(tickets)


def _tickets(rows: Sequence[Row]) -> str:
    head = (
        "tickets", "in", "ms a call", "poll: calls", "ms", "one by one: calls", "ms",
        "one by one / poll",
    )  # fmt: skip
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["tickets"], row["system"], row["latency_ms"]), []).append(row)
    lines = []
    for group, mine in groups.items():
        digits = {"calls": 0, "poll_ms": 0, "one_by_one_calls": 0, "one_by_one_ms": 0, "ratio": 1}
        figures = [_spread([row[k] for row in mine], n) for k, n in digits.items()]
        lines.append([*map(str, group), *figures])
    return _table(head, lines)


def _missing(gaps: Iterable[Row]) -> str:
    return "Missing:\n" + "\n".join(f"- {gap['peer']}: {gap['reason']}" for gap in gaps)


def _spread(values: Sequence[float], digits: int) -> str:
    low, middle, high = (f"{v:.{digits}f}" for v in (min(values), median(values), max(values)))
    return middle if low == high else f"{middle} ({low}-{high})"


def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rule = ["---"] * len(head)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *lines))
