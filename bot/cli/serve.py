"""`countersign serve`, which is also a command line of its own: a server needs no other command."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from countersign.bot.cli.options import ConfigOption
from countersign.bot.importing import nothing_collected
from countersign.bot.local.ports import from_options, moving
from countersign.bot.observability import logs
from countersign.bot.observability.redaction import Redactor, secrets_in
from countersign.bot.settings.file import load_settings
from countersign.bot.settings.sections import DEFAULT_HOST, DEFAULT_PORT

DESCRIPTION = "A person's approval between an AutoGen agent and a risky tool call."


def serve(
    config: ConfigOption = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = DEFAULT_HOST,
    port: Annotated[int, typer.Option(help="0 takes a free one.", min=0, max=65535)] = DEFAULT_PORT,
    hold: Annotated[
        bool, typer.Option("--hold", help="Answer people, but run no session and send nothing.")
    ] = False,
    moved: Annotated[list[str] | None, typer.Option(hidden=True)] = None,
) -> None:
    """Run the server: the bot, the REST API and the sessions."""
    with nothing_collected():
        from countersign.bot.serving import (
            serve as until_stopped,  # which `--help` need not wait for
        )
    # `countersign run` says so where it found ports of the configuration in use.
    settings = load_settings(config, adjust=moving(from_options(moved or ())))
    logs.configure(redactor=Redactor(secrets_in(settings)))
    asyncio.run(until_stopped(settings, host=host, port=port, hold=hold))


app = typer.Typer(pretty_exceptions_enable=False, help=DESCRIPTION)
app.callback()(lambda: None)  # else what comes first would be no command, but its argument
app.command()(serve)
