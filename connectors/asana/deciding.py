"""Votes and refusals from the acts in a task. Pure; who may decide is for the service to say."""

from __future__ import annotations

from collections.abc import Mapping

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
from countersign.connectors.asana import wire
from countersign.connectors.comments.questions import ASK, question_in
from countersign.connectors.comments.withdrawing import WITHDRAW

VERDICTS: Mapping[str, Verdict] = {
    wire.APPROVED: Verdict.APPROVE,
    wire.REJECTED: Verdict.REJECT,
    wire.CHANGES: Verdict.MODIFY,
}
CLOSED = "closed"
"""The state of an act that ended the task without an answer."""


def decide(own: str, seen: Observation) -> list[TicketFinding]:
    """The verdicts, and what looks like one and is none, oldest first. `own` is our account."""
    found = (_meaning(own, seen, act) for act in seen.acts)
    return [meaning for meaning in found if meaning is not None]


def _meaning(own: str, seen: Observation, act: TicketAct) -> TicketFinding | None:
    if act.state == WITHDRAW:
        return TicketWithdrawal(act=act)
    if act.state == ASK:
        return TicketQuestion(act=act, text=question_in(act.comment))
    verdict = VERDICTS.get(act.state)
    if verdict is None and act.state != CLOSED:
        return None
    reason = _objection(own, seen, act)
    if reason:
        return TicketRefusal(act=act, reason=reason)
    if verdict is None:
        return TicketRefusal(act=act, reason="The task was completed without an answer.")
    if verdict is Verdict.APPROVE and act.changes.strip():
        verdict = Verdict.MODIFY
    return TicketVote(act=act, verdict=verdict)


def _objection(own: str, seen: Observation, act: TicketAct) -> str:
    """Why it cannot count, whoever may decide; empty if nothing speaks against it."""
    if act.actor is None:
        return "The history of the task in Asana does not say who did it."
    if act.actor == own:
        return "The account that opens these tasks cannot decide them."
    if seen.altered_by is not None:
        return f"The text of the task was changed by {seen.altered_by}."
    return act.flaw
