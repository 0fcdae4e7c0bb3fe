"""Authority: who may decide, asked when a person votes and again before the tool runs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from countersign.approvals.forms.wording import duration_words
from countersign.approvals.models import (
    JsonObject,
    People,
    Principal,
    PrincipalId,
    Proof,
    Request,
    RequestKind,
    Stage,
    Verdict,
    Vote,
)
from countersign.approvals.rules.approvers import (
    OWNER_ROLE,
    approvers,
    duties_of,
    is_asked_by,
    is_asked_without_duty,
    lacking,
    no_longer,
)
from countersign.approvals.rules.segregation import keeps_out, own_reason, reason_since

ADMIN_ROLE = "admin"
"""May end any session, revoke any approval, and resolve doubts about what ran without people; may
pause, unless the policy says who else does."""


def reason_against(
    principal: Principal | None, request: Request, votes: Iterable[Vote]
) -> str | None:
    """Why this person may not vote on the current revision now; None if they may."""
    if principal is None:
        return "You are not known here. Ask an administrator to add you to `people`."
    is_requester = principal.id == request.requester
    if is_requester and request.kind is RequestKind.TOOL:
        return "You asked for this yourself; somebody else has to decide it."
    if (tie := own_reason(principal, request.stages)) is not None:
        return f"{tie}; somebody else has to decide it."
    if request.stage >= len(request.stages):
        return "Nobody can approve this request: its rule names no approvers."
    votes = [vote for vote in votes if vote.revision == request.revision]
    open_now = [n for n in request.open_stages if lacking(request.stages[n], n, votes)]
    stages = [request.stages[n] for n in open_now or (request.stage,)]
    owns = is_requester and any(OWNER_ROLE in stage.roles for stage in stages)
    if not owns and not any(is_asked_by(principal, stage) for stage in stages):
        return f"This needs {approvers(stages)}."
    if any(v.principal_id == principal.id for v in votes):
        return "You have already voted on this request."
    if any(v.seat == principal.id and v.revision == request.revision for v in votes):
        return "Whoever stands in for you has already voted on this request."
    return None


def reason_against_proof(
    proof: Proof | None, within_s: float | None, now: datetime, page: str
) -> str | None:
    """Why an approval does not count for want of a fresh proof of presence; None if it does. The
    proof has been found to be of this person, for this digest."""
    if within_s is None:
        return None
    span = duration_words(within_s)
    how = f"give it at {page}" if page else "it cannot be given here"
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
    if request.stages and principal.id == request.requester:
        return "You asked for this yourself; somebody else has to say what became of it."
    if (tie := own_reason(principal, request.stages)) is not None:
        return f"{tie}; somebody else has to say what became of it."
    stages = request.stages or (Stage(roles=(ADMIN_ROLE,)),)
    if not any(is_asked_by(principal, stage) for stage in stages):
        return f"This needs {approvers(stages)}."
    return None


def reason_against_undoing(principal: Principal | None, request: Request) -> str | None:
    """Why this person may not have taken back what a request has done; None if they may.

    Whoever could approve it may, at any of its stages; not who asked for it, unless a rule let it
    run without people: then they, or an admin.
    """
    if principal is None:
        return "You are not known here. Ask an administrator to add you to `people`."
    is_requester = principal.id == request.requester
    if not request.stages:
        if is_requester or ADMIN_ROLE in principal.roles:
            return None
        return "No person approved this, so only who asked for it, or an administrator, undoes it."
    if is_requester:
        return "You asked for this yourself; somebody else has to undo it."
    if (tie := own_reason(principal, request.stages)) is not None:
        return f"{tie}; somebody else has to undo it."
    if not any(is_asked_by(principal, stage) for stage in request.stages):
        return f"This needs {approvers(request.stages)}."
    return None


def reason_against_revoking(
    principal: Principal | None, request: Request, votes: Iterable[Vote]
) -> str | None:
    """Why this person may not revoke the approval of the current revision; None if they may:
    whoever has given it, and an administrator."""
    if principal is None:
        return "You are not known here. Ask an administrator to add you to `people`."
    given = any(
        v.principal_id == principal.id
        and v.revision == request.revision
        and v.verdict is not Verdict.REJECT
        for v in votes
    )
    if given or ADMIN_ROLE in principal.roles:
        return None
    return "You have not approved this; only who has, or an administrator, can revoke it."


def revoked(people: People, request: Request, votes: Iterable[Vote]) -> str | None:
    """Why the votes that approved this revision no longer carry it; None if they still do."""
    for vote in votes:
        if vote.revision != request.revision or vote.verdict is Verdict.REJECT:
            continue
        principal = people.by_id(vote.seat)
        if principal is None or people.by_id(vote.principal_id) is None:
            return f"{vote.name}, who approved this, is no longer known."
        if vote.on_behalf_of and not people.stood_in(principal.id, vote.principal_id, vote.at):
            return f"{vote.name}, who approved this, does not stand in any more."
        is_requester = principal.id == request.requester
        if request.kind is RequestKind.TOOL:
            if request.requester in (principal.id, vote.principal_id):
                return f"{vote.name}, who approved this, has asked for it."
            if (asker := _stands_in_for(people, vote, request.requester)) is not None:
                return f"{vote.name}, who approved this, stands in for {asker.name}, who asked."
        for person in (principal, people.by_id(vote.principal_id)):
            by = person and keeps_out(people, person, request.stages)
            if person is not None and by is not None:
                why = reason_since(person, by, request.stages)
                return f"{vote.name}, who approved this, {why}."
        for number in (vote.stage, *vote.also):
            asked = _ever_asked(request, number)
            stage = request.stages[number].model_copy(update={"roles": asked})
            owns = is_requester and OWNER_ROLE in stage.roles
            if owns or is_asked_without_duty(principal, stage):
                continue
            if not stage.on_call:
                return f"{vote.name}, who approved this, {no_longer(stage)}."
            if not people.was_on_call(principal, stage.on_call, vote.at):
                duty = " or ".join(stage.on_call)
                return (
                    f"{vote.name}, who approved this at {vote.at:%Y-%m-%d %H:%M} UTC, was not on "
                    f"call for {duty} then, as the schedule says now."
                )
    return None


def _stands_in_for(people: People, vote: Vote, requester: PrincipalId) -> Principal | None:
    """Whoever asked, if who has voted stands in for them."""
    found = (giver for giver, _ in people.givers(vote.principal_id) if giver.id == requester)
    return next(found, None)


def outdated_duty(
    people: People, person: Principal, stages: Iterable[Stage], now: datetime
) -> str | None:
    """Why it is not known whether this person is on call, where a stage asks them by that alone;
    None if it is, or no stage does."""
    for stage in stages:
        if stage.on_call and not is_asked_without_duty(person, stage):
            for name in stage.on_call:
                if (outdated := people.schedule_outdated(name, now)) is not None:
                    return outdated
    return None


def by_duty(people: People, request: Request, vote: Vote) -> JsonObject:
    """The schedules by which whoever votes is on call, where that is why they may."""
    seat = people.by_id(vote.seat)
    if seat is None or not seat.on_call:
        return {}
    stages = [request.stages[number] for number in (vote.stage, *vote.also)]
    asked = [stage for stage in stages if not is_asked_without_duty(seat, stage)]
    duties = sorted(seat.on_call.intersection(duties_of(asked)))
    return {"on_call": list(duties)} if duties else {}


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
