"""Commands on the policy, and the Teams app package: they need no server and no database."""

from __future__ import annotations

import json
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.markup import escape
from rich.table import Table

import countersign
from countersign.approvals.errors import ConfigurationError, InvalidError
from countersign.approvals.forms.wording import duration_words
from countersign.approvals.models import (
    Effect,
    SessionId,
    Stage,
    ToolCall,
)
from countersign.approvals.rules.ordered_rules import OrderedRule
from countersign.approvals.rules.policy import Policy
from countersign.bot.app_package.manifest import Developer, ManifestError, pack
from countersign.bot.cli.options import ConfigOption, read_part
from countersign.bot.console import console, finding
from countersign.bot.policy.check import examine
from countersign.bot.settings.sections import AppPackageSettings
from countersign.bot.teams.settings import TeamsSettings

policy = typer.Typer(no_args_is_help=True, help="Check the rules, and ask what they say.")
manifest = typer.Typer(no_args_is_help=True, help="The app package for Microsoft Teams.")

_SOURCE = Path(countersign.__file__).parent / "appPackage"


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
        finding(str(found), is_error=found.is_error)
    if not examined.is_sound:
        raise typer.Exit(1)


def _show(loaded: Policy) -> None:
    table = Table()
    for name in ("rule", "effect", "risk", "who approves", "where", "deadline", "holds"):
        table.add_column(name, overflow="fold")  # a name to copy is never cut off
    ordered = [(_ordered(rule), rule) for rule in loaded.document.rules]
    for tool, rule in [*ordered, *sorted(loaded.tools.items())]:
        deadline = duration_in_words(rule.deadline) if rule.deadline else ""
        where = ", ".join(rule.channels) if rule.tiers() else ""
        asks = rule.effect is Effect.REQUIRE_APPROVAL
        holds = duration_in_words(rule.valid_for_s) if asks else ""
        approvers = _approvers(rule.tiers())
        table.add_row(tool, rule.effect, rule.risk, approvers, where, deadline, holds)
    console.print(table)
    console.print(f"policy version {loaded.version}; a tool that is not listed is denied")


def _ordered(rule: OrderedRule) -> str:
    when = f" when {rule.when}" if rule.when else ""
    return escape(f"{rule.id}: {', '.join(rule.tool)}{when}")


def duration_in_words(seconds: float) -> str:
    """As it could be written in the configuration: 4h, 30s."""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds:g}s"


@policy.command()
def explain(
    tool: str,
    arguments: Annotated[str, typer.Option(help="The call's arguments, as JSON.")] = "{}",
    config: ConfigOption = None,
) -> None:
    """Say what policy says of a call, by which rule and why."""
    try:
        values = json.loads(arguments)
    except ValueError as exc:
        raise InvalidError(f"--arguments is not JSON: {exc}") from exc
    call = ToolCall(
        session_id=SessionId("none"),
        call_id="none",
        tool=tool,
        arguments=values,
        agent="none",
        executor="none",
    )
    part = read_part(config)
    loaded = part.policy(part.systems())
    part.require_sound()
    if loaded is None:
        raise AssertionError("there are no rules, and no problem says so")
    ruling = loaded.rule(call)
    console.print(f"{ruling.effect} by {ruling.rule_id} (risk {ruling.risk})", markup=False)
    console.print(ruling.reason, markup=False)
    if ruling.stages:
        where = " and ".join(ruling.channels)
        console.print(f"asks {_approvers(ruling.stages)}, in {where}", markup=False)
    if ruling.valid_for_s is not None:
        holds = duration_words(ruling.valid_for_s)
        console.print(
            f"an approval holds for {holds}; what has not begun by then is asked again",
            markup=False,
        )


@manifest.command("pack")
def pack_app(
    output: Annotated[Path, typer.Option(help="The zip to write.")] = Path("countersign-teams.zip"),
    bot_id: Annotated[str | None, typer.Option(help="The bot's app id; else teams.app_id.")] = None,
    config: ConfigOption = None,
) -> None:
    """Write the zip to upload to Teams, with the ids of the settings."""
    part = read_part(config)
    teams = part.section("teams", TeamsSettings)
    bot = bot_id or (teams.app_id if teams else "")
    about = part.section("app_package", AppPackageSettings)
    public = urlsplit(part.public_url())
    part.require_sound()
    problems = []
    if not bot:
        problems.append("teams.app_id: required (or --bot-id): the app id of the Azure bot.")
    if about is None:
        problems.append(
            "app_package: required: developer_name, website_url, privacy_url, terms_of_use_url."
        )
    if about is None or problems:
        raise ConfigurationError(problems)
    try:
        written = pack(
            _SOURCE,
            output,
            app_id=about.app_id or bot,
            bot_id=bot,
            domain=public.hostname if public.scheme == "https" else None,
            version=installed_version("countersign-approvals"),
            developer=Developer(
                name=about.developer_name,
                website_url=about.website_url,
                privacy_url=about.privacy_url,
                terms_of_use_url=about.terms_of_use_url,
            ),
        )
    except ManifestError as exc:
        raise ConfigurationError(str(exc).splitlines()) from exc
    console.print(f"wrote {written}; upload it in Teams: Apps, Manage your apps, Upload an app")


def _approvers(stages: tuple[Stage, ...]) -> str:
    return ", then ".join(f"{s.quorum} of {' or '.join(s.roles)}" for s in stages)
