"""A schedule of PagerDuty as a source of shifts: who is on call by its escalation policies.

`GET /oncalls` with `schedule_ids[]`, `since` and `until` (at most 90 days apart), by pages of at
most 100 (`limit`, `offset`, `more`); one shift is there once for each escalation policy and level
that uses the schedule. A schedule that no escalation policy uses is in none. Sources, read
2026-11-30: developer.pagerduty.com, "List all of the on-calls", "Pagination", "Rate Limits" (429
with `ratelimit-reset`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import httpx

from countersign.approvals.audit.canonical import well_formed
from countersign.approvals.errors import NotFoundError, UnavailableError
from countersign.approvals.models import DirectoryPage, KnownShift
from countersign.approvals.ports import Clock, DirectorySource
from countersign.approvals.tickets import CheckResult
from countersign.connectors.on_call.service import ScheduleService, moment_of
from countersign.connectors.on_call.settings import PagerDutySection, source_of
from countersign.connectors.on_call.source import found_words, window

PAGE = 100
MOST_PAGES = 50
_WORDS = "PagerDuty"
_ACCEPT = "application/vnd.pagerduty+json;version=2"


class PagerDutySchedule(DirectorySource):
    """Implements `approvals.ports.DirectorySource`."""

    identity = "email"
    lists_everybody = False

    def __init__(self, name: str, schedule_id: str, section: PagerDutySection, clock: Clock):
        self.name, self.words = source_of(name), f"the schedule {name}"
        self._schedule, self._id, self._clock = name, schedule_id, clock
        headers = {
            "Authorization": f"Token token={section.token.get_secret_value()}",
            "Accept": _ACCEPT,
        }
        self._client = httpx.AsyncClient(
            base_url=section.url, headers=headers, timeout=section.timeout, follow_redirects=False
        )
        self._service = ScheduleService(self._client, _WORDS, schedule_id, "directory.pagerduty")

    async def read(self, cursor: str | None) -> AsyncIterator[DirectoryPage]:
        """Always all of it; PagerDuty does not tell changes."""
        async for shifts in self._pages():
            yield DirectoryPage(shifts=tuple(shifts))

    async def check(self) -> Sequence[CheckResult]:
        """Whether the schedule is there, is used by an escalation policy, and who is on call."""
        what = f"schedule {self._schedule}"
        try:
            answer = await self._service.get(f"/schedules/{self._id}", {})
        except NotFoundError:
            said = "is not there; correct its id in directory.schedules"
            return [CheckResult(name=what, ok=False, said=said)]
        told = answer.get("schedule")
        if isinstance(told, dict) and not told.get("escalation_policies"):
            said = (
                "is used by no escalation policy, so PagerDuty says of nobody that they are on call"
            )
            return [CheckResult(name=what, ok=False, said=said)]
        shifts = [shift async for page in self._pages() for shift in page]
        said = found_words(shifts, self._clock.now())
        return [CheckResult(name=what, ok=bool(shifts), said=said)]

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()

    async def _pages(self) -> AsyncIterator[list[KnownShift]]:
        since, until = window(self._clock)
        query = {
            "schedule_ids[]": self._id,
            "include[]": "users",
            "since": since.isoformat(),
            "until": until.isoformat(),
            "time_zone": "UTC",
            "limit": str(PAGE),
        }
        for number in range(MOST_PAGES):
            answer = await self._service.get("/oncalls", {**query, "offset": str(number * PAGE)})
            listed = answer.get("oncalls")
            if not isinstance(listed, list):
                raise UnavailableError("PagerDuty gave no list of who is on call.")
            yield list(_shifts(listed, self._id))
            if answer.get("more") is not True:
                return
        raise UnavailableError(
            f"PagerDuty has more than {MOST_PAGES * PAGE:,} shifts in this time."
        )


def _shifts(listed: Sequence[Any], schedule_id: str) -> Iterator[KnownShift]:
    for each in listed:
        user = each.get("user") if isinstance(each, dict) else None
        if not isinstance(user, dict) or not isinstance(user.get("id"), str):
            raise UnavailableError("PagerDuty gave somebody on call without an id.")
        starts_at, ends_at = (
            moment_of(each.get("start"), _WORDS),
            moment_of(each.get("end"), _WORDS),
        )
        of = each.get("schedule")
        if not isinstance(of, dict) or of.get("id") != schedule_id:
            continue  # on call by an escalation policy itself
        name = user.get("name") or user.get("summary") or user["id"]
        yield KnownShift(
            # One shift is listed once for each escalation policy and level.
            id=f"{user['id']} {starts_at.isoformat()} {ends_at.isoformat()}",
            person=well_formed(user["id"]),
            email=well_formed(str(user.get("email") or "")),
            name=well_formed(str(name)),
            starts_at=starts_at,
            ends_at=ends_at,
        )
