"""Quiet hours and digests: until when what is for one person is held back. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo

from countersign.approvals.models import Digest, Principal, QuietHours, Request, Risk
from countersign.approvals.rules.conditions.functions import zone

_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)


def held_until(person: Principal | None, request: Request, at: datetime) -> datetime | None:
    """When a message about the request may go to this person; None if it may go now. Deadlines do
    not wait for it."""
    if person is None or _is_urgent(request):
        return None
    return None if person.quiet is None else quiet_until(person.quiet, at)


def listed_at(person: Principal | None, request: Request, at: datetime) -> datetime | None:
    """When the request is shown to this person in a list with others; None if it is by itself, or
    that time has come. What would be over by then does not wait."""
    if person is None or person.digest is None or not is_listed(person, request):
        return None
    asked_at = request.created_at if request.timing is None else request.timing.asked_at
    when = next_digest(person.digest, asked_at)
    if request.expires_at is not None and when >= request.expires_at:
        return None
    return when if when > at else None


def is_listed(person: Principal | None, request: Request) -> bool:
    """Whether the request is for a person who reads what is of low risk in lists."""
    return person is not None and person.digest is not None and request.risk is Risk.LOW


def next_digest(digest: Digest, asked_at: datetime) -> datetime:
    """When the first list comes after something was asked."""
    here = asked_at.astimezone(zone(digest.zone))
    times = (
        _first(here.date() + number * _DAY, time, here.tzinfo)
        for number in range(2)
        for time in digest.at
    )
    return min(time for time in times if time > asked_at)


def quiet_until(quiet: QuietHours, at: datetime) -> datetime | None:
    """When they end; None outside of them."""
    here = at.astimezone(zone(quiet.zone))
    now, over_night = here.time(), quiet.begins > quiet.ends
    evening, morning = now >= quiet.begins, now < quiet.ends
    if not (evening or morning if over_night else evening and morning):
        return None
    day = here.date() + (_DAY if over_night and evening else timedelta())
    ends = _first(day, quiet.ends, here.tzinfo)
    # On the night on which clocks are set back, the first of two equal times may be over.
    return ends if ends > at else _second(day, quiet.ends, here.tzinfo)


def _first(day: date, local: time, there: tzinfo | None) -> datetime:
    """When clocks there first show that time or, on a day on which it is left out, a later one."""
    early, late = (datetime.combine(day, local.replace(fold=fold), there) for fold in (0, 1))
    found, other = early.astimezone(UTC), late.astimezone(UTC)
    if found <= other:
        return found
    # The offset of before, then that of after (PEP 495): clocks are set forward in between, on a
    # full minute.
    while (other + _MINUTE).astimezone(there).replace(tzinfo=None) < early.replace(tzinfo=None):
        other += _MINUTE
    return other + _MINUTE


def _second(day: date, local: time, there: tzinfo | None) -> datetime:
    """When clocks there show that time for the second time."""
    return datetime.combine(day, local.replace(fold=1), there).astimezone(UTC)


def _is_urgent(request: Request) -> bool:
    return request.timing is not None and request.timing.rule.through_quiet_hours
