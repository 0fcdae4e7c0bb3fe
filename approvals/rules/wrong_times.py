"""Wrong times: what rules say of time that cannot be meant, found when a policy is loaded. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase

from countersign.approvals.models import AtDeadline, Effect, Reversibility, Risk, Span
from countersign.approvals.rules.approvers import OWNER_ROLE
from countersign.approvals.rules.conditions.calendars import Calendars
from countersign.approvals.rules.document import PolicyDocument
from countersign.approvals.rules.rulebook import Rulebook
from countersign.approvals.rules.rulings import UNDOABLE
from countersign.approvals.rules.tool_rules import Rule
from countersign.approvals.rules.working_hours import later

Problem = tuple[str, str]
"""Where, below the rule, and what is wrong."""
LONGEST = timedelta(days=730)
_SOMEDAY = datetime(2026, 1, 1, tzinfo=UTC)


def wrong_times(document: PolicyDocument, book: Rulebook) -> Iterator[Problem]:
    """Everything that is wrong with the times of these rules, with where below `policy`."""
    for rule in document.rules:
        for where, says in _of_rule(rule, document, book, rule.tool):
            yield f"rules.{rule.id}.{where}", says
    for tool, short in document.tools.items():
        for where, says in _of_rule(short, document, book, (tool,)):
            yield f"tools.{tool}.{where}", says
    deadline = document.human_input.deadline
    if deadline is not None:
        for says in _span(deadline, document.calendars):
            yield "human_input.deadline", says


def _of_rule(
    rule: Rule, document: PolicyDocument, book: Rulebook, tools: tuple[str, ...]
) -> Iterator[Problem]:
    spans = {"deadline": rule.deadline, "approval_valid_for": rule.approval_valid_for}
    for where, span in spans.items():
        if span is not None:
            yield from ((where, says) for says in _span(span, document.calendars))
    if rule.effect is not Effect.REQUIRE_APPROVAL:
        for where in ("at_deadline", "remind", "escalate", "through_quiet_hours"):
            if getattr(rule, where) != type(rule).model_fields[where].default:
                yield where, f"is for require_approval; {rule.effect} asks nobody"
        return
    yield from _reminders(rule, document.calendars)
    yield from _escalations(rule, document.calendars)
    yield from _end(rule, book, tools)
    if rule.through_quiet_hours and rule.risk is not Risk.HIGH:
        yield "through_quiet_hours", f"is for risk high; this rule has risk {rule.risk}"


def _span(span: Span, calendars: Calendars) -> Iterator[str]:
    if span.calendar is None:
        return
    calendar = calendars.get(span.calendar)
    if calendar is None:
        known = f"; there are {', '.join(calendars)}" if calendars else ""
        yield f"there is no calendar {span.calendar}: write it under policy.calendars{known}"
    elif later(calendar, _SOMEDAY, timedelta(seconds=span.seconds)) > _SOMEDAY + LONGEST:
        yield f"takes longer than two years by the calendar {span.calendar}; write less"


def _reminders(rule: Rule, calendars: Calendars) -> Iterator[Problem]:
    for number, each in enumerate(rule.remind):
        where = f"remind.{number}"
        if each.before is not None and rule.deadline is None:
            yield where, "is before a deadline, and the rule has none; give it a `deadline`"
        for span in filter(None, (each.after, each.before)):
            yield from ((where, says) for says in _span(span, calendars))
            if _too_late(span, rule):
                yield (
                    where,
                    "is as long as the deadline or longer, so nobody would be reminded in time; "
                    "shorten it, or give people longer",
                )


def _escalations(rule: Rule, calendars: Calendars) -> Iterator[Problem]:
    held = [set(stage.roles) for stage in rule.tiers()]
    for number, each in enumerate(rule.escalate):
        where = f"escalate.{number}"
        if each.after is not None:
            yield from ((f"{where}.after", says) for says in _span(each.after, calendars))
            if _too_late(each.after, rule):
                yield (
                    f"{where}.after",
                    "is as long as the deadline or longer, so it would never happen; shorten it, "
                    "or leave `after` out and write `at_deadline: escalate`",
                )
        elif rule.at_deadline is not AtDeadline.ESCALATE:
            yield (
                where,
                "says not when: give it `after`, or write `at_deadline: escalate` beside it",
            )
        if set(each.roles) == {OWNER_ROLE}:
            yield (
                f"{where}.roles",
                f"{OWNER_ROLE} is whoever asked, and nobody may approve their own call; name "
                "another role",
            )
        elif not each.instead and all(set(each.roles) <= roles for roles in held):
            yield (
                f"{where}.roles",
                "asks nobody who is not asked from the beginning; name another role",
            )


def _too_late(span: Span, rule: Rule) -> bool:
    return rule.deadline is not None and span.seconds >= rule.deadline.seconds


def _end(rule: Rule, book: Rulebook, tools: tuple[str, ...]) -> Iterator[Problem]:
    if rule.at_deadline is AtDeadline.REJECT:
        return
    if rule.deadline is None:
        yield "at_deadline", "needs a `deadline`; without one it never comes"
    if rule.at_deadline is AtDeadline.ESCALATE:
        if all(each.after is not None for each in rule.escalate):
            yield (
                "at_deadline",
                "needs somebody to ask then: add an entry without `after` to `escalate`, for "
                "example `{roles: [controller]}`",
            )
        return
    wrong = dict(_not_undoable(book, tools))
    for tool, found in wrong.items():
        yield (
            "at_deadline",
            f"{tool} is {found}, and only what is read_only or reversible may run without a "
            f"decision; write `reject`, or `policy.reversibility: {{{tool}: reversible}}` if it is",
        )


def _not_undoable(book: Rulebook, tools: tuple[str, ...]) -> Iterator[tuple[str, Reversibility]]:
    """The tools that are known, and what they are. Until the workflows are loaded only the policy
    says so."""
    for name in sorted(book.known.names or book.classes):
        if any(fnmatchcase(name, pattern) for pattern in tools):
            found = book.reversibility(name)
            if found not in UNDOABLE:
                yield name, found
