"""Reading a calendar: the shifts of a text of iCalendar (RFC 5545) within a time.

Every event is a shift, of whoever it invites, or else of whoever its title names. Recurring events,
their exceptions, moved ones among them, and time zones with daylight saving are those of
`recurring-ical-events`; see docs/adr. Times without a zone are meant in that of the schedule.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events

from countersign.approvals.audit.canonical import well_formed
from countersign.approvals.errors import UnavailableError
from countersign.approvals.models import KnownShift

MOST_SHIFTS = 5_000
_TOO_OFTEN = ("SECONDLY", "MINUTELY")
_ADDRESS = re.compile(r"[^\s<>()@,;:]+@[^\s<>()@,;:]+\.[^\s<>()@,;:]+")


def shifts_of(text: bytes, zone: str, since: datetime, until: datetime) -> list[KnownShift]:
    """Every shift that touches this time, in order. Raises UnavailableError for what is no
    calendar, or one that no rota is."""
    try:
        calendar = icalendar.Calendar.from_ical(text)
        _require_seldom(calendar.walk("VEVENT"))
        found = recurring_ical_events.of(calendar).between(since, until)
    except UnavailableError:
        raise
    except Exception as exc:  # the packages raise whatever a wrong text makes them raise
        raise UnavailableError(
            f"It is no calendar that can be read ({type(exc).__name__})."
        ) from exc
    shifts = [shift for event in found for shift in _shifts(event, ZoneInfo(zone))]
    if len(shifts) > MOST_SHIFTS:
        raise UnavailableError(f"The calendar has more than {MOST_SHIFTS:,} shifts in this time.")
    unique = {shift.id: shift for shift in shifts}
    return sorted(unique.values(), key=lambda shift: (shift.starts_at, shift.id))


def _require_seldom(events: Iterable[Any]) -> None:
    """Raise UnavailableError for what recurs by the minute: it would be computed for hours."""
    for event in events:
        rules = event.get("RRULE") or []
        for rule in rules if isinstance(rules, list) else [rules]:
            often = {str(each).upper() for each in rule.get("FREQ", [])} & set(_TOO_OFTEN)
            if often or len(rule.get("BYMINUTE", [])) > 1 or len(rule.get("BYSECOND", [])) > 1:
                raise UnavailableError("The calendar has an event that recurs by the minute.")


def _shifts(event: Any, zone: ZoneInfo) -> Iterator[KnownShift]:
    if str(event.get("STATUS", "")).upper() == "CANCELLED":
        return
    starts_at, ends_at = _at(event.start, zone), _at(event.end, zone)
    if ends_at <= starts_at:
        return
    for person, email, name in _people(event):
        told = f"{event.get('UID', '')} {starts_at.isoformat()} {ends_at.isoformat()} {person}"
        yield KnownShift(
            id=hashlib.sha256(told.encode()).hexdigest()[:40],
            person=person,
            email=email,
            name=name,
            starts_at=starts_at,
            ends_at=ends_at,
        )


def _at(value: date, zone: ZoneInfo) -> datetime:
    """A day begins in the zone of the schedule, and so is meant what names no zone."""
    if not isinstance(value, datetime):
        value = datetime.combine(value, time())
    return (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)


def _people(event: Any) -> Iterator[tuple[str, str, str]]:
    """Each as what names them, their address and their name."""
    invited = event.get("ATTENDEE") or []
    invited = invited if isinstance(invited, list) else [invited]
    coming = [each for each in invited if _comes(each)]
    for each in coming:
        email = re.sub("(?i)^mailto:", "", str(each)).strip()
        name = well_formed(str(each.params.get("CN", ""))).strip().strip('"')
        yield well_formed(email), well_formed(email), name or well_formed(email)
    title = well_formed(str(event.get("SUMMARY", ""))).strip()
    if not coming and title:
        written = _ADDRESS.findall(title)
        yield title, written[0] if len(written) == 1 else "", title


def _comes(invited: Any) -> bool:
    kind = str(invited.params.get("CUTYPE", "INDIVIDUAL")).upper()
    return kind == "INDIVIDUAL" and str(invited.params.get("PARTSTAT", "")).upper() != "DECLINED"
