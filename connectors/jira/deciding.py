"""Votes and refusals from the acts in an issue. Pure; who may decide is for the service to say."""

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
from countersign.connectors.jira.approvals import VERDICTS
from countersign.connectors.jira.settings import JiraSettings


def decide(settings: JiraSettings, own: str | None, seen: Observation) -> list[TicketFinding]:
    """The verdicts, and what looks like one and is none, oldest first. `own` is our account."""
    found = (_meaning(settings, own, act) for act in seen.acts)
    return [meaning for meaning in found if meaning is not None]


def _meaning(settings: JiraSettings, own: str | None, act: TicketAct) -> TicketFinding | None:
    if act.state == WITHDRAW:
        return TicketWithdrawal(act=act)
    if act.state == ASK:
        return TicketQuestion(act=act, text=question_in(act.comment))
    verdict = VERDICTS.get(act.state) or settings.statuses.verdict(act.state)
    if verdict is None and not act.flaw:
        return None
    reason = _objection(own, act)
    if verdict is None or reason:
        return TicketRefusal(act=act, reason=reason or act.flaw)
    if verdict is Verdict.APPROVE and act.changes.strip():
        verdict = Verdict.MODIFY
    return TicketVote(act=act, verdict=verdict)


def _objection(own: str | None, act: TicketAct) -> str:
    """Why it cannot count, whoever may decide; empty if nothing speaks against it."""
    if act.actor is None:
        return "Jira does not say who did it."
    if own is None or act.actor == own:
        return "The account that opens these tickets cannot decide them."
    return act.flaw
