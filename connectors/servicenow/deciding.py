"""Votes and refusals from the acts in a ticket. Pure; who may decide is for the service to say."""

from __future__ import annotations

from countersign.approvals.models import Verdict
from countersign.approvals.tickets import (
    Observation,
    TicketAct,
    TicketFinding,
    TicketQuestion,
    TicketRefusal,
    TicketVote,
    TicketWithdrawal,
)
from countersign.connectors.comments.questions import ASK, question_in
from countersign.connectors.comments.withdrawing import WITHDRAW
from countersign.connectors.servicenow.reading import CLOSED
from countersign.connectors.servicenow.settings import ServiceNowSettings


def decide(settings: ServiceNowSettings, seen: Observation) -> list[TicketFinding]:
    """The verdicts, and what looks like one and is none, oldest first."""
    found = (_meaning(settings, seen, act) for act in seen.acts)
    return [meaning for meaning in found if meaning is not None]


def _meaning(
    settings: ServiceNowSettings, seen: Observation, act: TicketAct
) -> TicketFinding | None:
    if act.state == WITHDRAW:
        return TicketWithdrawal(act=act)
    if act.state == ASK:
        return TicketQuestion(act=act, text=question_in(act.comment))
    verdict = settings.verdict(act.state)
    if verdict is None and act.state != CLOSED:
        return None
    reason = _objection(settings, seen, act)
    if reason is not None:
        return TicketRefusal(act=act, reason=reason)
    if verdict is None:
        reason = "The record was closed without an approval or a rejection."
        return TicketRefusal(act=act, reason=reason)
    if verdict is Verdict.APPROVE and act.changes.strip():
        verdict = Verdict.MODIFY
    return TicketVote(act=act, verdict=verdict)


def _objection(settings: ServiceNowSettings, seen: Observation, act: TicketAct) -> str | None:
    """Why it cannot count, whoever may decide."""
    if act.actor is None:
        return (
            "ServiceNow does not say who did it; our user must be able to read the audit "
            "(sys_audit) of this table."
        )
    if settings.is_own(act.actor):
        return "The account that opens these tickets cannot decide them."
    if seen.altered_by is not None:
        return f"The text of the ticket was changed by {seen.altered_by}."
    if act.flaw:
        return act.flaw
    if act.state == CLOSED or act.assigned_to is None:
        return None
    if not act.assigned_to:
        return "The approval does not say whose it is."
    if not settings.may_answer(act.actor, act.assigned_to):
        return (
            f"{act.actor} gave the answer that {act.assigned_to} was asked for; only "
            f"{act.assigned_to} or a delegate named in the configuration may give it."
        )
    return None
