"""The command line: `countersign --help`."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import typer

from countersign.bot.importing import nothing_collected

with nothing_collected():
    from countersign.approvals.errors import ConfigurationError, CountersignError
    from countersign.bot.cli.actions import (
        answer,
        ask,
        cancel,
        decide,
        decide_together,
        resolve,
        revoke,
        start,
        undo,
        withdraw,
    )
    from countersign.bot.cli.approve import approve
    from countersign.bot.cli.checking import verify as verify_ledger
    from countersign.bot.cli.db import database
    from countersign.bot.cli.delegate import away, delegate
    from countersign.bot.cli.doctor import doctor
    from countersign.bot.cli.erasing import erase
    from countersign.bot.cli.forwarding import forward
    from countersign.bot.cli.grants import grants
    from countersign.bot.cli.ledger import ledger
    from countersign.bot.cli.manifest import manifest
    from countersign.bot.cli.options import ConfigOption
    from countersign.bot.cli.oversight import oversight
    from countersign.bot.cli.pauses import pause, pauses, resume
    from countersign.bot.cli.people import people
    from countersign.bot.cli.policy import policy
    from countersign.bot.cli.project import init, run
    from countersign.bot.cli.publishing import publish
    from countersign.bot.cli.records import requests, sessions
    from countersign.bot.cli.replaying import replay
    from countersign.bot.cli.retention import archive, hold, holds, lift, restore
    from countersign.bot.cli.rollout import by_hand, rollout, wrong
    from countersign.bot.cli.seal import seal
    from countersign.bot.cli.verifying import verify
    from countersign.bot.cli.webhooks import webhooks
    from countersign.bot.cli.witness import witness
    from countersign.bot.console import errors
    from countersign.bot.demo.options import DecideOption, FrontOption, WorkflowOption
    from countersign.bot.local.ports import from_options, moving
    from countersign.bot.observability import logs
    from countersign.bot.observability.redaction import Redactor, secrets_in
    from countersign.bot.settings.file import load_settings
    from countersign.bot.settings.sections import DEFAULT_HOST, DEFAULT_PORT

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="A person's approval between an AutoGen agent and a risky tool call.",
)
for name, group in (
    ("sessions", sessions),
    ("requests", requests),
    ("ledger", ledger),
    ("policy", policy),
    ("people", people),
    ("grants", grants),
    ("rollout", rollout),
    ("delegate", delegate),
    ("manifest", manifest),
    ("webhooks", webhooks),
    ("db", database),
):
    app.add_typer(group, name=name)
sessions.command("start")(start)
sessions.command("cancel")(cancel)
ledger.command("verify")(verify_ledger)
ledger.command("replay")(replay)
ledger.command("erase")(erase)
ledger.command("publish")(publish)
ledger.command("hold")(hold)
ledger.command("lift")(lift)
ledger.command("holds")(holds)
ledger.command("archive")(archive)
ledger.command("restore")(restore)
ledger.command("forward")(forward)
requests.command("resolve")(resolve)
requests.command("decide-together")(decide_together)
requests.command("ask")(ask)
requests.command("answer")(answer)
requests.command("by-hand")(by_hand)
requests.command("wrong")(wrong)
app.command()(init)
app.command()(run)
app.command()(approve)
app.command()(decide)
app.command()(pause)
app.command()(resume)
app.command()(pauses)
app.command()(away)
app.command()(withdraw)
app.command()(revoke)
app.command()(undo)
app.command()(oversight)
app.command()(doctor)
app.command()(verify)
app.command()(seal)
app.command()(witness)


@app.command()
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


@app.command()
def demo(
    workflow: WorkflowOption = "sales_quote",
    decide: DecideOption = "approve",
    via: FrontOption = "teams",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Do the main job once, by itself, with stand-ins for everything outside."""
    try:
        from countersign.bot.demo.command import run as play
    except ModuleNotFoundError as exc:
        if exc.name != "aiosmtpd":
            raise
        problem = "the demo plays a mail server: pip install 'countersign-approvals[sandbox]'."
        raise ConfigurationError([problem]) from exc

    raise typer.Exit(play(workflow=workflow, decide=decide, via=via, as_json=as_json))


def main() -> None:
    """Run a command; what goes wrong is one clear message and exit status 1."""
    try:
        app()
    except ConfigurationError as exc:
        for problem in exc.problems:
            errors.print(f"countersign: {problem}", markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)
    except CountersignError as exc:
        errors.print(f"countersign: {exc}", markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
