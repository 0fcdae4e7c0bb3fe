"""`countersign oversight`: whether people look at what they decide."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from countersign.approvals.errors import InvalidError
from countersign.approvals.forms.systems import system_words
from countersign.approvals.forms.wording import visible
from countersign.approvals.models import Via
from countersign.approvals.rules.oversight import FAST_S, CanaryFigures, Figures, Report
from countersign.bot.audit.oversight_csv import csv_of
from countersign.bot.cli.options import Json
from countersign.bot.cli.records import reading
from countersign.bot.cli.simulate import span_of
from countersign.bot.console import console, show_json


def oversight(
    since: Annotated[str, typer.Option(help="A duration before now, or a time in UTC.")] = "30d",
    until: Annotated[str | None, typer.Option(help="A time in UTC; else now.")] = None,
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """How people decide: how fast, how often they refuse or change, and who carries how much; by
    rule, channel and person. Reads the newest 10,000 requests of the time."""
    if as_json and as_csv:
        raise InvalidError("Choose one of --json and --csv.")
    span = span_of(since, until)
    found = reading(lambda records: records.oversight.report(None, span.since, span.until))
    if as_json:
        show_json(found.model_dump(mode="json"))
        return
    if as_csv:
        typer.echo(csv_of(found), nl=False)
        return
    _show(found)


def _show(found: Report) -> None:
    which = "all" if found.complete else "the newest"
    _say(
        f"{found.since:%Y-%m-%d} to {found.until:%Y-%m-%d}: {which} {found.requests:,} requests "
        f"that people were asked, {found.expired:,} of which nobody decided in time"
    )
    total = found.total
    tests = total.canaries
    if tests.ended:
        _say(
            f"{tests.ended:,} of its tests (canaries) have ended: {tests.caught:,} caught, "
            f"{tests.missed:,} missed, {tests.asked:,} asked about first, {tests.unanswered:,} "
            "unanswered"
        )
    if not total.votes and not tests.ended:
        _say("People have not decided anything in this time.")
        return
    _say(
        f"{total.fast:,} of {total.approvals:,} approvals ({_share(total.fast_share)}) came within "
        f"{FAST_S:g} seconds: nobody has read what they approved then"
    )
    rules = [(each.id, each) for each in found.rules]
    channels = [(system_words(Via(each.id)), each) for each in found.channels]
    people = [(each.name, each) for each in found.people]
    for title, groups in (("rule", rules), ("channel", channels), ("person", people)):
        table = Table(box=None, pad_edge=False, title_justify="left")
        columns = (title, "votes", "rejected", "changed", f"in {FAST_S:g} s", "half within")
        more = ("tests caught",) if tests.ended else ()
        for number, name in enumerate((*columns, "9 of 10 within", *more)):
            table.add_column(name, justify="right" if number else "left")
        for name, each in groups:
            caught = (_caught(each.canaries),) if tests.ended else ()
            table.add_row(escape(visible(name)), *_cells(each), *caught)
        console.print(table)
        _say("")


def _cells(of: Figures) -> tuple[str, ...]:
    shares = (of.rejected_share, of.edited_share, of.fast_share)
    return f"{of.votes:,}", *map(_share, shares), _seconds(of.median_s), _seconds(of.p90_s)


def _caught(of: CanaryFigures) -> str:
    """How many of those that were answered, and between what and what that share may lie."""
    if not of.answered:
        return "-"
    return f"{of.caught:,} of {of.answered:,} ({of.low:.0%} to {of.high:.0%})"


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"


def _say(line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)
