"""`countersign db`: the schema of the database, and moving to another one."""

from __future__ import annotations

from typing import Annotated

import typer

from countersign.approvals.store import upgrade
from countersign.approvals.store.copying import copy
from countersign.approvals.store.urls import shown
from countersign.bot.cli.options import database_url, refuse_plain_text
from countersign.bot.console import console

database = typer.Typer(no_args_is_help=True, help="The database.")


@database.command("upgrade")
def upgrade_database() -> None:
    """Bring the database to the schema of this version."""
    url = database_url()
    upgrade(url)
    console.print(f"{shown(url)} is up to date", markup=False, soft_wrap=True)


@database.command("copy")
def copy_database(
    source: Annotated[str, typer.Argument(help="From: sqlite:///… or postgresql://…")],
    target: Annotated[str, typer.Argument(help="To: a database without rows.")],
) -> None:
    """Copy everything to another database, or nothing. Stop all servers first.

    A password on the command line is seen by everybody on the machine: leave it out of the URL and
    set PGPASSFILE or PGPASSWORD.
    """
    refuse_plain_text({"SOURCE": source, "TARGET": target})
    _say(f"copying {shown(source)} to {shown(target)}")
    copied = copy(source, target, tell=lambda table, rows: _say(f"  {table}: {rows} rows"))
    _say(f"{copied.ledger.entries} ledger entries verified")
    for note in copied.ledger.notes:
        _say(f"{note}; take that file along")
    _say(f"done; let COUNTERSIGN_DATABASE_URL name {shown(target)}, and start the servers")


def _say(line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)
