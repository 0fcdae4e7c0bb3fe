"""Grants on the command line: give, list, revoke."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from countersign.approvals.errors import InvalidError
from countersign.approvals.forms.wording import visible
from countersign.approvals.models import Grant, Used
from countersign.approvals.rules.durations import duration_s
from countersign.bot.cli.options import ConfigOption, Json, Limit
from countersign.bot.cli.pauses import PersonOption
from countersign.bot.cli.records import reading
from countersign.bot.cli.server import Server, ServerOption
from countersign.bot.console import console, show_json

grants = typer.Typer(no_args_is_help=True, help="A standing yes: give, list and revoke it.")


@grants.command("give")
def give(
    request: Annotated[str, typer.Argument(help="What is alike is alike to this one.")],
    uses: Annotated[int | None, typer.Option(min=1, help="The next so many.")] = None,
    lasts: Annotated[str | None, typer.Option("--for", help="For so long: 4h, 7d.")] = None,
    total: Annotated[str | None, typer.Option(help="Up to so much in total.")] = None,
    when: Annotated[str | None, typer.Option(help="A condition, as in a rule.")] = None,
    person: PersonOption = "",
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """Say yes to calls like a request; what is left out is as much as its rule permits."""
    wanted: dict[str, Any] = {"uses": uses, "total": total, "when": when}
    try:
        wanted["for_s"] = None if lasts is None else duration_s(lasts)
    except ValueError as exc:
        raise InvalidError(f"--for: {exc}") from exc
    body = {"request": request, **{k: v for k, v in wanted.items() if v is not None}}
    given = Server(config, person, server).call("POST", "/api/v1/grants", body)
    grant = Grant.model_validate(given["grant"])
    rest = "" if grant.complete else " It holds once every stage of the rule has given it."
    text = f"{grant.id}: {grant.tool}, {grant.words}.{rest}"
    console.print(visible(text), markup=False, soft_wrap=True)


@grants.command("list")
def list_grants(limit: Limit = 20, as_json: Json = False) -> None:
    """Grants, newest first: what they allow, by whom, and how far they are used."""
    found = reading(lambda records: records.grants(limit=limit))
    if as_json:
        bodies = [(g.model_dump(mode="json"), u.model_dump(mode="json")) for g, u in found]
        show_json([{"grant": grant, "used": used} for grant, used in bodies])
        return
    for grant, used in found:
        console.print(visible(_line(grant, used)), markup=False, highlight=False, soft_wrap=True)
    if not found:
        console.print("Nothing was granted.")


@grants.command("revoke")
def revoke(
    grant: Annotated[str, typer.Argument(help="Its id.")],
    person: PersonOption = "",
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """Let nothing run by it any more."""
    ended = Server(config, person, server).call("DELETE", f"/api/v1/grants/{grant}")
    console.print(f"{ended['id']} is revoked.", markup=False)


def _line(grant: Grant, used: Used) -> str:
    same = ", ".join(f"{name} {value!r}" for name, value in grant.same.items())
    state = "" if grant.complete else ", not given by every stage yet"
    if grant.revoked_at is not None:
        state = f", revoked by {grant.revoked_by_name}"
    count = "not used" if not used.uses else f"used: {used.of(grant)}"
    alike = f" with {same}" if same else ""
    return f"{grant.id} {grant.tool}{alike}: {grant.words}; by {grant.names}; {count}{state}"
