"""Checkpoints where people read them: a comment in a Jira issue or a ServiceNow record, a message
in Teams. Who owns the database owns none of these.

`jira:OPS-12`, `servicenow:CHG0030001`, `teams:CONVERSATION`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from countersign.approvals.errors import ConfigurationError, InvalidError, NotFoundError
from countersign.bot.audit.found_notes import short
from countersign.bot.settings.file import reader
from countersign.connectors.system import System

S = TypeVar("S", bound=BaseModel)
T = TypeVar("T")

WORDS = "Countersign: checkpoint of the approval ledger. Please leave it here."
TEAMS_WORDS = (
    "Countersign: checkpoint of the approval ledger. Please leave it here. An auditor copies this "
    "message into a file for `countersign ledger verify --against FILE`."
)
NOTHING_BACK = (
    "Teams gives a bot none of its messages back: copy the message into a file, and name that."
)
KINDS = ("jira", "servicenow", "teams")
NAMES = {
    "jira": re.compile(r"[A-Za-z][A-Za-z0-9_]*-[0-9]{1,12}"),
    "servicenow": re.compile(r"[A-Za-z0-9]{4,40}"),
    "teams": re.compile(r"\S{1,400}"),
}
LIKE = {"jira": "OPS-12", "servicenow": "CHG0030001", "teams": "19:…@thread.tacv2"}
PAGE = 100


def kind_of(place: str) -> str | None:
    """Which system a place is in; None of one for machines. Raises InvalidError."""
    kind, colon, name = place.partition(":")
    if not colon or kind not in KINDS:
        return None
    if not NAMES[kind].fullmatch(name):
        raise InvalidError(f"{place}: is no place; write {kind}:{LIKE[kind]}.")
    return kind


def read(place: str, config: Path | None) -> str:
    """What is written there, all of it. Raises CountersignError."""
    kind, _, name = place.partition(":")
    if kind == "teams":
        raise InvalidError(f"{place}: {NOTHING_BACK}")
    return _run(_read_issue(name, config) if kind == "jira" else _read_record(name, config))


def write(place: str, note: str, config: Path | None) -> None:
    """Write a note there. Raises CountersignError."""
    kind, _, name = place.partition(":")
    of: dict[str, Callable[[str, str, Path | None], Coroutine[Any, Any, None]]] = {
        "jira": _comment_issue,
        "servicenow": _comment_record,
        "teams": _post,
    }
    _run(of[kind](name, short(note), config))


def _run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def section_of(system: System[S], config: Path | None) -> tuple[S, bool]:
    """The settings of one system, with its secrets, and whether this is local mode; nothing else of
    the configuration is asked for. Raises ConfigurationError."""

    def only(document: dict[str, Any]) -> None:
        below = document.get("connectors")
        kept = {k: v for k, v in below.items() if k == system.name} if below else {}
        document["connectors"] = kept

    part = reader(config, adjust=only, systems=[system])
    found = part.systems()
    part.require_sound()
    for each in found:
        settings: Any = each.settings
        return settings, part.local
    raise ConfigurationError([f"{system.path}: is not in the configuration."])


async def _read_issue(key: str, config: Path | None) -> str:
    from countersign.connectors.jira.client import JiraClient
    from countersign.connectors.jira.system import SYSTEM

    client = JiraClient(section_of(SYSTEM, config)[0])
    try:
        bodies: list[str] = []
        while True:
            what = f"the comments of {key}"
            at = {"startAt": len(bodies), "maxResults": PAGE, "orderBy": "created"}
            answer = await client.get(f"issue/{key}/comment", what, **at)
            page = answer.get("comments") if isinstance(answer, dict) else None
            if not isinstance(page, list):
                raise InvalidError(f"Jira gave {what} in a form that cannot be read.")
            bodies += [str(each.get("body", "")) for each in page if isinstance(each, dict)]
            if len(page) < PAGE:
                return "\n\n".join(bodies)
    finally:
        await client.close()


async def _comment_issue(key: str, note: str, config: Path | None) -> None:
    from countersign.connectors.jira.client import JiraClient
    from countersign.connectors.jira.system import SYSTEM

    client = JiraClient(section_of(SYSTEM, config)[0])
    body = f"{WORDS}\n{{noformat}}\n{note}{{noformat}}"
    try:
        await client.send("POST", f"issue/{key}/comment", {"body": body}, f"a comment in {key}")
    finally:
        await client.close()


async def _read_record(number: str, config: Path | None) -> str:
    return await _record(number, config, None)


async def _comment_record(number: str, note: str, config: Path | None) -> None:
    await _record(number, config, f"{WORDS}\n\n{note}")


async def _record(number: str, config: Path | None, comment: str | None) -> str:
    """The journal of a record as people see it, or "" after a comment was added to it."""
    from countersign.connectors.servicenow.client import ServiceNowClient
    from countersign.connectors.servicenow.query import all_of, equals
    from countersign.connectors.servicenow.system import SYSTEM

    settings, _ = section_of(SYSTEM, config)
    client = ServiceNowClient(settings)
    try:
        table = settings.table
        rows = await client.rows(table, all_of(equals("number", number)), ["sys_id", "number"])
        ids = [str(row.get("sys_id")) for row in rows if row.get("number") == number]
        if len(ids) != 1:
            raise NotFoundError(f"There is no {number} in the table {table} of ServiceNow.")
        if comment is not None:
            await client.update(table, ids[0], {"comments": comment})
            return ""
        row = await client.row(table, ids[0], ["comments"], shown=True)
        journal = row.get("comments")
        return str(journal.get("display_value") if isinstance(journal, dict) else journal or "")
    finally:
        await client.close()


async def _post(conversation: str, note: str, config: Path | None) -> None:
    from countersign.bot.audit.teams_message import post

    await post(conversation, f"{TEAMS_WORDS}\n\n{note}", config)
