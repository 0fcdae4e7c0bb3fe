"""`countersign policy suggest`: rules that would spare people requests that they always approve."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
import yaml

from countersign.approvals.rules.ordered_rules import TOOLS_PREFIX
from countersign.approvals.store import open_reader
from countersign.bot.cli.options import ConfigOption, database_url
from countersign.bot.cli.simulate import span_of
from countersign.bot.console import console, show_json
from countersign.bot.policy.explained import rules_of
from countersign.bot.policy.simulation.run import Simulation, roles_in
from countersign.bot.policy.simulation.suggested import Suggested, answers_in, lines, suggested
from countersign.bot.settings.file import load_settings

FORMAT = "countersign-suggestions-1"


def suggest(
    since: Annotated[str, typer.Option(help="A duration before now, or a time in UTC.")] = "90d",
    until: Annotated[str | None, typer.Option(help="A time in UTC; else now.")] = None,
    least: Annotated[int, typer.Option(min=10, help="Calls that a rule has to be about.")] = 30,
    agreement: Annotated[
        float,
        typer.Option(
            min=0.5, max=0.999, help="At least this share would be approved (95 % bound)."
        ),
    ] = 0.9,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
    config: ConfigOption = None,
) -> None:
    """Look in what people have answered for conditions under which they have approved every call
    as it was proposed, and print them as rules, each with what speaks for it. Never for what
    cannot be undone. Nothing is changed: put a rule into the policy if you answer for it."""
    rules = rules_of(load_settings(config, complete=False), tools=True)
    simulation = Simulation(
        rules.policy, rules.policy, roles_in(rules.directory), span_of(since, until)
    )
    found = asyncio.run(_found(simulation, database_url(), least=least, agreement=agreement))
    if as_json:
        show_json({"format": FORMAT, "suggestions": [each.body() for each in found]})
        return
    if not found:
        _say("nothing to suggest: no rule has so many calls that people always approve unchanged")
    for each in found:
        _say("")
        text = yaml.safe_dump([each.rule], sort_keys=False, allow_unicode=True, width=1_000)
        _say(f"# before {each.suggestion.rule}".replace(TOOLS_PREFIX, "policy.tools."))
        _say(text.rstrip())
        for line in lines(each):
            _say(f"# {line}")


async def _found(
    simulation: Simulation, url: str, *, least: int, agreement: float
) -> list[Suggested]:
    async with open_reader(url) as reader:
        answers = await answers_in(reader, simulation)
        chosen = answers.suggestions(least=least, agreement=agreement)
        return await suggested(reader, simulation, chosen)


def _say(line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)
