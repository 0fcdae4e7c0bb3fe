"""`countersign policy simulate`: new rules on the calls that are on record."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from countersign.approvals.errors import ConfigurationError, InvalidError
from countersign.approvals.models import JsonObject
from countersign.approvals.rules.durations import duration_s
from countersign.approvals.rules.simulation.tally import Tally
from countersign.approvals.store import history, open_reader
from countersign.bot.cli.ledger import write_out
from countersign.bot.cli.options import ConfigOption, database_url
from countersign.bot.clock import SystemClock
from countersign.bot.console import console, errors, finding, show_json
from countersign.bot.policy.explained import Rules, rules_of
from countersign.bot.policy.simulation import told
from countersign.bot.policy.simulation.report import page
from countersign.bot.policy.simulation.run import Simulation, roles_in
from countersign.bot.policy.simulation.work_file import WorkFile, work_file
from countersign.bot.settings.file import load_settings
from countersign.bot.settings.yaml import parse

AGAINST = 1
"""Exit status: a call that a person was against would run."""


def simulate(
    new: Annotated[
        Path, typer.Argument(help="The new rules: a configuration, or its `policy:` section alone.")
    ],
    since: Annotated[str, typer.Option(help="A duration before now, or a time in UTC.")] = "30d",
    until: Annotated[str | None, typer.Option(help="A time in UTC; else now.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write an HTML page with plots here.")] = None,
    state: Annotated[
        Path | None, typer.Option(help="Keep here how far it is: the same command goes on.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
    config: ConfigOption = None,
) -> None:
    """Ask the present rules and new ones about every recorded call, side by side, and say what
    would change: who would no longer be asked and what they had said, who would be asked instead,
    which budgets would be passed. Nothing is changed. Exit status 1 if a call that a person had
    rejected would now run."""
    before, after = rules_of(load_settings(config, complete=False)), _new_rules(new, config)
    url = database_url()
    with work_file(state) as work:
        span = _span(work, since, until)
        run = {
            "present policy": before.policy.version,
            "new policy": after.policy.version,
            "--since": since,
            "--until": until or "",
            "database": sha256(url.encode()).hexdigest(),
        }
        work.belongs_to(run, state).keep(span=[each.isoformat() for each in span])
        simulation = Simulation(before.policy, after.policy, roles_in(before.directory), span)
        tally = asyncio.run(_run(simulation, work, url))
    if report is not None:
        write_out(page(simulation, tally), report)
    if as_json:
        show_json(told.body(simulation, tally))
    else:
        _show(simulation, tally, report)
    if tally.against:
        raise typer.Exit(AGAINST)


def _show(simulation: Simulation, tally: Tally, report: Path | None) -> None:
    for line in told.lines(simulation, tally):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    for number, line in enumerate(told.warnings(tally)):
        if number == 0:
            finding(line, is_error=True)
        else:
            console.print(f"      {line}", markup=False, highlight=False, soft_wrap=True)
    if report is not None:
        console.print(f"report: {report}", markup=False, highlight=False, soft_wrap=True)


async def _run(simulation: Simulation, work: WorkFile, url: str) -> Tally:
    async with open_reader(url) as reader:
        total = await reader.read(lambda connection: history.count(connection, simulation.span))
        shown = errors.is_terminal
        columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=errors, transient=True, disable=not shown) as bar:
            task = bar.add_task("", total=total)
            return await simulation.run(
                reader, work, lambda count: bar.update(task, completed=count)
            )


def _new_rules(new: Path, config: Path | None) -> Rules:
    """The new rules, in the present configuration. Raises ConfigurationError, naming the file."""
    document = parse(new)
    section = document.get("policy", document)

    def adjust(present: JsonObject) -> None:
        present["policy"] = section

    try:
        return rules_of(load_settings(config, adjust=adjust, complete=False))
    except ConfigurationError as exc:
        raise ConfigurationError([f"{new}: {each}" for each in exc.problems]) from exc


def _span(work: WorkFile, since: str, until: str | None) -> history.Span:
    """As it was when the run began, if it goes on."""
    kept: Any = work.get("span")
    if kept is not None:
        return history.Span(*(datetime.fromisoformat(each) for each in kept))
    return span_of(since, until)


def span_of(since: str, until: str | None) -> history.Span:
    """As somebody has typed it. Raises InvalidError."""
    end = SystemClock().now() if until is None else _time(until, "--until")
    try:
        begin = end - timedelta(seconds=duration_s(since))
    except ValueError:
        begin = _time(since, "--since")
    if begin >= end:
        raise InvalidError(f"--since {since}: is not before the end, {end:%Y-%m-%d %H:%M} UTC.")
    return history.Span(begin, end)


def _time(text: str, named: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as exc:
        raise InvalidError(
            f"{named} {text}: is no time; write a duration before now, as 30d or 12h, or a time in "
            "UTC, as 2026-11-30 or 2026-11-30T09:00."
        ) from exc
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
