"""`countersign ledger erase SESSION`: private data goes, and the ledger says who had it erased."""

from __future__ import annotations

from typing import Annotated

import typer

from countersign.bot.cli.options import ConfigOption
from countersign.bot.cli.pauses import PersonOption
from countersign.bot.cli.server import Server, ServerOption
from countersign.bot.console import console


def erase(
    session: str,
    rule: Annotated[str, typer.Option(help="The id of a rule of `ledger.private`.")],
    reason: Annotated[str, typer.Option(help="Why; it stays on the ledger.")],
    person: PersonOption = "",
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """Erase what a rule calls private in a session that is over. It cannot be undone; the chain is
    verified as before and says who had it erased, under which rule and why."""
    asked = {"session": session, "rule": rule, "reason": reason}
    done = Server(config, person, server).call("POST", "/api/v1/ledger/erasures", asked)
    console.print(
        f"{len(done['entries'])} entries of session {session} are erased under {rule}.",
        markup=False,
        soft_wrap=True,
    )
