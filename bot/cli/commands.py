"""All commands: `countersign --help`."""

from __future__ import annotations

from typing import Annotated

import typer

from countersign.bot.importing import nothing_collected

with nothing_collected():
    from countersign.approvals.errors import ConfigurationError
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
    from countersign.bot.cli.serve import DESCRIPTION, serve
    from countersign.bot.cli.verifying import verify
    from countersign.bot.cli.webhooks import webhooks
    from countersign.bot.cli.witness import witness
    from countersign.bot.demo.options import DecideOption, FrontOption, WorkflowOption

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help=DESCRIPTION)
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
app.command()(serve)


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
