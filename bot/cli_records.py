"""Commands that only read: sessions, requests and the ledger, also while a server runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.markup import escape
from rich.table import Column, Table

from approvals.canonical import short
from approvals.models import JsonObject, RequestStatus, SessionId, SessionStatus
from approvals.service import ApprovalService
from approvals.store import open_reader
from approvals.wording import visible
from bot.api.requests import RequestBody, shown
from bot.api.sessions import SessionBody
from bot.cli_options import console, database_url, show_json
from bot.records import read_only

T = TypeVar("T")

sessions = typer.Typer(no_args_is_help=True, help="Look at sessions, or end one.")
requests = typer.Typer(
    no_args_is_help=True, help="Look at what waits for people, or settle a doubt."
)
ledger = typer.Typer(no_args_is_help=True, help="Check and export the audit trail.")

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Limit = Annotated[int, typer.Option(min=1, max=200, help="How many at most.")]


def reading(work: Callable[[ApprovalService], Awaitable[T]]) -> T:
    """Run `work` on the database, read-only."""

    async def run() -> T:
        async with open_reader(database_url()) as reader:
            return await work(read_only(reader))

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

    async def work(records: ApprovalService) -> dict[str, Any]:
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
    console.print(f"[bold]{body['id']}[/] {body['workflow']}: {body['status']}")
    console.print(_theirs(body["task"]))
    for message in body["transcript"]:
        name = message.get("name", message.get("role"))
        console.print(_theirs(f"  {name}: {_said(message)}"), highlight=False)
    for request in body["requests"]:
        console.print(f"  request {request['id']}: {_theirs(request['tool'])} {request['status']}")
    if body["answer"] or body["error"]:
        console.print(_theirs(body["answer"] or body["error"]))


def _theirs(text: str) -> str:
    """Words of agents and people as they are: no markup, and nothing that a terminal obeys."""
    return escape(visible(text))


def _said(message: JsonObject) -> str:
    """The words of a message, or the calls it makes (AutoGen writes "None" for no words)."""
    calls = [call.get("function", {}) for call in message.get("tool_calls") or []]
    if calls:
        return "calls " + ", ".join(f"{c.get('name')} {c.get('arguments')}" for c in calls)
    return str(message.get("content") or "")


def _table(identifier: str, *columns: str) -> Table:
    """A table whose first column, an id to copy, is never cut off."""
    return Table(Column(identifier, no_wrap=True, overflow="fold"), *columns)


@requests.command("list")
def list_requests(
    status: Annotated[RequestStatus | None, typer.Option(help="Only these.")] = None,
    session: Annotated[str | None, typer.Option(help="Of this session.")] = None,
    limit: Limit = 20,
    as_json: Json = False,
) -> None:
    """Requests, oldest first."""

    async def work(records: ApprovalService) -> list[RequestBody]:
        found = await records.requests(status=status, session_id=session, limit=limit)
        return [await shown(records, request) for request in found.items]

    found = reading(work)
    if as_json:
        show_json([body.model_dump(mode="json") for body in found])
        return
    table = _table("request", "tool", "status", "asks", "digest", "session")
    for r in found:
        roles = " or ".join(r.stage.roles) if r.stage else ""
        table.add_row(r.id, _theirs(r.tool), r.status, roles, short(r.digest), r.session_id)
    console.print(table)


@requests.command("show")
def show_request(request: str) -> None:
    """One request, as JSON."""

    async def work(records: ApprovalService) -> RequestBody:
        return await shown(records, await records.request(request))

    show_json(reading(work).model_dump(mode="json"))


@ledger.command("verify")
def verify(
    session: Annotated[str | None, typer.Option(help="Only this session.")] = None,
) -> None:
    """Check every link of the ledger; exit status 1 if one does not hold."""
    result = reading(lambda records: records.verify(SessionId(session) if session else None))
    for problem in result.problems:
        console.print(_theirs(problem))
    verdict = "verified" if result.verified else f"NOT verified: {len(result.problems)} problems"
    console.print(f"{result.entries} entries {verdict}", markup=False)
    if not result.verified:
        raise typer.Exit(1)


@ledger.command("export")
def export(
    session: Annotated[str, typer.Option(help="Which session.")],
    output: Annotated[Path | None, typer.Option(help="A file instead of stdout.")] = None,
) -> None:
    """Write the entries of a session as JSON Lines."""
    entries = reading(lambda records: records.ledger(session))
    lines = "".join(entry.model_dump_json() + "\n" for entry in entries)
    if output is None:
        typer.echo(lines, nl=False)
    else:
        output.write_text(lines, encoding="utf-8")
