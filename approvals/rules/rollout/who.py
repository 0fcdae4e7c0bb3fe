"""Who may put something on record of a call afterwards. Pure."""

from __future__ import annotations

from collections.abc import Collection

from countersign.approvals.models import Cause, Principal, Request, RequestStatus, Stage
from countersign.approvals.rules.approvers import approvers, is_asked_by
from countersign.approvals.rules.authority import ADMIN_ROLE
from countersign.approvals.rules.counterparty import is_party

UNKNOWN = "You are not known here. Ask an administrator to add you to `people`."


def is_in_shadow(request: Request) -> bool:
    """Whether a person is to do it by hand: it was proposed, and was not run for that."""
    return request.result is not None and request.result.cause is Cause.SHADOW


def reason_against_recording(
    person: Principal | None, request: Request, administrators: Collection[str]
) -> str | None:
    """Why this person may not say what they did by hand; None if they may.

    Whom its rule asks, at any of its stages; not who asked for it. Where the rule names nobody, an
    administrator.
    """
    if person is None:
        return UNKNOWN
    if person.id == request.requester:
        return "You asked for this yourself; somebody else has to do it and say what they did."
    if is_party(person, request.stages):
        return "You are the counterparty of this call; somebody else has to do it."
    stages = request.stages or (Stage(roles=tuple(administrators)),)
    if not any(is_asked_by(person, stage) for stage in stages):
        return f"This needs {approvers(stages)}."
    return None


def reason_against_marking(
    person: Principal | None, request: Request, administrators: Collection[str]
) -> str | None:
    """Why this person may not say that a call was wrong which has run; None if they may.

    Whom its rule asks, an administrator, and also whoever asked for it: nothing is let run by that.
    """
    if person is None:
        return UNKNOWN
    if person.id == request.requester or not person.roles.isdisjoint({ADMIN_ROLE, *administrators}):
        return None
    if any(is_asked_by(person, stage) for stage in request.stages):
        return None
    if not request.stages:
        return "Only who asked for this, or an administrator, can say that it was wrong."
    return f"This needs {approvers(request.stages)}, or whoever asked for it."


def can_be_wrong(request: Request) -> bool:
    """Whether it has run, so that it can have been wrong."""
    return request.status is RequestStatus.EXECUTED
