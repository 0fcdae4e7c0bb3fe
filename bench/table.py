"""The tables of a run beside the peers: medians and quartiles, and our ratio to each peer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from bench import goals
from bench.contenders import CONTENDERS
from bench.goals import LEGS, OURS, markdown, ratios, spread

Row = dict[str, Any]


def render(results: Mapping[str, Any]) -> str:
    """Everything that was measured, and what is missing."""
    return "\n\n".join([*tables(results).values(), *_missing(results["missing"])]) + "\n"


def tables(results: Mapping[str, Any]) -> dict[str, str]:
    """Each table by its name."""
    rows: Sequence[Row] = results["rows"]
    known = [contender.name for contender in CONTENDERS]
    peers = sorted({row["peer"] for row in rows}, key=known.index)
    found = {"peers": _medians(rows, peers)} if peers else {}
    if OURS in peers and peers != [OURS]:
        found["ratios"] = _ratios(rows, [peer for peer in peers if peer != OURS])
    if any(goals.lines(results)):
        found["goals"] = goals.render(results)
    return found | _service(results["service"])


def _medians(rows: Sequence[Row], peers: Sequence[str]) -> str:
    head = (
        "peer", "leg", "sessions/s", "p50 ms", "p99 ms", "CPU ms", "RSS MB",
        "bytes beside ledger", "ledger bytes",
    )  # fmt: skip

    def lines() -> Iterator[Sequence[str]]:
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
                yield [
                    peer, leg, spread([row["per_s"] for row in mine], 0),
                    f"{middle['p50_ms']:.2f}", f"{middle['p99_ms']:.2f}",
                    f"{middle['cpu_ms']:.2f}", f"{middle['rss_mb']:.0f}",
                    f"{middle['bytes_per_session']:,.0f}",
                    f"{middle['ledger_bytes_per_session']:,.0f}",
                ]  # fmt: skip

    return markdown(head, lines())


def _ratios(rows: Sequence[Row], peers: Iterable[str]) -> str:
    def lines() -> Iterator[Sequence[str]]:
        for peer in peers:
            found = [
                ratios(rows, {"peer": OURS, "leg": leg}, {"peer": peer, "leg": leg}) for leg in LEGS
            ]
            yield [peer, *(spread(values) for values in found)]

    return markdown((f"sessions/s, {OURS} / peer", *LEGS), lines())


def _service(service: Sequence[Row]) -> dict[str, str]:
    found = {}
    if votes := [row for row in service if row["leg"] == "votes"]:
        columns = ("per_s", "p50_ms", "p99_ms", "cpu_ms")
        body = [[str(row["voters"]), *(f"{row[k]:.1f}" for k in columns)] for row in votes]
        found["service-votes"] = markdown(
            ("voters at once", "votes/s", "p50 ms", "p99 ms", "CPU ms"), body
        )
    if starts := [row for row in service if row["leg"] == "recovery"]:
        shown = ("ready_ms", "imports_ms", "rss_mb")
        found["recovery"] = markdown(
            ("sessions waiting at the start", "first sweep after ms", "imports ms", "RSS MB"),
            [[str(row["n"]), *(f"{row[k]:.0f}" for k in shown)] for row in starts],
        )
    if tickets := [row for row in service if row["leg"] == "tickets"]:
        found["tickets"] = _tickets(tickets)
    return found


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
        figures = [spread([row[k] for row in mine], n) for k, n in digits.items()]
        lines.append([*map(str, group), *figures])
    return markdown(head, lines)


def _missing(gaps: Iterable[Row]) -> list[str]:
    each = [f"- {gap['peer']}: {gap['reason']}" for gap in gaps]
    return ["Missing:\n" + "\n".join(each)] if each else []
