"""Rollout on the command line: what was done by hand, and what was wrong."""

from __future__ import annotations

from typing import Annotated

import typer

from countersign.approvals.errors import InvalidError
from countersign.bot.cli.actions import json_object
from countersign.bot.cli.options import ConfigOption
from countersign.bot.cli.pauses import PersonOption
from countersign.bot.cli.server import Server, ServerOption
from countersign.bot.console import console

RequestArgument = Annotated[str, typer.Argument(help="The id of the request.")]


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
