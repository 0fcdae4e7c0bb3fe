"""`countersign webhooks`: what could not be told to programs, and telling it again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypeVar

import typer
from rich.table import Table
from sqlalchemy import Connection

from countersign.approvals.errors import InvalidError, NotFoundError
from countersign.approvals.forms.wording import visible
from countersign.approvals.rules.placing import PLACE
from countersign.approvals.store import dead_letters, engine_of, require_current
from countersign.bot.cli.options import Json, Limit, database_url
from countersign.bot.clock import SystemClock
from countersign.bot.console import console, show_json
from countersign.connectors.webhook.settings import NAME

T = TypeVar("T")
MOST = 10_000
webhooks = typer.Typer(no_args_is_help=True, help="What programs could not be told.")


@webhooks.command("list")
def list_given_up(limit: Limit = 50, as_json: Json = False) -> None:
    """Dead letters: what was tried as often as it may be, newest first."""
    found = _database(lambda c: dead_letters.given_up(c, NAME, limit=limit))
    if as_json:
        keep = {"id", "request_id", "target", "error"}
        show_json([each.model_dump(mode="json", include=keep) for each in found])
        return
    if not found:
        console.print("Everything was told, or is still tried.")
        return
    table = Table("delivery", "request", "endpoint", "why", box=None)
    for each in found:
        endpoint = each.target.removeprefix(PLACE)
        table.add_row(each.id, each.request_id, endpoint, visible(each.error or ""))
    console.print(table)


@webhooks.command("redeliver")
def redeliver(
    deliveries: Annotated[list[str] | None, typer.Argument(help="Ids of `list`.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that there is.")] = False,
) -> None:
    """Have the server tell it again: what has not been told of these requests, in order."""
    if bool(deliveries) == everything:
        raise InvalidError("Name the deliveries, or give --all.")
    now = SystemClock().now()

    def work(connection: Connection) -> int:
        known = dead_letters.given_up(connection, NAME, limit=MOST) if everything else []
        ids = deliveries or [each.id for each in known]
        return dead_letters.send_again(connection, NAME, ids, now)

    again = _database(work, writes=True)
    if deliveries and again < len(set(deliveries)):
        raise NotFoundError(f"{again} of them were given up and are sent again; see `list`.")
    console.print(f"{again} sent again within a few seconds.", markup=False)


def _database(work: Callable[[Connection], T], *, writes: bool = False) -> T:
    url = database_url()
    require_current(url)
    engine = engine_of(url)
    try:
        with engine.begin() if writes else engine.connect() as connection:
            return work(connection)
    finally:
        engine.dispose()
