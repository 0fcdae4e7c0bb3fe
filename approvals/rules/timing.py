"""Timing: until when a request may be decided, and what comes before that is over. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from countersign.approvals.models import (
    AtDeadline,
    Effect,
    Escalation,
    JsonObject,
    Reminder,
    Request,
    Ruling,
    Span,
    Stage,
    Step,
    TimeRule,
    Timing,
)
from countersign.approvals.models.time_rules import ANY_TIME
from countersign.approvals.rules.conditions.calendars import Calendars
from countersign.approvals.rules.working_hours import after, before


def times(ruling: Ruling, asked_at: datetime, calendars: Calendars) -> JsonObject:
    """The fields of a request that say what its time brings, if it is asked at this moment."""
    if ruling.effect is not Effect.REQUIRE_APPROVAL:
        return {"expires_at": None, "timing": None, "next_step_at": None}
    expires_at = deadline(ruling, asked_at, calendars)
    return {"expires_at": expires_at, **of_timing(timing(ruling, asked_at, expires_at, calendars))}


def deadline(ruling: Ruling, asked_at: datetime, calendars: Calendars) -> datetime | None:
    """Until when people can decide."""
    if ruling.deadline_s is None:
        return None
    return after(_deadline(ruling.deadline_s, ruling.time), asked_at, calendars)


def timing(
    ruling: Ruling, asked_at: datetime, expires_at: datetime | None, calendars: Calendars
) -> Timing | None:
    """What is to come until then; None where a rule says nothing of time but its deadline."""
    rule = ruling.time
    if rule == ANY_TIME:
        return None
    calendar = calendars.get(rule.deadline_calendar or "")
    return Timing(
        rule=rule,
        deadline_s=ruling.deadline_s,
        zone="" if calendar is None else calendar.zone,
        asked_at=asked_at,
        steps=steps(rule, asked_at, expires_at, calendars),
    )


def steps(
    rule: TimeRule, asked_at: datetime, expires_at: datetime | None, calendars: Calendars
) -> tuple[Step, ...]:
    """Reminders and escalations in their order; none at or after the deadline, or before it was
    asked: working time may bring them there."""
    found = {
        (step.at, step.kind, step.escalation): step
        for step in (
            *_reminders(rule.remind, asked_at, expires_at, calendars),
            *_escalations(rule.escalate, asked_at, calendars),
        )
        if asked_at < step.at and (expires_at is None or step.at < expires_at)
    }
    return tuple(sorted(found.values(), key=lambda step: (step.at, step.kind)))


def _reminders(
    reminders: tuple[Reminder, ...],
    asked_at: datetime,
    expires_at: datetime | None,
    calendars: Calendars,
) -> Iterator[Step]:
    for each in reminders:
        if each.after is not None:
            yield Step(kind="remind", at=after(each.after, asked_at, calendars))
        if each.before is not None and expires_at is not None:
            yield Step(kind="remind", at=before(each.before, expires_at, calendars))


def _escalations(
    escalations: tuple[Escalation, ...], asked_at: datetime, calendars: Calendars
) -> Iterator[Step]:
    for each in escalations:
        if each.after is not None:
            at = after(each.after, asked_at, calendars)
            yield Step(kind="escalate", at=at, escalation=each)


def again(timing: Timing, now: datetime, calendars: Calendars) -> JsonObject:
    """The same when it begins anew: a clock that was ahead had asked, or the deadline has passed
    and other people have as long again, who are reminded likewise."""
    expires_at = None
    if timing.deadline_s is not None:
        expires_at = after(_deadline(timing.deadline_s, timing.rule), now, calendars)
    planned = steps(timing.rule, now, expires_at, calendars)
    left = tuple(step for step in planned if not _done(timing, step))
    renewed = timing.model_copy(update={"asked_at": now, "steps": left})
    return {"expires_at": expires_at, **of_timing(renewed)}


def carried(known: Timing | None, fresh: Timing | None, now: datetime) -> Timing | None:
    """What is to come by `fresh` where `known` has come so far. A reminder whose time is over is
    left out, unless it is still to be sent; an escalation is not."""
    if fresh is None:
        return None
    if known is None:
        return fresh.model_copy(update={"steps": _still(fresh, now, ())})
    return fresh.model_copy(
        update={
            "steps": tuple(
                step for step in _still(fresh, now, known.steps) if not _done(known, step)
            ),
            "count": known.count,
            "ruled_stages": known.ruled_stages,
            "escalated": known.escalated,
        }
    )


def replanned(request: Request, ruling: Ruling, now: datetime, calendars: Calendars) -> JsonObject:
    """The fields of a request that waits which today's rule on it changes; none if it stands. Its
    deadline, and what happens then, were shown and stay."""
    known = request.timing
    if ruling.effect is not Effect.REQUIRE_APPROVAL:
        return {}
    asked_at = request.created_at if known is None else known.asked_at
    fresh = carried(known, timing(ruling, asked_at, request.expires_at, calendars), now)
    if fresh is not None and known is not None:
        kept = {"rule": fresh.rule.model_copy(update=_shown(known.rule)), "zone": known.zone}
        fresh = fresh.model_copy(update={**kept, "deadline_s": known.deadline_s})
    elif fresh is not None:
        rule = fresh.rule.model_copy(update=_shown(ANY_TIME))
        fresh = fresh.model_copy(update={"rule": rule, "zone": ""})
    elif known is not None:
        rule = ANY_TIME.model_copy(update=_shown(known.rule))
        fresh = known.model_copy(update={"rule": rule, "steps": ()})
    return {} if fresh == known else of_timing(fresh)


def _shown(rule: TimeRule) -> JsonObject:
    """What people were shown of it when they were asked."""
    return {
        "deadline_calendar": rule.deadline_calendar,
        "valid_calendar": rule.valid_calendar,
        "at_deadline": rule.at_deadline,
    }


def ruled_stages(request: Request) -> tuple[Stage, ...]:
    """The stages as its rule has them, whoever was asked since."""
    if request.timing is None or not request.timing.ruled_stages:
        return request.stages
    return request.timing.ruled_stages


def never_approved(timing: Timing | None) -> Timing | None:
    """The same of a request that does not run unless somebody decides."""
    if timing is None or timing.rule.at_deadline is not AtDeadline.APPROVE:
        return timing
    rule = timing.rule.model_copy(update={"at_deadline": AtDeadline.REJECT})
    return timing.model_copy(update={"rule": rule})


def with_timing(request: Request, timing: Timing | None) -> Request:
    """The request with other times to come."""
    return request.model_copy(update=of_timing(timing))


def of_timing(timing: Timing | None) -> JsonObject:
    """The fields of a request with this timing."""
    return {"timing": timing, "next_step_at": None if timing is None else timing.next_step_at}


def _deadline(seconds: float, rule: TimeRule) -> Span:
    return Span(seconds=seconds, calendar=rule.deadline_calendar)


def _still(fresh: Timing, now: datetime, known: tuple[Step, ...]) -> tuple[Step, ...]:
    return tuple(
        step for step in fresh.steps if step.at > now or step.kind == "escalate" or step in known
    )


def _done(timing: Timing, step: Step) -> bool:
    return step.escalation in [each.escalation for each in timing.escalated]
