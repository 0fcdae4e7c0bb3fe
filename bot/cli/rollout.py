"""Rollout on the command line: where rules stand, what was done by hand, what was wrong."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from countersign.approvals.errors import InvalidError
from countersign.approvals.forms.rollouts import PHASES
from countersign.approvals.models import Phase
from countersign.bot.cli.actions import json_object
from countersign.bot.cli.options import ConfigOption, Json
from countersign.bot.cli.pauses import PersonOption
from countersign.bot.cli.server import Server, ServerOption
from countersign.bot.console import console, show_json

RequestArgument = Annotated[str, typer.Argument(help="The id of the request.")]

rollout = typer.Typer(
    no_args_is_help=True, help="From what people do by hand to what runs without asking."
)


@rollout.command("show")
def show(
    as_json: Json = False,
    person: PersonOption = "",
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """Where rules stand, and what speaks for another phase."""
    found = Server(config, person, server).call("GET", "/api/v1/rollouts")["items"]
    if as_json:
        show_json(found)
        return
    if not found:
        console.print("No rule comes by phases; docs/rollout.md says how one does.")
    for each in found:
        for line in _lines(each):
            console.print(line, markup=False)


@rollout.command("move")
def move(
    rule: Annotated[str, typer.Argument(help="As requests name it: small, tools.pay_refund.")],
    tool: Annotated[str, typer.Argument(help="The tool.")],
    phase: Annotated[Phase, typer.Argument(help="The next phase, or an earlier one.")],
    reason: Annotated[str, typer.Option(help="Why; it stands on the ledger.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask whether to.")] = False,
    person: PersonOption = "",
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """Show what speaks for it, and accept a promotion or a demotion."""
    api = Server(config, person, server)
    found = api.call("GET", "/api/v1/rollouts")["items"]
    named = {(each["evidence"]["rule"], each["evidence"]["tool"]): each for each in found}
    if (rule, tool) not in named:
        known = ", ".join(f"{r} {t}" for r, t in named) or "no rule comes by phases"
        raise InvalidError(f"There is no rule {rule} for {tool} that comes by phases: {known}.")
    known = named[rule, tool]
    for line in _lines(known):
        console.print(line, markup=False)
    if not (yes or typer.confirm(f"Move it to {PHASES[phase]}?")):
        raise typer.Exit(1)
    body = {"rule": rule, "tool": tool, "phase": phase.value, "evidence": known["digest"]}
    after = api.call("POST", "/api/v1/rollouts/moves", {**body, "reason": reason})
    said = PHASES[Phase(after["evidence"]["phase"])]
    console.print(f"{rule} is {said} for {tool} now", markup=False)


def _lines(known: dict[str, Any]) -> list[str]:
    evidence = known["evidence"]
    phase = PHASES[Phase(evidence["phase"])]
    lines = [f"{evidence['rule']} for {evidence['tool']}: {phase}, {known['progress']}"]
    lines.append(f"  {known['words']}")
    lines += [f"  Missing: {said}" for said in known["missing"] if evidence["next"]]
    if evidence["next"] and not known["missing"]:
        lines.append(f"  A promotion to {PHASES[Phase(evidence['next'])]} is proposed.")
    if known["speaks_against"]:
        lines.append("  A demotion is proposed.")
    return lines


def by_hand(
    request: RequestArgument,
    arguments: Annotated[
        str | None,
        typer.Option(help="JSON of what differs from what was proposed; nothing: did it so."),
    ] = None,
    nothing: Annotated[
        bool, typer.Option("--nothing", help="Nothing was to be done at all.")
    ] = False,
    text: Annotated[str, typer.Option(help="What you did, and why.")] = "",
    person: PersonOption = "",
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """Say what you did by hand of a call in shadow; it is compared with what was proposed."""
    if nothing and arguments is not None:
        raise InvalidError("--nothing and --arguments exclude each other.")
    changed = {} if arguments is None else json_object(arguments)
    api = Server(config, person, server)
    path = f"/api/v1/requests/{request}"
    done = None if nothing else {**api.call("GET", path)["arguments"], **changed}
    left = api.call("POST", f"{path}/by-hand", {"arguments": done, "text": text})
    said = next(each for each in left["hindsights"] if each["kind"] == "by_hand")
    differs = f" ({', '.join(said['differs'])})" if said["differs"] else ""
    agrees = "agrees" if said["agrees"] else f"does not agree{differs}"
    console.print(f"{left['id']}: what you did {agrees} with what was proposed", markup=False)


def wrong(
    request: RequestArgument,
    reason: Annotated[str, typer.Option(help="Why; it stands on the ledger.")],
    person: PersonOption = "",
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """Say that a call which has run should not have. Nothing is undone by that."""
    api = Server(config, person, server)
    left = api.call("POST", f"/api/v1/requests/{request}/wrong", {"reason": reason})
    console.print(f"{left['id']} is marked as wrong", markup=False)
