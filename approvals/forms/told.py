"""What whoever asked is told of a request: whom it waits for, who decided, what came of it. Pure.

Markdown of ours; what people and agents wrote is text in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from countersign.approvals.audit.canonical import canonical_json
from countersign.approvals.forms.display import value_text
from countersign.approvals.forms.systems import system_words
from countersign.approvals.forms.wording import (
    as_text,
    cut_visibly,
    in_words,
    people_in_words,
)
from countersign.approvals.models import (
    Cause,
    Decision,
    Principal,
    Request,
    RequestKind,
    RequestStatus,
    Verdict,
    Via,
    Vote,
)

WORDS_SHOWN = 600
"""Characters of a reason or a result; the card, the API and the ledger have all of it."""
VALUE_SHOWN = 80


def named(request: Request) -> str:
    """`Push quote (R-…)`; a question has no tool."""
    what = "A question" if request.kind is RequestKind.INPUT else in_words(request.tool)
    return f"{what} ({request.id})"


def waits(request: Request, people: Sequence[Principal], missing: int = 1) -> str:
    """For whom a pending request waits, until when, and what happens then; `missing` is how many of
    these people it needs."""
    if not people:
        who = "and nobody may decide it now"
    elif missing > 1:
        who = f"for {missing} of {people_in_words(people, conjunction='and')}"
    else:
        who = f"for {people_in_words(people)}"
    return f"{named(request)} waits {who}{_until(request)}."


def _until(request: Request) -> str:
    if request.expires_at is None:
        return ""
    then = "the chat ends" if request.kind is RequestKind.INPUT else "it does not run"
    return f", until {_at(request.expires_at)}; if nobody decides by then, {then}"


def voted(request: Request, vote: Vote) -> str:
    """One approval of several that are needed."""
    through = system_words(vote.via)
    text = f"{as_text(vote.name)} approved {named(request)} through {through}."
    return f"{text}{_said('Comment', vote.comment)}"


def decided(request: Request) -> str:
    """Who decided it, through what, and why; "" where a rule did."""
    decision = request.decision
    if decision is None or decision.via == Via.POLICY:
        return ""
    if decision.via == Via.CLOCK:
        ends = "The chat ends." if request.kind is RequestKind.INPUT else "It does not run."
        return f"**Expired:** {named(request)}. Nobody decided in time. {ends}"
    by = f"by {as_text(decision.by_name)} through {system_words(decision.via)}"
    if request.kind is RequestKind.INPUT:
        return _answered(request, decision, by)
    if decision.verdict is Verdict.REJECT:
        reason = _said("Reason", decision.comment)
        return f"**Rejected** {by}: {named(request)}. It does not run.{reason}"
    comment = _said("Comment", decision.comment)
    if decision.verdict is Verdict.MODIFY:
        changed = f"{named(request)}, with {_changes(request)}"
        return f"**Approved with changes** {by}: {changed}.{comment}"
    return f"**Approved** {by}: {named(request)}.{comment}"


def _answered(request: Request, decision: Decision, by: str) -> str:
    if decision.verdict is Verdict.REJECT:
        return f"**Ended** {by}: {named(request)}.{_said('Reason', decision.comment)}"
    return f"**Answered** {by}: {named(request)}.{_said('Answer', decision.comment)}"


def _changes(request: Request) -> str:
    """`amount 24000 → 21000`."""
    before, after = request.proposed_arguments or {}, request.arguments
    changed = [
        f"{as_text(name)} {_value(before, name)} → {_value(after, name)}"
        for name in dict.fromkeys([*before, *after])
        if canonical_json([before.get(name)]) != canonical_json([after.get(name)])
    ]
    return ", ".join(changed) or "other values"


def _value(arguments: dict[str, object], name: str) -> str:
    return as_text(cut_visibly(value_text(arguments.get(name)), VALUE_SHOWN))


def denied(request: Request) -> str:
    """That a rule refused it; "" where none did."""
    result = request.result
    if result is None or result.cause is not Cause.DENIED_BY_POLICY:
        return ""
    return f"**Not run:** {named(request)}. {as_text(result.message)}"


def ended(request: Request) -> str:
    """What came of it: what its tool returned, or why nothing ran; "" while that is not known, or
    where the decision says it all."""
    result = request.result
    if result is None:
        return ""
    match request.status:
        case RequestStatus.EXECUTED:
            return f"**Ran:** {named(request)}.{_said('Result', result.content)}"
        case RequestStatus.FAILED:
            return f"**Failed:** {named(request)}.{_said('Error', result.content)}"
        case RequestStatus.CANCELLED:
            return f"**Not run:** {named(request)}. {as_text(result.message)}"
        case RequestStatus.IN_DOUBT:
            return f"**In doubt:** {named(request)}. {as_text(result.message)}"
    return ""


def stands(request: Request, people: Sequence[Principal], missing: int = 1) -> str:
    """All of it: who decided, and what came of that; while it is pending, as `waits`."""
    if request.status is RequestStatus.PENDING:
        return waits(request, people, missing)
    known = [part for part in (decided(request), ended(request)) if part]
    if request.status in (RequestStatus.APPROVED, RequestStatus.EXECUTING):
        known.append("It has not ended yet.")
    return " ".join(known) or f"{named(request)}: {request.status}."


def _said(label: str, words: str) -> str:
    shown = " ".join(cut_visibly(words.strip(), WORDS_SHOWN).split())
    return f" {label}: {as_text(shown)}" if shown else ""


def _at(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M} UTC"
