"""`countersign approve`: decide in a terminal what waits for you."""

from __future__ import annotations

from typing import Annotated

import typer

from countersign.approvals.errors import RefusedError
from countersign.bot.cli.options import ConfigOption
from countersign.bot.cli.server import Server, ServerOption

INTERRUPTED = 130
"""The exit status after Ctrl-C, as shells give it."""
PersonOption = Annotated[
    str,
    typer.Option(
        "--as", help="The id of a person in `people`, in local mode; else COUNTERSIGN_TOKEN."
    ),
]


def approve(
    request: Annotated[str | None, typer.Argument(help="Only this request, by its id.")] = None,
    person: PersonOption = "",
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """Walk through what waits for you: approve, reject, edit, ask.

    Exit status 0: nothing waits any more; 3: something was skipped, or you left; 1: an error.
    """
    from countersign.bot.cli.walk.editing import (
        editor_of,  # forms and schemas, which `--help` spares
    )
    from countersign.bot.cli.walk.terminal import Tty, is_terminal
    from countersign.bot.cli.walk.walk import Walk

    if not is_terminal():
        raise RefusedError(
            "A person decides here, so this needs a terminal; over ssh: "
            "`ssh -t HOST countersign approve`. Programs use the API, with their own token."
        )
    walk = Walk(Tty(), Server(config, person, server), editor=editor_of())
    try:
        status = walk.run(request)
    except KeyboardInterrupt:
        typer.echo("\nInterrupted. If a vote was on its way just now, it may count.", err=True)
        status = INTERRUPTED
    raise typer.Exit(status)
