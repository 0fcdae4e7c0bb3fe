"""Commands that only read: sessions, requests and the ledger, also while a server runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, TypeVar

import typer
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from countersign.approvals.audit.canonical import short
from countersign.approvals.audit.private import PrivateRule
from countersign.approvals.audit_trail import AuditTrail
from countersign.approvals.errors import ConfigurationError, InvalidError
from countersign.approvals.forms.wording import visible
from countersign.approvals.models import (
    JsonObject,
    Principal,
    RequestStatus,
    SessionId,
    SessionStatus,
)
from countersign.approvals.records import Records
from countersign.approvals.store import open_reader
from countersign.bot.api.request_bodies import RequestBody, all_shown, shown
from countersign.bot.api.sessions import SessionBody
from countersign.bot.cli.options import ConfigOption, Json, Limit, database_url, people_of
from countersign.bot.clock import SystemClock
from countersign.bot.console import console, show_json
from countersign.bot.people import SettingsDirectory

T = TypeVar("T")
ID_CHARS = 14
"""`R-` or `S-` and twelve more."""

sessions = typer.Typer(no_args_is_help=True, help="Look at sessions, start or end one.")
requests = typer.Typer(
    no_args_is_help=True, help="Look at what waits for people, or resolve a doubt."
)


def reading(work: Callable[[Records], Awaitable[T]], people: SettingsDirectory | None = None) -> T:
    """Run `work` on the database, read-only; `people` are those who may decide."""

    async def run() -> T:
        async with open_reader(database_url()) as reader:
            return await work(Records(reader, SystemClock(), people or SettingsDirectory([])))

    return asyncio.run(run())


def auditing(work: Callable[[AuditTrail], Awaitable[T]], private: Sequence[PrivateRule] = ()) -> T:
    """`reading` for those who audit, without what is `private`."""

    async def run() -> T:
        async with open_reader(database_url()) as reader:
            records = Records(reader, SystemClock(), SettingsDirectory([]))
            return await work(AuditTrail(reader, records, private=private))

    return asyncio.run(run())


@sessions.command("list")
def list_sessions(
    status: Annotated[SessionStatus | None, typer.Option(help="Only these.")] = None,
    limit: Limit = 20,
    as_json: Json = False,
) -> None:
    """Sessions, newest first."""
    found = reading(lambda records: records.sessions(status=status, limit=limit))
    if as_json:
        show_json([SessionBody.of(session).model_dump(mode="json") for session in found.items])
        return
    table = _table("session", "workflow", "status", "owner", "started", "task")
    for s in found.items:
        started = f"{s.created_at:%Y-%m-%d %H:%M}"
        table.add_row(s.id, s.workflow, s.status, s.owner, started, _theirs(s.task))
    console.print(table)


@sessions.command("show")
def show_session(session: str, as_json: Json = False) -> None:
    """One session with its requests and what was said."""

    async def work(records: Records) -> dict[str, Any]:
        found = await records.session(SessionId(session))
        waits = await records.requests(session_id=session, limit=200)
        return {
            **SessionBody.of(found).model_dump(mode="json"),
            "requests": [r.model_dump(mode="json") for r in waits.items],
            "transcript": list(await records.transcript(session)),
        }

    body = reading(work)
    if as_json:
        show_json(body)
        return
    cause = f" ({body['cause']})" if body["cause"] else ""
    console.print(f"[bold]{body['id']}[/] {body['workflow']}: {body['status']}{cause}")
    console.print(Padding(_theirs(body["task"]), (0, 0, 0, 4)))
    # Each in a column of its own: no line of a message can pass for that of somebody else, or ours.
    said = Table.grid(padding=(0, 1, 0, 0))
    for message in body["transcript"]:
        name = message.get("name", message.get("role"))
        said.add_row(_theirs(f"  {name}:"), _theirs(_said(message)))
    console.print(said, highlight=False)
    for request in body["requests"]:
        console.print(f"  request {request['id']}: {_theirs(request['tool'])} {request['status']}")
    if body["answer"] or body["error"]:
        console.print(Padding(_theirs(body["answer"] or body["error"]), (0, 0, 0, 4)))


def _theirs(text: str) -> str:
    """Words of agents and people as they are: no markup, and nothing that a terminal obeys."""
    return escape(visible(text))


def _said(message: JsonObject) -> str:
    """The words of a message, or the calls it makes (AutoGen writes "None" for no words)."""
    calls = [call.get("function", {}) for call in message.get("tool_calls") or []]
    if calls:
        return "calls " + ", ".join(f"{c.get('name')} {c.get('arguments')}" for c in calls)
    return str(message.get("content") or "")


def _table(*columns: str) -> Table:
    """A table whose ids, which are there to be copied, are never cut off."""
    table = Table()
    for name in columns:
        is_id = name in ("session", "request")
        width = ID_CHARS if is_id else None
        table.add_column(name, no_wrap=is_id, overflow="fold", min_width=width)
    return table


@requests.command("list")
def list_requests(
    status: Annotated[RequestStatus | None, typer.Option(help="Only these.")] = None,
    session: Annotated[str | None, typer.Option(help="Of this session.")] = None,
    mine: Annotated[
        bool, typer.Option("--mine", help="Only what --as may decide now, oldest first.")
    ] = False,
    person: Annotated[
        str | None, typer.Option("--as", help="The id of a person in `people`.")
    ] = None,
    oldest: Annotated[bool, typer.Option("--oldest", help="Oldest first.")] = False,
    limit: Limit = 20,
    cursor: Annotated[str | None, typer.Option(help="Go on where a list ended.")] = None,
    as_json: Json = False,
    config: ConfigOption = None,
) -> None:
    """Requests, newest first."""
    people = people_of(config)
    me = _me(people, person) if mine else None
    if mine and status not in (None, RequestStatus.PENDING):
        raise InvalidError("--mine: only what is pending can be decided; leave --status out.")

    async def work(records: Records) -> tuple[list[RequestBody], str | None]:
        if me is not None:
            found = await records.mine(me, session_id=session, limit=limit, cursor=cursor)
        else:
            found = await records.requests(
                status=status, session_id=session, limit=limit, cursor=cursor, newest=not oldest
            )
        return await all_shown(records, found.items), found.next

    found, following = reading(work, people)
    if as_json:
        show_json([_json(body, people) for body in found])
        return
    table = _table("request", "tool", "status", "asks", "digest", "session")
    for r in found:
        asked = [
            name
            for s in r.steps
            if s.is_open
            for name in (*s.roles, *s.groups, *s.people, *(f"on call for {n}" for n in s.on_call))
        ]
        roles = " or ".join(dict.fromkeys(asked)) or " or ".join(r.stage.roles if r.stage else ())
        table.add_row(r.id, _theirs(r.tool), r.status, roles, short(r.digest), r.session_id)
    console.print(table)
    if following is not None:
        console.print(f"there are more: --cursor {following}", markup=False, soft_wrap=True)


def _me(people: SettingsDirectory | None, person: str | None) -> Principal:
    """Whoever `--mine` is about. Raises ConfigurationError."""
    if people is None:
        raise ConfigurationError("--mine: needs the configuration; name it with --config.")
    known = ", ".join(each.id for each in people.everybody())
    if person is None:
        raise ConfigurationError(f"--mine: say whose with --as PERSON; there are {known}.")
    found = people.by_id(person)
    if found is None:
        raise ConfigurationError(f"--as {person}: nobody has this id; there are {known}.")
    return found


def _json(body: RequestBody, people: SettingsDirectory | None) -> JsonObject:
    """As the API shows it; without a configuration nobody knows who is eligible."""
    left_out = None if people is not None else {"eligible"}
    return body.model_dump(mode="json", exclude=left_out)


@requests.command("show")
def show_request(request: str, config: ConfigOption = None) -> None:
    """One request, as JSON."""
    people = people_of(config)

    async def work(records: Records) -> RequestBody:
        return await shown(records, await records.request(request))

    show_json(_json(reading(work, people), people))
