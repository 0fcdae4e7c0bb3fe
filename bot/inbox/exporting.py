"""Exports of the ledger by the pages: what was chosen in the form, and the file as written."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, date, datetime, timedelta

import structlog
from aiohttp import web

from countersign.approvals.audit_trail import AuditTrail
from countersign.approvals.errors import CountersignError, InvalidError, NotFoundError
from countersign.approvals.models import LedgerEntry, Principal
from countersign.approvals.records import Records
from countersign.approvals.store.exporting import Wanted
from countersign.bot.api.operation import MAX_ID_CHARS
from countersign.bot.audit.csv_lines import COLUMNS, csv_line, row_text
from countersign.bot.inbox import guard

log = structlog.get_logger(__name__)

FORMATS = {"jsonl": "application/jsonl", "csv": "text/csv", "bundle": "application/json"}
FIELDS = ("format", "session", "person", "tool", "since", "until")
MOST_SESSIONS = 1_000
"""So many at most in a bundle that a page makes: it is one JSON value."""
WRITTEN_CHARS = 64 * 1024
"""So much is collected before it is sent."""


def asked_of(query: Mapping[str, str]) -> dict[str, str]:
    """The fields of the form, as they were filled in."""
    return {name: query.get(name, "").strip().replace("\0", "")[:MAX_ID_CHARS] for name in FIELDS}


def wanted_of(asked: Mapping[str, str]) -> Wanted:
    """What was chosen; both days are in it. Raises InvalidError for a day that is none."""
    since, until = _day(asked["since"]), _day(asked["until"])
    return Wanted(
        session=asked["session"] or None,
        person=asked["person"] or None,
        tool=asked["tool"] or None,
        since=since,
        until=None if until is None else until + timedelta(days=1),
    )


def _day(text: str) -> datetime | None:
    if not text:
        return None
    try:
        found = date.fromisoformat(text)
        if found.year < date.max.year:
            return datetime(found.year, found.month, found.day, tzinfo=UTC)
    except ValueError:
        pass
    raise InvalidError(f"{text} is no day: write it as 2026-11-30.")


class Exports:
    """Writes what one person may read of what was chosen."""

    def __init__(self, trail: AuditTrail, records: Records):
        self._trail, self._records = trail, records

    async def write(
        self, request: web.Request, asked: Mapping[str, str], reader: Principal
    ) -> web.StreamResponse:
        """The file. Raises CountersignError before any of it is sent; what is wrong later cuts the
        download off, so that nobody takes a part for the whole."""
        kind = FORMATS.get(asked["format"])
        if kind is None:
            raise InvalidError("Choose as what to export it.")
        wanted = wanted_of(asked)
        if wanted.session is not None:
            await self._records.session(wanted.session)
            await self._records.require_session_seen(reader, wanted.session)
        name = f'attachment; filename="ledger.{asked["format"].replace("bundle", "json")}"'
        headers = {**guard.HEADERS, "Content-Disposition": name}
        if asked["format"] == "bundle":
            made = await self._trail.bundle(wanted, most=MOST_SESSIONS)
            chains = [each for each in made["chains"] if await self._seen(reader, each["session"])]
            text = json.dumps({**made, "chains": chains}, ensure_ascii=False) + "\n"
            return web.Response(text=text, content_type=kind, headers=headers)
        is_csv = asked["format"] == "csv"
        response = web.StreamResponse(headers={**headers, "Content-Type": f"{kind}; charset=utf-8"})
        await response.prepare(request)
        try:
            await self._stream(response, wanted, reader, is_csv=is_csv)
        except CountersignError as error:
            log.error("export cut off", error=str(error))
            if request.transport is not None:
                request.transport.abort()
        return response

    async def _stream(
        self, response: web.StreamResponse, wanted: Wanted, reader: Principal, *, is_csv: bool
    ) -> None:
        text = row_text(COLUMNS) if is_csv else ""
        async for entry in self._entries(wanted, reader):
            text += csv_line(entry) if is_csv else entry.model_dump_json() + "\n"
            if len(text) > WRITTEN_CHARS:
                await response.write(text.encode())
                text = ""
        await response.write(text.encode())
        await response.write_eof()

    async def _entries(self, wanted: Wanted, reader: Principal) -> AsyncIterator[LedgerEntry]:
        session, seen = "", False
        async for entry in self._trail.entries(wanted):
            if entry.session_id != session:
                session, seen = entry.session_id, await self._seen(reader, entry.session_id)
            if seen:
                yield entry

    async def _seen(self, reader: Principal, session_id: str) -> bool:
        try:
            await self._records.require_session_seen(reader, session_id)
        except NotFoundError:
            return False
        return True
