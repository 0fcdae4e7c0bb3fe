"""Outcomes: what a ticket says once it needs no answer any more. Pure."""

from __future__ import annotations

from countersign.approvals.forms.canaries import TITLE, is_canary
from countersign.approvals.forms.changers import changers, other_changers
from countersign.approvals.forms.systems import system_words
from countersign.approvals.forms.undos import offered_words
from countersign.approvals.forms.values import value_text
from countersign.approvals.forms.wording import cut_visibly, visible
from countersign.approvals.models import (
    Delivery,
    DeliveryStatus,
    Finding,
    Request,
    RequestStatus,
    Result,
    Verdict,
    Via,
)
from countersign.approvals.ports import RequestView
from countersign.approvals.tickets import TicketOutcome, target_of
from countersign.connectors.ticketing.pauses import held_words

RESULT_LIMIT = 1_500
OUTCOMES = {
    RequestStatus.APPROVED: TicketOutcome.APPROVED,
    RequestStatus.EXECUTING: TicketOutcome.APPROVED,
    RequestStatus.EXECUTED: TicketOutcome.EXECUTED,
    RequestStatus.FAILED: TicketOutcome.FAILED,
    RequestStatus.IN_DOUBT: TicketOutcome.IN_DOUBT,
    RequestStatus.REJECTED: TicketOutcome.REJECTED,
    RequestStatus.EXPIRED: TicketOutcome.EXPIRED,
    RequestStatus.CANCELLED: TicketOutcome.CANCELLED,
}


def is_current(delivery: Delivery, request: Request) -> bool:
    """Whether the ticket asks what is open now: this revision, this stage, and no decision yet."""
    return request.status is RequestStatus.PENDING and delivery.target == target_of(request)


def outcome_of(delivery: Delivery, view: RequestView) -> tuple[TicketOutcome, str] | None:
    """Where the ticket belongs and what it says; None while its answer is still wanted."""
    request = view.request
    if is_current(delivery, request):
        return None
    if delivery.target != target_of(request) and delivery.status is DeliveryStatus.CLOSED:
        return TicketOutcome.SUPERSEDED, ""  # and was told so
    if request.status is RequestStatus.PENDING:
        return TicketOutcome.SUPERSEDED, said_of(delivery, view)
    return OUTCOMES[request.status], said_of(delivery, view)


def said_of(delivery: Delivery, view: RequestView) -> str:
    """What has become of a call that the ticket asks no more about."""
    request = view.request
    if request.status is RequestStatus.PENDING:
        return _superseded(delivery, request)
    return _said(view, here=_decided_here(delivery, request))


def decided_words(request: Request) -> str:
    """Who decided what, through what and when, as a sentence."""
    decision = request.decision
    if is_canary(request):
        return f"{TITLE}."
    if decision is None:
        return f"This is {request.status}."
    if decision.via == Via.CLOCK:
        silent = decision.verdict is Verdict.APPROVE
        return decision.comment if silent else "Nobody decided in time."
    what = {
        Verdict.APPROVE: "Approved",
        Verdict.MODIFY: "Approved with changes",
        Verdict.REJECT: "Rejected",
    }[decision.verdict]
    through = system_words(decision.via)
    who = other_changers(request)
    if decision.verdict is Verdict.MODIFY and who:
        what = f"Changed by {who}, and approved"
    return f"{what} by {decision.by_name} through {through}, {decision.at:%Y-%m-%d %H:%M:%S} UTC."


def too_late_words(request: Request) -> str:
    """To somebody who has answered in a ticket that needs no answer any more."""
    if request.status is RequestStatus.PENDING:
        return (
            "This ticket needs no answer any more: the request has changed or gone on since. "
            "What you set here changes nothing."
        )
    return f"{decided_words(request)} What was set here afterwards changes nothing."


def taken_back_words(key: str) -> str:
    """The reason of whoever has revoked an approval by a comment in this ticket."""
    return f"Taken back by a comment in {key}."


def _decided_here(delivery: Delivery, request: Request) -> bool:
    return request.decision is not None and str(request.decision.via) == delivery.channel


def _superseded(delivery: Delivery, request: Request) -> str:
    revision = delivery.target.partition(":")[2].partition(".")[0]
    if revision != str(request.revision) and request.asked_again:
        return (
            f"{request.asked_again} So this needs no answer any more. What is asked now has a "
            "ticket of its own."
        )
    if revision != str(request.revision):
        who = changers(request)
        changed = f"{who} has changed the arguments" if who else "The arguments were changed"
        return (
            f"{changed} since, so this needs no answer any more. What is asked "
            "now has a ticket of its own."
        )
    return "This step is approved. The next one has a ticket of its own."


def _said(view: RequestView, *, here: bool) -> str:
    request = view.request
    who = decided_words(request)
    reason = "" if request.decision is None else request.decision.comment.strip()
    result = request.result
    if result is not None and result.finding is not None:
        return _found(result.finding)
    match request.status:
        case RequestStatus.APPROVED if view.session.error:
            return f"It has not run: {view.session.error}"
        case RequestStatus.APPROVED if view.held:
            return held_words(view) if here else f"{who} {held_words(view)}"
        case RequestStatus.APPROVED | RequestStatus.EXECUTING:
            return "" if here else _lines(f"{who} It runs now.", _quoted("Comment", reason))
        case RequestStatus.EXECUTED:
            changed = " with the changed arguments" if request.modified else ""
            offer = offered_words(view.undoable)
            return _lines(f"Done: it ran once{changed}.", _result(result), offer)
        case RequestStatus.FAILED:
            return _lines("It was approved, ran and failed. The agents know.", _result(result))
        case RequestStatus.IN_DOUBT:
            return (
                "It is not known whether it ran, and it will not be run again. Please check the "
                "target system."
            )
        case RequestStatus.REJECTED:
            shown = "" if here else _quoted("Reason", reason)
            return _lines(f"{who} Nothing ran; the agents know why.", shown)
        case RequestStatus.EXPIRED:
            return "Nobody decided in time. Nothing ran."
    message = "" if result is None else result.message
    if is_canary(request):
        return visible(message)
    return _lines("This was called off. Nothing ran.", visible(message))


def _found(finding: Finding) -> str:
    what = "it took effect" if finding.happened else "it did not take effect"
    who = f"{finding.by_name} looked into the target system"
    through = f"{system_words(finding.via)}, {finding.at:%Y-%m-%d %H:%M:%S} UTC"
    text = f"It was not known whether it ran. {who} ({through}): {what}."
    return _lines(text, _quoted("Note", finding.note))


def _result(result: Result | None) -> str:
    content = "" if result is None else visible(result.content).strip()
    return f"Result: {cut_visibly(content, RESULT_LIMIT)}" if content else ""


def _quoted(label: str, text: str) -> str:
    return f"{label}: {cut_visibly(value_text(text), RESULT_LIMIT)}" if text else ""


def _lines(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)
