"""Staleness: whether an approval still holds when its call is about to begin."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TypeAlias

from countersign.approvals.audit.canonical import canonical_json
from countersign.approvals.decisions.asking import AskAgain
from countersign.approvals.decisions.evidence import DRIFTED, LAPSED, Evidence
from countersign.approvals.errors import CheckFailedError, PreconditionFailedError
from countersign.approvals.forms.display import shown_facts
from countersign.approvals.forms.wording import cut_visibly, span_words, visible
from countersign.approvals.models import (
    Cause,
    Checked,
    JsonObject,
    Request,
    Result,
    Ruling,
    Session,
    Span,
    TimeRule,
    Verdict,
)
from countersign.approvals.models.time_rules import ANY_TIME
from countersign.approvals.rules import working_hours
from countersign.approvals.rules.conditions.calendars import NO_CALENDARS, Calendars
from countersign.approvals.rules.proposals import not_executed

Found: TypeAlias = Checked | PreconditionFailedError | CheckFailedError
"""What a tool's check finds, or why it finds nothing."""
NOTHING_CHECKED = Checked()
"""Of a tool that has no check."""
IN_VAIN = 3
"""How many approvals of one call may come to nothing before it is not asked any more."""
DIFFERENCES = 400
"""Characters of what has changed that are said; the ledger has all of it."""
NOT_CARRIED_OUT = "Approved by {who} on {at:%Y-%m-%d %H:%M} UTC, but not carried out within {span}."
CHANGED = "Approved by {who} on {at:%Y-%m-%d %H:%M} UTC, but what was checked has changed since:"
GIVEN_UP = "It was approved {count} times and could not be carried out, so it is not asked again."
NOT_RUN = "It was approved, and nothing was run."


def lapsed(
    request: Request,
    session: Session,
    evidence: Evidence,
    ruling: Ruling,
    now: datetime,
    calendars: Calendars = NO_CALENDARS,
) -> AskAgain | Result | None:
    """What follows if the time of the approval is over; None if it holds.

    `ruling` is that of today: an approval holds for as long as the rule says that it was asked by,
    and as the rule of today says.
    """
    spans = [
        Span(seconds=seconds, calendar=rule.valid_calendar)
        for seconds, rule in (
            (request.valid_for_s, _time(request)),
            (ruling.valid_for_s, ruling.time),
        )
        if seconds is not None
    ]
    over = {working_hours.after(span, evidence.decided_at, calendars): span for span in spans}
    if not over or min(over) >= now:
        return None
    span = over[min(over)]
    why = NOT_CARRIED_OUT.format(
        who=_approvers(evidence), at=evidence.decided_at, span=span_words(span)
    )
    if evidence.in_vain + 1 >= IN_VAIN:
        return _given_up(Cause.EXPIRED, why, evidence)
    body: JsonObject = {
        "request": request.id,
        "revision": request.revision,
        "digest": request.digest,
        "cause": Cause.EXPIRED,
        "decided_at": evidence.decided_at.isoformat(),
        "valid_for_s": span.seconds,
        **({} if span.calendar is None else {"calendar": span.calendar}),
    }
    return AskAgain(request, session, why, tool_changed=False, entry=(LAPSED, body))


def drifted(
    request: Request, session: Session, evidence: Evidence, found: Found
) -> AskAgain | Result | None:
    """What follows if the tool's check does not find what was shown with the call; None if it does.

    What was shown is part of the digest, so it is what people approved.
    """
    if isinstance(found, PreconditionFailedError | CheckFailedError):
        return not_executed(Cause.PRECONDITION, f"{found} {NOT_RUN}", retry=True)
    if canonical_json(found.facts) == canonical_json(request.facts):
        return None
    before, after = request.facts or {}, found.facts or {}
    changes = cut_visibly("; ".join(_changes(before, after)), DIFFERENCES)
    said = CHANGED.format(who=_approvers(evidence), at=evidence.decided_at)
    why = f"{said} {changes}."
    if evidence.in_vain + 1 >= IN_VAIN:
        return _given_up(Cause.DRIFT, why, evidence)
    body: JsonObject = {
        "request": request.id,
        "revision": request.revision,
        "digest": request.digest,
        "cause": Cause.DRIFT,
        "before": request.facts,
        "after": found.facts,
    }
    return AskAgain(request, session, why, tool_changed=False, entry=(DRIFTED, body))


def _changes(before: JsonObject, after: JsonObject) -> Iterator[str]:
    """Each fact that is another one now, in words."""
    was = {each.name: each for each in shown_facts(before)}
    now = {each.name: each for each in shown_facts(after)}
    for name in was | now:
        if name not in now:
            yield f"{was[name].label} was {was[name].text} and is not there any more"
        elif name not in was:
            yield f"{now[name].label} was not there and is {now[name].text}"
        elif canonical_json(before[name]) != canonical_json(after[name]):
            yield f"{now[name].label} was {was[name].text} and is {now[name].text}"


def _given_up(cause: Cause, why: str, evidence: Evidence) -> Result:
    given_up = GIVEN_UP.format(count=evidence.in_vain + 1)
    return not_executed(cause, f"{why} {given_up}", retry=True)


def _time(request: Request) -> TimeRule:
    return ANY_TIME if request.timing is None else request.timing.rule


def _approvers(evidence: Evidence) -> str:
    if not evidence.votes:
        return "its rule at the deadline"
    names = [visible(vote.name) for vote in evidence.votes if vote.verdict is Verdict.APPROVE]
    *others, last = dict.fromkeys(names)
    return f"{', '.join(others)} and {last}" if others else last
