"""Delegations on the command line: give, list, revoke; and being away."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

import typer

from countersign.approvals.errors import InvalidError
from countersign.approvals.forms.wording import visible
from countersign.approvals.models import GivenDelegation
from countersign.bot.cli.options import ConfigOption, Json, Limit
from countersign.bot.cli.pauses import PersonOption
from countersign.bot.cli.records import reading
from countersign.bot.cli.server import Server, ServerOption
from countersign.bot.console import console, show_json

delegate = typer.Typer(no_args_is_help=True, help="Who decides for whom: give, list and revoke it.")

TIME = "2026-12-20 (in local time, the day included) or 2026-12-20T12:00:00+01:00"
UntilOption = Annotated[str, typer.Option("--until", help=f"Until when: {TIME}.")]
FromOption = Annotated[str | None, typer.Option("--from", help="From when on; now if left out.")]
ReasonOption = Annotated[str, typer.Option(help="Why; shown to everybody.")]


@delegate.command("give")
def give(
    to: Annotated[str, typer.Argument(help="The id of whoever shall decide for you.")],
    until: UntilOption,
    since: FromOption = None,
    role: Annotated[list[str] | None, typer.Option(help="Only this of your roles.")] = None,
    reason: ReasonOption = "",
    person: PersonOption = "",
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """Let somebody else decide what you may decide, under both names, for a time."""
    body = {
        "delegate": to,
        "ends_at": _at("--until", until, ends=True).isoformat(),
        "roles": role or [],
        "reason": reason,
    }
    if since is not None:
        body["starts_at"] = _at("--from", since, ends=False).isoformat()
    given = Server(config, person, server).call("POST", "/api/v1/delegations", body)
    text = f"{given['delegation']['id']}: {given['says']}."
    console.print(visible(text), markup=False, highlight=False, soft_wrap=True)


def away(
    substitute: Annotated[str, typer.Option("--substitute", help="Who decides meanwhile.")],
    until: UntilOption,
    since: FromOption = None,
    reason: ReasonOption = "out of office",
    person: PersonOption = "",
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """Say that you are away, and who decides for you until you are back."""
    give(substitute, until, since, None, reason, person, server, config)


@delegate.command("list")
def list_delegations(
    ended: Annotated[bool, typer.Option("--ended", help="Also what is over or revoked.")] = False,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """Delegations, newest first; those of the file and of directories are in `people`."""
    found = reading(lambda records: records.delegations(limit=limit, ended=ended))
    if as_json:
        show_json([each.model_dump(mode="json") for each in found])
        return
    for each in found:
        console.print(visible(_line(each)), markup=False, highlight=False, soft_wrap=True)
    if not found:
        console.print("Nobody has let anybody decide for them.")


@delegate.command("revoke")
def revoke(
    delegation: Annotated[str, typer.Argument(help="Its id.")],
    person: PersonOption = "",
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """Take it back at once; what was approved by it and has not begun does not run."""
    ended = Server(config, person, server).call("DELETE", f"/api/v1/delegations/{delegation}")
    console.print(f"{ended['id']} is revoked.", markup=False)


def _line(given: GivenDelegation) -> str:
    state = "" if given.revoked_at is None else f"; revoked by {given.revoked_by_name}"
    return f"{given.id} {given.words}{state}"


def _at(option: str, text: str, *, ends: bool) -> datetime:
    """A time; of a date its beginning, or the end of that day, here. Raises InvalidError."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            raise InvalidError(f"{option}: {text!r} is no time; write {TIME}.") from None
        if at.tzinfo is None:
            raise InvalidError(f"{option}: {text!r} has no time zone; write {TIME}.") from None
        return at.astimezone(UTC)
    day += timedelta(days=1) if ends else timedelta()
    return datetime.combine(day, time()).astimezone(UTC)
