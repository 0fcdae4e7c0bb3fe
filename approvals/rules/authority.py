"""Authority: who may decide, asked when a person votes and again before the tool runs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from countersign.approvals.forms.wording import duration_words
from countersign.approvals.models import (
    People,
    Principal,
    Proof,
    Request,
    RequestKind,
    Vote,
)

ADMIN_ROLE = "admin"
"""May end any session, and resolve doubts about what ran without people; may pause, unless the
policy says who else does."""
OWNER_ROLE = "owner"
"""Stands in a stage for whoever asked: the default answerer of an agent's own questions."""


def reason_against(
    principal: Principal | None, request: Request, votes: Iterable[Vote]
) -> str | None:
    """Why this person may not vote on the current revision now; None if they may."""
    if principal is None:
        return "You are not known here. Ask an administrator to add you to `people`."
    is_requester = principal.id == request.requester
    if is_requester and request.kind is RequestKind.TOOL:
        return "You asked for this yourself; somebody else has to decide it."
    if request.stage >= len(request.stages):
        return "Nobody can approve this request: its rule names no approvers."
    roles = request.stages[request.stage].roles
    holds = principal.roles.intersection(roles) or (is_requester and OWNER_ROLE in roles)
    if not holds:
        return f"This needs the role {' or '.join(roles)}."
    if any(v.principal_id == principal.id and v.revision == request.revision for v in votes):
        return "You have already voted on this request."
    if any(v.seat == principal.id and v.revision == request.revision for v in votes):
        return "Whoever stands in for you has already voted on this request."
    return None


def reason_against_proof(
    proof: Proof | None, within_s: float | None, now: datetime, where: str
) -> str | None:
    """Why an approval does not count for want of a fresh proof of presence; None if it does. The
    proof has been found to be of this person, for this digest."""
    if within_s is None:
        return None
    span = duration_words(within_s)
    how = f"give it {where}" if where else "it cannot be given here"
    if proof is None:
        return f"This needs a proof that it is you, not older than {span}; {how}."
    if not now - timedelta(seconds=within_s) <= proof.at <= now:
        return f"Your proof is older than {span}; {how}."
    return None


def reason_against_resolving(principal: Principal | None, request: Request) -> str | None:
    """Why this person may not say what became of a request in doubt; None if they may.

    Whoever could approve it may, at any of its stages and also if they have voted; not who asked
    for it. Where a rule let it run without people, an admin.
    """
    if principal is None:
        return "You are not known here. Ask an administrator to add you to `people`."
    roles = list(dict.fromkeys(role for stage in request.stages for role in stage.roles))
    if roles and principal.id == request.requester:
        return "You asked for this yourself; somebody else has to say what became of it."
    if not principal.roles.intersection(roles or [ADMIN_ROLE]):
        return f"This needs the role {' or '.join(roles or [ADMIN_ROLE])}."
    return None


def revoked(people: People, request: Request, votes: Iterable[Vote]) -> str | None:
    """Why the votes that approved this revision no longer carry it; None if they still do."""
    for vote in votes:
        if vote.revision != request.revision:
            continue
        principal = people.by_id(vote.seat)
        if principal is None or people.by_id(vote.principal_id) is None:
            return f"{vote.name}, who approved this, is no longer known."
        if vote.on_behalf_of and not people.stood_in(principal.id, vote.principal_id, vote.at):
            return f"{vote.name}, who approved this, does not stand in any more."
        for number in (vote.stage, *vote.also):
            roles = _ever_asked(request, number)
            owns = principal.id == request.requester and OWNER_ROLE in roles
            if not owns and not principal.roles.intersection(roles):
                lost = f"no longer holds the role {' or '.join(roles)}"
                return f"{vote.name}, who approved this, {lost}."
    return None


def _ever_asked(request: Request, number: int) -> tuple[str, ...]:
    """The roles of a stage, with those that an escalation has taken out of it: who had voted by
    then has done so rightly."""
    roles = request.stages[number].roles
    timing = request.timing
    if timing is None or not timing.ruled_stages:
        return roles
    asked = [each.escalation.roles for each in timing.escalated if each.stage == number]
    return tuple(
        role for named in (roles, timing.ruled_stages[number].roles, *asked) for role in named
    )
