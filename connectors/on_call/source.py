"""A calendar as a source of shifts: a file, or what an https address answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import httpx

from countersign.approvals.backoff import retry_after
from countersign.approvals.errors import UnavailableError
from countersign.approvals.models import DirectoryPage, KnownShift
from countersign.approvals.outages import named
from countersign.approvals.ports import Clock, DirectorySource
from countersign.approvals.tickets import CheckResult
from countersign.connectors.on_call.calendar import shifts_of
from countersign.connectors.on_call.settings import ScheduleSection, source_of

PAST, AHEAD = timedelta(days=35), timedelta(days=28)
"""What is read: an approval is checked by who was on call when it was given."""
MOST_BYTES = 5_000_000


def window(clock: Clock) -> tuple[datetime, datetime]:
    """From when to when shifts are read."""
    now = clock.now()
    return now - PAST, now + AHEAD


def found_words(shifts: Sequence[KnownShift], now: datetime) -> str:
    """What a check says of a schedule that can be read."""
    active = [each.name or each.person for each in shifts if each.starts_at <= now < each.ends_at]
    who = " and ".join(dict.fromkeys(active)) or "nobody"
    return f"has {len(shifts):,} shifts; on call now: {who}"


class CalendarSchedule(DirectorySource):
    """Implements `approvals.ports.DirectorySource`."""

    identity = "email"
    lists_everybody = False

    def __init__(self, name: str, section: ScheduleSection, clock: Clock):
        self.name, self.words = source_of(name), f"the schedule {name}"
        self._schedule, self._section, self._clock = name, section, clock
        # A redirect is not followed: it may lead anywhere.
        self._client = httpx.AsyncClient(timeout=section.timeout, follow_redirects=False)

    async def read(self, cursor: str | None) -> AsyncIterator[DirectoryPage]:
        """Always all of it; calendars tell no changes."""
        yield DirectoryPage(shifts=tuple(await self._shifts()))

    async def check(self) -> Sequence[CheckResult]:
        """Whether it can be read, and who is on call by it."""
        shifts = await self._shifts()
        said = found_words(shifts, self._clock.now())
        what = f"schedule {self._schedule}"
        return [CheckResult(name=what, ok=bool(shifts), said=said)]

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()

    async def _shifts(self) -> list[KnownShift]:
        text = await (self._fetched() if self._section.address else asyncio.to_thread(self._file))
        since, until = window(self._clock)
        return await asyncio.to_thread(shifts_of, text, self._section.zone, since, until)

    def _file(self) -> bytes:
        path = Path(self._section.ics or "")
        try:
            with path.open("rb") as file:
                text = file.read(MOST_BYTES + 1)
        except OSError as exc:
            raise UnavailableError(f"The calendar {path} cannot be read ({named(exc)}).") from exc
        return _within(text)

    async def _fetched(self) -> bytes:
        """What the address answers, which is a secret itself: errors do not name it."""
        text = b""
        try:
            async with self._client.stream("GET", self._section.address) as answer:
                if answer.is_redirect:
                    raise UnavailableError(
                        "The calendar's address leads elsewhere; write the one it leads to."
                    )
                if answer.status_code != 200:
                    raise UnavailableError(
                        f"The calendar's address answers {answer.status_code}.",
                        retry_after_s=retry_after(answer.headers),
                    )
                async for part in answer.aiter_bytes():
                    text = _within(text + part)
        except httpx.HTTPError as exc:
            raise UnavailableError(
                f"The calendar of the schedule {self._schedule} cannot be fetched ({named(exc)})."
            ) from exc
        return text


def _within(text: bytes) -> bytes:
    if len(text) > MOST_BYTES:
        raise UnavailableError(f"The calendar has more than {MOST_BYTES:,} bytes.")
    return text
