"""A schedule of Jira Service Management's operations as a source of shifts: its final timeline.

`GET /jsm/ops/api/{cloudId}/v1/schedules/{id}/timeline` with `date`, `interval` and `intervalUnit`;
the range begins with the unit that `date` is in, and may go back one year and two years ahead. In
`finalTimeline.rotations[].periods[]` overrides and forwarding are worked in. Responders are account
ids, the same as in Jira; of a team or an escalation `flattenedResponders` are the people, where it
is there. Basic (address and API token) or a bearer token with
`read:ops-config:jira-service-management`. Sources, read 2026-12-01:
developer.atlassian.com/cloud/jira/service-desk-ops/rest/v2, "Schedule timelines", "Schedules",
"Schedule on-calls"; of `noone`, deleted rotations and where the range begins the client of
jira-alerts-mcp on github.com.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx

from countersign.approvals.audit.canonical import well_formed
from countersign.approvals.errors import NotFoundError, UnavailableError
from countersign.approvals.models import DirectoryPage, KnownShift
from countersign.approvals.ports import Clock, DirectorySource
from countersign.approvals.tickets import CheckResult
from countersign.connectors.on_call.service import ScheduleService, moment_of
from countersign.connectors.on_call.settings import JsmSection, source_of
from countersign.connectors.on_call.source import found_words, window

MOST_SHIFTS = 5_000
_WORDS = "Jira operations"
_REFUSED = (
    "directory.jsm; it needs read:ops-config:jira-service-management and access to the schedule"
)


@dataclass
class _Read:
    """What a timeline says."""

    shifts: list[KnownShift] = field(default_factory=list)
    unresolved: int = 0
    """Periods of a team or an escalation of which it does not say who that is."""


class JsmSchedule(DirectorySource):
    """Implements `approvals.ports.DirectorySource`."""

    identity = "jira"
    lists_everybody = False

    def __init__(self, name: str, schedule_id: str, section: JsmSection, clock: Clock):
        self.name, self.words = source_of(name), f"the schedule {name}"
        self._schedule, self._id, self._clock = name, schedule_id, clock
        token = section.token.get_secret_value()
        basic = httpx.BasicAuth(section.email, token) if section.email else None
        headers = {"Accept": "application/json"}
        self._client = httpx.AsyncClient(
            base_url=f"{section.url}/jsm/ops/api/{section.cloud_id}/v1/schedules/",
            headers=headers if basic else {**headers, "Authorization": f"Bearer {token}"},
            auth=basic,
            timeout=section.timeout,
            follow_redirects=False,
        )
        self._service = ScheduleService(self._client, _WORDS, schedule_id, _REFUSED)

    async def read(self, cursor: str | None) -> AsyncIterator[DirectoryPage]:
        """Always all of it; a timeline tells no changes."""
        yield DirectoryPage(shifts=tuple((await self._timeline()).shifts))

    async def check(self) -> Sequence[CheckResult]:
        """Whether the schedule is there and in use, and who is on call."""
        what = f"schedule {self._schedule}"
        try:
            told = await self._service.get(self._id, {})
            found = await self._timeline()
        except NotFoundError:
            said = "is not there; correct its id in directory.schedules"
            return [CheckResult(name=what, ok=False, said=said)]
        if told.get("enabled") is False:
            said = "is disabled there, so nobody is on call by it"
            return [CheckResult(name=what, ok=False, said=said)]
        said = found_words(found.shifts, self._clock.now())
        if found.unresolved:
            said += (
                f"; {found.unresolved:,} periods are of a team or an escalation whose people are "
                "not told: add people to the rotation"
            )
        ok = bool(found.shifts) and not found.unresolved
        return [CheckResult(name=what, ok=ok, said=said)]

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()

    async def _timeline(self) -> _Read:
        since, until = window(self._clock)
        weeks = (until - since).days // 7 + 2  # it begins with the week that `since` is in
        query = {
            "date": since.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "interval": str(weeks),
            "intervalUnit": "weeks",
        }
        answer = await self._service.get(f"{self._id}/timeline", query)
        starts_at, ends_at = (
            moment_of(answer.get("startDate"), _WORDS),
            moment_of(answer.get("endDate"), _WORDS),
        )
        if not starts_at <= self._clock.now() < ends_at:
            raise UnavailableError("Jira operations gave the timeline of another time.")
        found = _Read()
        for each in _periods(answer):
            _add(found, each, since, until)
        if len(found.shifts) > MOST_SHIFTS:
            raise UnavailableError(
                f"Jira operations has more than {MOST_SHIFTS:,} shifts in this time."
            )
        return found


def _periods(answer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    final = answer.get("finalTimeline")
    rotations = final.get("rotations") if isinstance(final, dict) else None
    if not isinstance(rotations, list):
        raise UnavailableError("Jira operations gave no final timeline.")
    for rotation in rotations:
        periods = rotation.get("periods", []) if isinstance(rotation, dict) else None
        if not isinstance(periods, list) or not all(isinstance(each, dict) for each in periods):
            raise UnavailableError("Jira operations gave a rotation without its periods.")
        if rotation.get("deleted") is not True:
            yield from periods


def _add(found: _Read, period: dict[str, Any], since: datetime, until: datetime) -> None:
    starts_at, ends_at = (
        moment_of(period.get("startDate"), _WORDS),
        moment_of(period.get("endDate"), _WORDS),
    )
    if starts_at >= until or ends_at <= since:
        return
    responders = period.get("flattenedResponders") or [period.get("responder")]
    if not isinstance(responders, list) or not all(isinstance(each, dict) for each in responders):
        raise UnavailableError("Jira operations gave a period without its responder.")
    for each in responders:
        kind, person = each.get("type"), each.get("id")
        if kind == "noone":
            continue
        if kind != "user":
            found.unresolved += 1
            continue
        if not isinstance(person, str) or not person:
            raise UnavailableError("Jira operations gave somebody on call without an id.")
        found.shifts.append(
            KnownShift(
                id=f"{person} {starts_at.isoformat()} {ends_at.isoformat()}",
                person=well_formed(person),
                starts_at=starts_at,
                ends_at=ends_at,
            )
        )
