"""Commands on the policy: they need no server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from sqlalchemy import Connection

from countersign.approvals.errors import ConfigurationError, CountersignError, InvalidError
from countersign.approvals.models import Effect, Span
from countersign.approvals.ports import Directory
from countersign.approvals.records import Records
from countersign.approvals.rules.budgets.words import limits_in_words
from countersign.approvals.rules.deciding import stages_in_words
from countersign.approvals.rules.examples import ExampleCall
from countersign.approvals.rules.policy import Policy
from countersign.approvals.rules.tool_rules import Rule
from countersign.approvals.store import open_reader, policy_versions
from countersign.bot.cli.options import ConfigOption, Json, Limit, database_url
from countersign.bot.cli.records import reading
from countersign.bot.cli.simulate import simulate
from countersign.bot.cli.suggest import suggest
from countersign.bot.clock import SystemClock
from countersign.bot.console import console, finding, show_json
from countersign.bot.directories import known_people
from countersign.bot.policy.check import examine, placed
from countersign.bot.policy.deciders import NOTHING_KNOWN, Around
from countersign.bot.policy.examples import beside, failures, read_examples, would_run
from countersign.bot.policy.explained import body_of, call_of, read_call, rules_of, told
from countersign.bot.policy.times import in_short, length
from countersign.bot.settings.file import load_settings
from countersign.bot.settings.sections import Settings

T = TypeVar("T")
policy = typer.Typer(no_args_is_help=True, help="Check the rules, and ask what they say.")


@policy.command()
def check(config: ConfigOption = None) -> None:
    """Read the rules, show them, and compare them with the tools of the workflows and with the
    people; exit status 1 if something has to be put right."""
    examined = examine(config, complete=False)
    if examined.settings is not None and not examined.problems:
        _show(examined.settings.policy)
    for problem in (*examined.problems, *examined.workflows):
        finding(problem, is_error=True)
    for found in examined.findings:
        finding(placed(examined, str(found)), is_error=found.is_error)
    if not examined.is_sound:
        raise typer.Exit(1)


def _show(loaded: Policy) -> None:
    for rule in loaded.document.rules:
        _say(f"{rule.id}: {', '.join(rule.tool)}")
        if rule.when:
            _say(f"  when {rule.when}")
        _say(f"  {_outcome(rule)}")
    width = max((len(tool) for tool in loaded.tools), default=0)
    for tool, short in sorted(loaded.tools.items()):
        _say(f"{tool:{width}}  {_outcome(short)}")
    for name, budget in loaded.document.budgets.items():
        _say(f"budget {name}: {', '.join(budget.tool)}")
        _say(f"  {limits_in_words(budget)}")
        if budget.asks:
            asking = budget.asking()
            _say(f"  past soft: {stages_in_words(asking.tiers())}, in {', '.join(asking.channels)}")
    _say(f"policy version {loaded.version}; a tool that is not listed is denied")


def _outcome(rule: Rule) -> str:
    """What a rule says, on one line."""
    if rule.effect is not Effect.REQUIRE_APPROVAL:
        return str(rule.effect)
    valid = Span(seconds=rule.valid_for_s, calendar=rule.time.valid_calendar)
    return (
        f"{rule.effect} by {stages_in_words(rule.tiers())}, in {', '.join(rule.channels)}; "
        f"risk {rule.risk}{''.join(in_short(rule))}; holds for {length(valid)}"
    )


def _say(line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)  # to copy: never cut off


@policy.command()
def explain(
    call: Annotated[str, typer.Argument(help="A file with a call as JSON, or a tool's name.")],
    arguments: Annotated[str, typer.Option(help="Of a tool: the arguments, as JSON.")] = "{}",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
    config: ConfigOption = None,
) -> None:
    """Say what the rules say of a call: which one rules, why not those before it, who would be
    asked and until when. The file has `tool`, `arguments`, and what it depends on: `agent`,
    `workflow`, `requester`, `roles`, `at`, and `used` of budgets."""
    asked = _asked(call, arguments)
    settings, now = load_settings(config, complete=False), SystemClock().now()
    rules = rules_of(settings)
    found = rules.explain(asked, now)
    if as_json:
        show_json(body_of(found, asked.at or now, rules.policy.calendars))
        return
    directory = _known(settings) or rules.directory
    for line in told(found, directory, asked, now, rules.policy.calendars, _around()):
        _say(line)
    for problem in rules.unusable:
        finding(problem, is_error=False)


def _known(settings: Settings) -> Directory | None:
    """Everybody whom directories and schedules tell of, where there is a database with them."""
    if settings.directory is None:
        return None

    async def read() -> Directory:
        async with open_reader(database_url()) as reader:
            return await known_people(settings, reader, lambda: settings.policy.document.domains)

    try:
        return asyncio.run(read())
    except CountersignError:
        return None


def _around() -> Around:
    """What the database knows, where there is one: rules are also looked at without."""

    async def read(records: Records) -> Around:
        given = await records.delegations(limit=200)
        return Around(
            pauses=tuple(await records.pauses()),
            delegations=tuple(each.delegation for each in given),
        )

    try:
        return reading(read)
    except CountersignError:
        return NOTHING_KNOWN


def _asked(call: str, arguments: str) -> ExampleCall:
    path = Path(call)
    if path.suffix == ".json" or path.is_file():
        return read_call(path)
    try:
        values = json.loads(arguments)
    except ValueError as exc:
        raise InvalidError(f"--arguments is not JSON: {exc}") from exc
    return call_of({"tool": call, "arguments": values}, "call")


@policy.command("test")
def compare_examples(
    examples: Annotated[
        list[Path] | None, typer.Option(help="More examples; may be given more than once.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Compare the rules with the examples of `policy.examples`, and of NAME.examples.yaml beside
    the configuration; exit status 1 if one comes out otherwise."""
    settings = load_settings(config, complete=False)
    rules, now = rules_of(settings), SystemClock().now()
    neighbour = beside(Path(settings.source))
    files = [*([neighbour] if neighbour.is_file() else []), *(examples or [])]
    named = [
        (f"policy.examples.{n}", each) for n, each in enumerate(settings.policy.document.examples)
    ]
    for file in files:
        named += [(f"{file}: examples.{n}", e) for n, e in enumerate(read_examples(file))]
    wrong, running = 0, set[str]()
    for number, (where, example) in enumerate(named):
        said = failures(rules, example, now)
        wrong += bool(said)
        if said and example.adversarial:
            running.add(example.name or f"examples.{number}")
        if said:
            name = f" ({example.name})" if example.name else ""
            finding(f"{where}{name}: {said[0]}", is_error=True)
            for line in said[1:]:
                console.print(f"      {line}", markup=False, highlight=False, soft_wrap=True)
    if not named:
        raise ConfigurationError(
            [f"there are no examples: write some under policy.examples, or into {neighbour}."]
        )
    console.print(f"{len(named) - wrong} of {len(named)} examples as expected", highlight=False)
    run = would_run(rules, [example for _, example in named])
    for name, says in run:
        running.add(name)
        finding(says, is_error=True)
    if count := sum(example.adversarial for _, example in named):
        share = (count - len(running)) / count
        says = f"{count - len(running)} of {count} adversarial examples are stopped ({share:.0%})"
        console.print(says, highlight=False)
    if wrong or run:
        raise typer.Exit(1)


@policy.command()
def versions(limit: Limit = 20, as_json: Json = False) -> None:
    """The policies by which servers have ruled on this database, newest first; the ledger names
    one with each ruling."""
    found = _reading(lambda c: policy_versions.newest(c, limit=limit))
    if as_json:
        show_json([each.model_dump(mode="json") for each in found])
        return
    for each in found:
        said = f"{each.version}  since {each.first_used_at:%Y-%m-%d %H:%M} UTC"
        console.print(said, markup=False, highlight=False)


@policy.command()
def show(version: Annotated[str, typer.Argument(help="As the ledger has it.")]) -> None:
    """The text of a policy by which a server has ruled, as JSON; it is hashed again before."""
    show_json(_reading(lambda c: policy_versions.get(c, version)).document)


def _reading(work: Callable[[Connection], T]) -> T:
    async def run() -> T:
        async with open_reader(database_url()) as reader:
            return await reader.read(work)

    return asyncio.run(run())


policy.command()(simulate)
policy.command()(suggest)
