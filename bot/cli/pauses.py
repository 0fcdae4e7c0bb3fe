"""Pause, resume, and what is paused: the kill switch on the command line."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from countersign.approvals.errors import InvalidError, NotFoundError
from countersign.approvals.forms.wording import visible
from countersign.approvals.models import PauseKind
from countersign.bot.cli.options import ConfigOption, Json, Limit
from countersign.bot.cli.records import reading
from countersign.bot.cli.server import Server, ServerOption
from countersign.bot.console import console, show_json

PersonOption = Annotated[
    str,
    typer.Option(
        "--as", help="The id of a person in `people`, in local mode; else COUNTERSIGN_TOKEN."
    ),
]
ToolOption = Annotated[str | None, typer.Option("--tool", help="Every call of this tool.")]
WorkflowOption = Annotated[
    str | None, typer.Option("--workflow", help="Every call in sessions of this workflow.")
]
AgentOption = Annotated[str | None, typer.Option("--agent", help="Every call of this agent.")]
DomainOption = Annotated[
    str | None, typer.Option("--domain", help="Every call that belongs to this domain.")
]
AllOption = Annotated[bool, typer.Option("--all", help="Every call there is.")]


def pause(
    reason: Annotated[str, typer.Option(help="Why; everybody is shown it.")],
    tool: ToolOption = None,
    workflow: WorkflowOption = None,
    agent: AgentOption = None,
    domain: DomainOption = None,
    everything: AllOption = False,
    person: PersonOption = "",
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """Let nothing begin of a tool, workflow, agent, domain, or at all; what waits keeps waiting."""
    scope = _scope(tool, workflow, agent, domain, everything)
    api = Server(config, person, server)
    begun = api.call("POST", "/api/v1/pauses", {**scope, "reason": reason})
    console.print(f"{begun['id']}: {_named(begun)} is paused.", markup=False, soft_wrap=True)


def resume(
    tool: ToolOption = None,
    workflow: WorkflowOption = None,
    agent: AgentOption = None,
    domain: DomainOption = None,
    everything: AllOption = False,
    person: PersonOption = "",
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """Let it go on; what waited for that goes on by itself."""
    ((kind, name),) = _scope(tool, workflow, agent, domain, everything).items()
    wanted = {"kind": kind, "name": "" if kind == PauseKind.ALL else name}
    api = Server(config, person, server)
    held = api.call("GET", "/api/v1/pauses?limit=200")["items"]
    found = next((each for each in held if each["scope"] == wanted), None)
    if found is None:
        others = ", ".join(_named(each) for each in held) or "nothing"
        raise NotFoundError(f"{_named({'scope': wanted})} is not paused; paused: {others}.")
    ended = api.call("DELETE", f"/api/v1/pauses/{found['id']}")
    console.print(f"{ended['id']}: {_named(ended)} goes on.", markup=False, soft_wrap=True)


def pauses(
    ended: Annotated[bool, typer.Option("--ended", help="Also those that have ended.")] = False,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """What is paused, by whom, since when and why."""
    found = reading(lambda records: records.all_pauses(limit=limit) if ended else records.pauses())
    if as_json:
        show_json([each.model_dump(mode="json") for each in found])
        return
    for each in found:
        text = f"{each.id} {each.scope}: {each.words}"
        if each.ended_at is not None:
            text += f" (until {each.ended_at:%Y-%m-%d %H:%M} UTC, by {each.ended_by_name})"
        console.print(visible(text), markup=False, highlight=False, soft_wrap=True)
    if not found:
        console.print("Nothing is paused.")


def _scope(
    tool: str | None,
    workflow: str | None,
    agent: str | None,
    domain: str | None,
    everything: bool,
) -> dict[str, Any]:
    named = {
        "tool": tool,
        "workflow": workflow,
        "agent": agent,
        "domain": domain,
        "all": everything or None,
    }
    given = {kind: name for kind, name in named.items() if name is not None}
    if len(given) != 1:
        raise InvalidError("Name exactly one of --tool, --workflow, --agent, --domain and --all.")
    return given


def _named(pause: dict[str, Any]) -> str:
    kind, name = pause["scope"]["kind"], pause["scope"]["name"]
    return "everything" if kind == PauseKind.ALL else f"the {kind} {name}"
