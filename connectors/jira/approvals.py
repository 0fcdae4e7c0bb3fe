"""Approvals of service projects: who was asked, and what they answered.

An approval says who has answered and what, but not when each of them did: the time of its end is
that of the only answer, and of several answers nothing is known but when the approval began.
Source: developer.atlassian.com, Jira Service Management REST API, "Get approvals" (fields,
`approved` / `declined` / `pending`), read 2026-11-25.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from countersign.approvals.models import Value, Verdict
from countersign.approvals.tickets import TicketAct
from countersign.connectors.jira.wire import (
    MalformedError,
    account,
    moment,
    number,
)

VERDICTS = {"approved": Verdict.APPROVE, "declined": Verdict.REJECT}


class Answers(Value):
    """What the approvals of one issue say."""

    acts: tuple[TicketAct, ...] = ()
    """Oldest first."""
    untimed: frozenset[str] = frozenset()
    """Ids of acts of which only the earliest moment is known."""
    complete: bool = False
    """Whether the newest approval has its final answer."""
    newest: str = ""
    """The id of the newest approval; empty if there is none."""


def answers(raw: Iterable[Any]) -> Answers:
    """What people answered. Raises MalformedError."""
    found = sorted((_approval(entry) for entry in raw), key=lambda one: (one[0], int(one[1])))
    if not found:
        return Answers()
    _, newest, complete, _ = found[-1]
    return Answers(
        acts=tuple(act for _, _, _, given in found for act in given),
        untimed=frozenset(
            a.id for _, _, ended, given in found if not (ended and len(given) == 1) for a in given
        ),
        complete=complete,
        newest=newest,
    )


def _approval(raw: Any) -> tuple[datetime, str, bool, list[TicketAct]]:
    """When it began, its id, whether it has ended, and the answers to it."""
    if not isinstance(raw, dict) or not isinstance(raw.get("approvers", []), list):
        raise MalformedError("no approval")
    approval_id, began = number(raw.get("id")), _date(raw.get("createdDate"))
    ended = raw.get("completedDate")
    entries = [entry for entry in raw.get("approvers", []) if isinstance(entry, dict)]
    answered = [entry for entry in entries if entry.get("approverDecision") in VERDICTS]
    at = began if ended is None or len(answered) > 1 else _date(ended)
    given: list[TicketAct] = []
    for entry in answered:
        said = entry["approverDecision"]
        who = account(entry.get("approver"))
        given.append(
            TicketAct(
                id=f"approval:{approval_id}:{who.id or len(given)}",
                at=at,
                actor=who.id,
                actor_name=who.name,
                state=said,
                state_name=said.capitalize(),
            )
        )
    return began, approval_id, ended is not None, given


def _date(raw: Any) -> datetime:
    """A DateDTO. Raises MalformedError."""
    return moment(raw.get("epochMillis") if isinstance(raw, dict) else None)
