"""`countersign people`: who there is, from the file and from directories, and how old that is."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from sqlalchemy import Connection

from countersign.approvals.errors import NotFoundError
from countersign.approvals.forms.wording import visible
from countersign.approvals.models import JsonObject, People, Principal
from countersign.approvals.store import directories as rows
from countersign.approvals.store import engine_of, open_reader, require_current
from countersign.approvals.store.directories import SourceState
from countersign.bot.cli.options import ConfigOption, Json, Limit, database_url, read_part
from countersign.bot.clock import SystemClock
from countersign.bot.console import console, show_json
from countersign.bot.directories import WORDS, people_with
from countersign.bot.people import SettingsDirectory
from countersign.bot.settings.directory import DirectorySettings

people = typer.Typer(
    no_args_is_help=True, help="Look at people, and at the directories they are from."
)


@people.command("list")
def list_people(
    role: Annotated[str | None, typer.Option(help="Only who holds this role.")] = None,
    limit: Limit = 50,
    config: ConfigOption = None,
    as_json: Json = False,
) -> None:
    """People by id."""
    known = asyncio.run(_known(config))
    found = known.everybody() if role is None else known.with_roles([role])
    if as_json:
        show_json([_body(person) for person in found[:limit]])
        return
    table = Table("person", "name", "roles", "domains", "known from", box=None)
    for person in found[:limit]:
        source = ", ".join(WORDS[name] for name in person.directories) or "people"
        roles, domains = ", ".join(sorted(person.roles)), ", ".join(sorted(person.domains))
        table.add_row(person.id, visible(person.name), roles, domains, source)
    console.print(table)
    if len(found) > limit:
        console.print(f"{len(found) - limit:,} more; see --limit and --role", markup=False)


@people.command("show")
def show_person(person: str, config: ConfigOption = None, as_json: Json = False) -> None:
    """One person: roles, identities, and whether what is known of them is too old."""
    known = asyncio.run(_known(config))
    found = known.by_id(person)
    if found is None:
        raise NotFoundError(f"Nobody has the id {person}; see `countersign people list`.")
    body = {**_body(found), "outdated": known.outdated(found, SystemClock().now())}
    if as_json:
        show_json(body)
        return
    for name, value in body.items():
        console.print(f"{name}: {_text(value)}", markup=False, highlight=False, soft_wrap=True)


@people.command("status")
def show_status(as_json: Json = False) -> None:
    """The directories: when they were read, how much there is, and what is wrong."""
    now = SystemClock().now()

    async def work() -> list[SourceState]:
        async with open_reader(database_url()) as reader:
            return await reader.read(lambda c: rows.states(c, now, count=True))

    states = asyncio.run(work())
    if as_json:
        show_json([state.model_dump(mode="json") for state in states])
        return
    if not states:
        console.print("no directory is read; see `directory` in docs/directories.md", markup=False)
    for state in states:
        _print_state(state)


@people.command("sync")
def sync(
    directory: Annotated[str, typer.Argument(help="entra, jira or servicenow.")],
    go_on: Annotated[
        bool, typer.Option("--go-on", help="Also if that removes however many people.")
    ] = False,
) -> None:
    """Have the running server read a directory now."""
    url, now = database_url(), SystemClock().now()
    require_current(url)

    def ask(connection: Connection) -> bool:
        ask_for = rows.allow if go_on else rows.read_soon
        return ask_for(connection, directory, now)

    engine = engine_of(url)
    try:
        with engine.begin() as connection:
            is_known = ask(connection)
    finally:
        engine.dispose()
    if not is_known:
        raise NotFoundError(f"No server has read a directory {directory} into this database.")
    console.print(f"{directory} is read within a few seconds; see `countersign people status`")


async def _known(config: Path | None) -> People:
    part = read_part(config)
    listed = SettingsDirectory(part.people())
    settings = part.section("directory", DirectorySettings)
    part.require_sound()
    if settings is None:
        return listed.people()
    async with open_reader(database_url()) as reader:
        found = people_with(settings, listed.everybody(), reader)
        await found.refresh()
    return found.people()


def _print_state(state: SourceState) -> None:
    def line(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    line(
        f"{state.name}: {state.accounts:,} people, {state.groups:,} groups, "
        f"{state.memberships:,} memberships"
    )
    line(f"  last read: {_at(state.read_at)}; next: {_at(state.next_at)}")
    if state.running:
        line(f"  a reading is under way: {state.progress:,} found so far")
    if state.error is not None:
        line(f"  could not be read: {visible(state.error)}")
    if state.held is not None:
        line(f"  held: {visible(state.held)}")


def _at(at: datetime | None) -> str:
    return "never" if at is None else f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _body(person: Principal) -> JsonObject:
    return {
        "id": person.id,
        "name": person.name,
        "roles": sorted(person.roles),
        "domains": sorted(person.domains),
        "identities": dict(sorted(person.identities.items())),
        "directories": list(person.directories),
    }


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(of)}" for name, of in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "no" if value is None else visible(str(value))
