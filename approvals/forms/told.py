"""What whoever asked is told of a request: whom it waits for, who decided, what came of it. Pure.

Markdown of ours; what people and agents wrote is text in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from countersign.approvals.audit.canonical import canonical_json
from countersign.approvals.forms.canaries import TITLE, is_canary
from countersign.approvals.forms.changers import has_changed, other_changers
from countersign.approvals.forms.systems import system_words
from countersign.approvals.forms.times import happened, moment, then, zone_of
from countersign.approvals.forms.values import value_text
from countersign.approvals.forms.wording import (
    as_text,
    cut_visibly,
    in_words,
    people_in_words,
)
from countersign.approvals.models import (
    Cause,
    Decision,
    Grant,
    Pause,
    Principal,
    Request,
    RequestKind,
    RequestStatus,
    Used,
    Verdict,
    Via,
    Vote,
)

WORDS_SHOWN = 600
"""Characters of a reason or a result; the card, the API and the ledger have all of it."""
VALUE_SHOWN = 80
MOST_LISTED = 20
"""Things that one message says of so many calls, one of each; the inbox lists all of them."""


@dataclass(frozen=True)
class Told:
    """One thing that is told, and what of it everybody may hear; nothing if it is empty."""

    whole: str
    state: str
    """Without what people and agents wrote, and without values: who decided, that it ran."""

    def __bool__(self) -> bool:
        return bool(self.whole)

    def to(self, *, wider_audience: bool) -> str:
        """What is told in a conversation, by whether others read it than those concerned."""
        return self.state if wider_audience else self.whole


NOTHING = Told("", "")


def together(*parts: Told | str, by: str = " ") -> Told:
    """All of these as one, without those that are empty."""
    each = [Told(part, part) if isinstance(part, str) else part for part in parts]
    return Told(
        by.join(t.whole for t in each if t.whole), by.join(t.state for t in each if t.state)
    )


def stacked(told: Sequence[Told | str]) -> Told:
    """These one below the other, the first of many, and how many more there are."""
    more = len(told) - MOST_LISTED
    rest = [f"And {more} more like these."] if more > 0 else []
    return together(*told[:MOST_LISTED], *rest, by="\n\n")


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
    until = moment(request.expires_at, zone_of(request))
    return f", until {until}; if nobody decides by then, {then(request)}"


def reminded(request: Request, people: Sequence[Principal]) -> Told:
    """That those who may decide were reminded."""
    who = people_in_words(people, conjunction="and")
    return together(f"**Reminded:** {who}, of {named(request)}{_until(request)}.")


def escalated(request: Request, people: Sequence[Principal]) -> Told:
    """That others may decide now, who were not asked before."""
    if not people:
        return together(f"**Escalated:** {named(request)}, but nobody else may decide it.")
    who = people_in_words(people, conjunction="and")
    return together(f"**Escalated:** nobody has decided {named(request)}, so {who} may, too.")


def is_taken_back(request: Request) -> bool:
    """Whether the agent itself took it back."""
    return request.result is not None and request.result.cause is Cause.WITHDRAWN


def prompt(request: Request, *, escalated: bool) -> str:
    """What those who may decide, or have voted, read where they are shown it, as a message of its
    own. Plain."""
    if is_taken_back(request):
        said = f"{request.agent} has taken back {named(request)}, on which you have voted."
        return f"{said} It does not run."
    if escalated:
        return f"Still undecided: {named(request)}{_until(request)}. {happened(request)}".strip()
    return f"Reminder: {named(request)} waits for your decision{_until(request)}."


def voted(request: Request, vote: Vote) -> Told:
    """One vote of several that are needed."""
    through = system_words(vote.via)
    did = "rejected" if vote.verdict is Verdict.REJECT else "approved"
    did = "changed and approved" if has_changed(vote, request) else did
    text = f"{as_text(vote.name)} {did} {named(request)} through {through}."
    return _with(text, "Comment", vote.comment)


def commented(request: Request, name: str, comment: str) -> Told:
    """What somebody says of it without deciding it."""
    return _with(f"{as_text(name)} has commented on {named(request)}.", "Comment", comment)


def withdrawn(request: Request, vote: Vote) -> str:
    """That somebody has taken their vote back."""
    what = "rejection" if vote.verdict is Verdict.REJECT else "approval"
    return f"{as_text(vote.name)} has taken back the {what} of {named(request)}."


def revoked(request: Request, decision: Decision) -> Told:
    """That an approval was revoked before it was used, and why."""
    by = f"by {as_text(decision.by_name)} through {system_words(decision.via)}"
    text = f"**Approval revoked** {by}: {named(request)}. It does not run."
    return _with(text, "Reason", decision.comment)


def is_told(request: Request) -> bool:
    """Whether its decision is told of: what a rule or a grant allows is not."""
    return request.decision is not None and request.decision.via not in (Via.POLICY, Via.GRANT)


def decided(request: Request) -> Told:
    """Who decided it, through what, and why; nothing where a rule did."""
    decision = request.decision
    if decision is None or not is_told(request):
        return NOTHING
    if decision.via == Via.CLOCK and decision.verdict is Verdict.APPROVE:
        return together(f"**Runs:** {named(request)}. {as_text(decision.comment)}")
    if decision.via == Via.CLOCK:
        ends = "The chat ends." if request.kind is RequestKind.INPUT else "It does not run."
        return together(f"**Expired:** {named(request)}. Nobody decided in time. {ends}")
    by = f"by {as_text(decision.by_name)} through {system_words(decision.via)}"
    if request.kind is RequestKind.INPUT:
        return _answered(request, decision, by)
    if decision.verdict is Verdict.REJECT:
        text = f"**Rejected** {by}: {named(request)}. It does not run."
        return _with(text, "Reason", decision.comment)
    if decision.verdict is Verdict.MODIFY:
        who = other_changers(request)
        text = f"**Approved with changes** {by}: {named(request)}"
        if who:
            text = f"**Approved** {by}, **changed** by {as_text(who)}: {named(request)}"
        changed = Told(f"{text}, with {_changes(request)}.", f"{text}.")
        return together(changed, _with("", "Comment", decision.comment))
    return _with(f"**Approved** {by}: {named(request)}.", "Comment", decision.comment)


def _answered(request: Request, decision: Decision, by: str) -> Told:
    if decision.verdict is Verdict.REJECT:
        return _with(f"**Ended** {by}: {named(request)}.", "Reason", decision.comment)
    return _with(f"**Answered** {by}: {named(request)}.", "Answer", decision.comment)


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


def denied(request: Request) -> Told:
    """That a rule refused it; nothing where none did."""
    result = request.result
    if result is None or result.cause is not Cause.DENIED_BY_POLICY:
        return NOTHING
    return with_reason(f"**Not run:** {named(request)}.", result.message)


def held(request: Request, pause: Pause) -> Told:
    """That it is paused, and goes on by itself after that."""
    text = f"**Paused** by {as_text(pause.by_name)}: {named(request)} waits and goes on by itself."
    return _with(text, "Reason", pause.reason)


def granted(request: Request, grant: Grant, used: Used) -> Told:
    """That it begins to run by a grant, instead of asking."""
    by = f"{as_text(grant.names)} ({grant.id}, {used.of(grant)})"
    if grant.step:
        return together(f"**Runs by {grant.of_plan}**, approved by {by}: {named(request)}.")
    return together(f"**Runs by a grant** of {by}: {named(request)}.")


def ended(request: Request) -> Told:
    """What came of it: what its tool returned, or why nothing ran; nothing while that is not known,
    or where the decision says it all."""
    result = request.result
    if result is None:
        return NOTHING
    match request.status:
        case RequestStatus.EXECUTED:
            return _with(f"**Ran:** {named(request)}.", "Result", result.content)
        case RequestStatus.FAILED:
            return _with(f"**Failed:** {named(request)}.", "Error", result.content)
        case RequestStatus.CANCELLED if is_canary(request):
            return with_reason(f"**{TITLE}:** {named(request)}.", result.message)
        case RequestStatus.CANCELLED:
            return with_reason(f"**Not run:** {named(request)}.", result.message)
        case RequestStatus.IN_DOUBT:
            return with_reason(f"**In doubt:** {named(request)}.", result.message)
    return NOTHING


def stands(request: Request, people: Sequence[Principal], missing: int = 1) -> Told:
    """All of it: who decided, and what came of that; while it is pending, as `waits`."""
    if request.status is RequestStatus.PENDING:
        return together(waits(request, people, missing))
    open_ = request.status in (RequestStatus.APPROVED, RequestStatus.EXECUTING)
    yet = "It has not ended yet." if open_ else ""
    known = together(decided(request), ended(request), yet)
    return known or together(f"{named(request)}: {request.status}.")


def with_reason(text: str, reason: str) -> Told:
    """`text`, and why, which not everybody may hear."""
    return Told(f"{text} {as_text(reason)}", text)


def _with(text: str, label: str, words: str) -> Told:
    shown = " ".join(cut_visibly(words.strip(), WORDS_SHOWN).split())
    return Told(" ".join(filter(None, [text, shown and f"{label}: {as_text(shown)}"])), text)


def listed(requests: Sequence[Request]) -> str:
    """Several that wait for one person, in one message."""
    lines = [f"- {named(request)}{_until(request)}" for request in requests]
    return "\n".join([f"{len(lines)} requests of low risk wait for your decision:", "", *lines])
