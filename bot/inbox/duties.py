"""Duties: who is on call, in the reader's language."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from countersign.approvals.forms.on_call import on_call_words
from countersign.approvals.models import OnCall
from countersign.bot.inbox.said import said
from countersign.bot.inbox.words import N_, SOURCE, Words

OR, AND = N_("or"), N_("and")
UNTIL = N_("%(name)s until %(at)s")
ON_CALL = N_("On call for %(schedule)s: %(people)s.")
UNKNOWN = N_("%(name)s is on call for %(schedule)s until %(at)s, but is not known here.")
NOBODY = N_("Nobody is on call for %(schedule)s now.")
NOBODY_KNOWN = N_("Nobody who is known here is on call for %(schedule)s now.")
INSTEAD = N_("Asked instead: %(roles)s.")
NEXT = N_("%(name)s is from %(at)s.")
OUTDATED = N_("Nobody can decide by it before it has been read.")


def duty_words(spoken: Words, found: OnCall) -> str:
    """As `on_call_words`; times in UTC, and as they are where the schedule is."""
    if spoken.language == SOURCE:
        return on_call_words(found)
    tell = spoken.gettext
    if found.outdated is not None:
        return f"{said(spoken, found.outdated)} {tell(OUTDATED)}"
    name, parts = found.schedule, []
    if found.known:
        people = f" {tell(AND)} ".join(
            tell(UNTIL) % {"name": duty.name, "at": _at(spoken, duty.until, found.zone)}
            for duty in found.known
        )
        parts.append(tell(ON_CALL) % {"schedule": name, "people": people})
    for duty in found.duties:
        if duty.person is None:
            at = _at(spoken, duty.until, found.zone)
            parts.append(tell(UNKNOWN) % {"name": duty.name, "schedule": name, "at": at})
    if not found.known:
        nobody = NOBODY_KNOWN if found.duties else NOBODY
        parts.append(tell(nobody) % {"schedule": name})
        if found.otherwise:
            roles = f" {tell(OR)} ".join(found.otherwise)
            parts.append(tell(INSTEAD) % {"roles": roles})
        if found.follows is not None:
            at = _at(spoken, found.follows.until, found.zone)
            parts.append(tell(NEXT) % {"name": found.follows.name, "at": at})
    return " ".join(parts)


def _at(spoken: Words, at: datetime, zone: str) -> str:
    from babel.dates import format_datetime

    if zone == "UTC":
        return spoken.date(at)
    here = format_datetime(
        at.astimezone(ZoneInfo(zone)), "EEE d. MMM, HH:mm", locale=spoken.language
    )
    return f"{spoken.date(at)} ({here}, {zone})"
