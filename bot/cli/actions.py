"""Commands that change something: they ask the running server, which holds the database."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from countersign.approvals.audit.canonical import short
from countersign.approvals.errors import InvalidError
from countersign.approvals.forms.display import shown_arguments
from countersign.approvals.forms.wording import in_words
from countersign.approvals.models import Verdict
from countersign.bot.cli.options import ConfigOption
from countersign.bot.cli.server import PersonOption, Server, ServerOption
from countersign.bot.console import console


def decide(
    request: Annotated[str, typer.Argument(help="The id of the request.")],
    verdict: Verdict,
    person: PersonOption,
    arguments: Annotated[
        str | None, typer.Option(help="With modify: all arguments, as JSON.")
    ] = None,
    comment: Annotated[str, typer.Option(help="Required to reject.")] = "",
    preview: Annotated[
        bool, typer.Option("--preview", help="With modify: say who would decide, and do nothing.")
    ] = False,
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """Decide a request as somebody (local mode only)."""
    api = Server(config, person, server)
    found = api.call("GET", f"/api/v1/requests/{request}")
    if preview:
        changed = {"digest": found["digest"], "arguments": json_object(arguments or "")}
        edit = api.call("POST", f"/api/v1/requests/{request}/edits/preview", changed)
        console.print(edit["others"] or "Nobody else has to decide it then.", markup=False)
        return
    body: dict[str, Any] = {"verdict": verdict, "digest": found["digest"], "comment": comment}
    if arguments is not None:
        body["arguments"] = json_object(arguments)
    decided = api.call("POST", f"/api/v1/requests/{request}/votes", body)
    console.print(
        f"{decided['id']} is {decided['status']} (digest {short(decided['digest'])})", markup=False
    )


def decide_together(
    request: Annotated[str, typer.Argument(help="The id of one of the calls.")],
    verdict: Annotated[Verdict, typer.Argument(help="approve or reject.")],
    person: PersonOption,
    comment: Annotated[str, typer.Option(help="Required to reject.")] = "",
    show: Annotated[bool, typer.Option("--show", help="Only say what waits together.")] = False,
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """Decide what waits together with a request, as far as it is theirs (local mode only)."""
    api, path = Server(config, person, server), f"/api/v1/requests/{request}/together"
    found = api.call("GET", path)
    if not show:
        if not found["digests"]:
            raise InvalidError(f"Of the calls of {request} none waits any more.")
        body = {"verdict": verdict, "digests": found["digests"], "comment": comment}
        body["leave"] = True
        found = {**api.call("POST", f"{path}/votes", body), "totals": found["totals"]}
    for call in found["calls"]:
        why = found["left"].get(call["id"], "")
        told = f"{call['id']} {call['tool']} is {call['status']}"
        console.print(f"{told}, not decided: {why}" if why else told, markup=False)
    for currency, total in found["totals"].items():
        console.print(f"In total {total} {currency}", markup=False)


def withdraw(
    request: Annotated[str, typer.Argument(help="The id of the request.")],
    person: PersonOption,
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """Take back somebody's vote while nothing is decided (local mode only)."""
    api = Server(config, person, server)
    left = api.call("POST", f"/api/v1/requests/{request}/votes/withdraw")
    console.print(f"{left['id']} is {left['status']}, without that vote", markup=False)


def revoke(
    request: Annotated[str, typer.Argument(help="The id of the request.")],
    reason: Annotated[str, typer.Option(help="The agents and whoever asked read it.")],
    person: PersonOption,
    ask_again: Annotated[
        bool, typer.Option("--ask-again", help="Ask people again instead of rejecting it.")
    ] = False,
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """Take back an approval that nobody has used yet (local mode only)."""
    api = Server(config, person, server)
    body: dict[str, Any] = {"reason": reason, "ask_again": ask_again}
    left = api.call("POST", f"/api/v1/requests/{request}/revocation", body)
    console.print(f"{left['id']} is {left['status']}", markup=False)


def undo(
    request: Annotated[str, typer.Argument(help="The id of the request that was executed.")],
    reason: Annotated[str, typer.Option(help="Why; it stands on the ledger.")],
    person: PersonOption,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask whether to.")] = False,
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """Show what would take back what an executed call has done, and have it done (local mode
    only)."""
    api = Server(config, person, server)
    offer = api.call("GET", f"/api/v1/requests/{request}")["undo"]
    if offer is not None:
        console.print(f"{in_words(offer['tool'])} takes it back, with", markup=False)
        for each in shown_arguments(offer["arguments"]):
            console.print(f"  {each.label}: {each.text}", markup=False)
        if not (yes or typer.confirm("Undo it?")):
            raise typer.Exit(1)
    left = api.call("POST", f"/api/v1/requests/{request}/undo", {"reason": reason})
    attempt = left["undo"]["attempts"][-1]
    console.print(f"{request}: {attempt['words']} Session {attempt['session_id']}.", markup=False)


def resolve(
    request: Annotated[str, typer.Argument(help="The id of the request.")],
    happened: Annotated[
        bool,
        typer.Option(
            "--happened/--did-not-happen", help="Whether the call took effect.", show_default=False
        ),
    ],
    note: Annotated[str, typer.Option(help="Where you looked and what you found.")],
    person: PersonOption,
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """Say what became of a request in doubt; look at the target system first (local mode only)."""
    api = Server(config, person, server)
    body: dict[str, Any] = {"happened": happened, "note": note}
    resolved = api.call("POST", f"/api/v1/requests/{request}/resolution", body)
    console.print(f"{resolved['id']} is {resolved['status']}", markup=False)


def ask(
    request: Annotated[str, typer.Argument(help="The id of the request.")],
    text: Annotated[str, typer.Argument(help="What you want to know before you decide.")],
    person: PersonOption,
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """Ask the agent about a request before deciding it (local mode only)."""
    api = Server(config, person, server)
    asked = api.call("POST", f"/api/v1/requests/{request}/questions", {"text": text})
    console.print(
        f"{asked['id']} is {asked['status']}; `countersign requests show {request}` shows the "
        "answer",
        markup=False,
    )


def answer(
    question: Annotated[str, typer.Argument(help="The id of the question.")],
    text: Annotated[str, typer.Argument(help="What the agent could not say.")],
    person: PersonOption,
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """Answer, as whoever asked for the call, what its agent could not (local mode only)."""
    api, (request, _, number) = Server(config, person, server), question.rpartition(".")
    path = f"/api/v1/requests/{request}/questions/{number}/answer"
    given = api.call("POST", path, {"text": text})
    console.print(f"{given['id']} is {given['status']}", markup=False)


def start(
    workflow: Annotated[str, typer.Argument(help="Its name, e.g. sales_quote.")],
    task: Annotated[str, typer.Argument(help="What the agents shall do.")],
    person: PersonOption,
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """Start a session for somebody (local mode only)."""
    api = Server(config, person, server)
    started = api.call("POST", "/api/v1/sessions", {"workflow": workflow, "task": task})
    console.print(f"{started['id']} is {started['status']}", markup=False)


def cancel(
    session: Annotated[str, typer.Argument(help="The id of the session.")],
    person: PersonOption,
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """End a session as its owner or an admin (local mode only)."""
    api = Server(config, person, server)
    ended = api.call("POST", f"/api/v1/sessions/{session}/cancel")
    console.print(f"{ended['id']} is {ended['status']}", markup=False)


def json_object(text: str) -> dict[str, Any]:
    """What `--arguments` says. Raises InvalidError."""
    try:
        value = json.loads(text)
    except ValueError as exc:
        raise InvalidError(f"--arguments is not JSON: {exc}") from exc
    if not isinstance(value, dict):
        raise InvalidError('--arguments must be a JSON object, for example {"amount": 900}.')
    return value
