"""Delegation: for whom somebody may decide a request that they may not decide themselves.

Whoever stands in for the requester decides nothing of theirs. The place that is filled is the
giver's: of both, one counts, whoever is first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from countersign.approvals.forms.on_call import on_call_words
from countersign.approvals.models import People, Principal, Request, RequestKind, Vote
from countersign.approvals.ports import RequestView
from countersign.approvals.rules.approvers import duties_of, is_asked_by
from countersign.approvals.rules.authority import reason_against
from countersign.approvals.rules.segregation import keeps_out, lent_reason


def standing(
    people: People, person: Principal | None, request: Request, votes: Sequence[Vote]
) -> tuple[str | None, Principal | None]:
    """Why this person may not vote on the current revision now, None if they may; and for whom
    they do, if not for themselves."""
    reason = reason_against(person, request, votes)
    if person is None or request.kind is not RequestKind.TOOL:
        return reason, None
    if reason is not None:
        reason += _who_is_on_call(people, person, request, votes)
    givers = people.givers(person.id)
    requester = people.by_id(request.requester)
    if requester is not None and requester.id in {giver.id for giver, _ in givers}:
        return f"You stand in for {requester.name}, who asked for this; others decide it.", None
    party = keeps_out(people, person, request.stages)
    if party is not None and party.id != person.id:
        return f"{lent_reason(person, party, request.stages)}; others decide it.", None
    mine = [vote for vote in votes if vote.revision == request.revision]
    if reason is None:
        return None, None
    voted = any(vote.principal_id == person.id for vote in mine)
    kept_out = person.id == request.requester or party is not None
    if kept_out or voted or request.stage >= len(request.stages):
        return reason, None
    open_now = (request.stages[number] for number in request.open_stages)
    roles = frozenset(role for stage in open_now for role in stage.roles)
    for giver, carried in givers:
        lent = giver.model_copy(update={"roles": carried})
        if carried & roles and reason_against(lent, request, votes) is None:
            return None, giver
    return reason, None


def _who_is_on_call(
    people: People, person: Principal, request: Request, votes: Sequence[Vote]
) -> str:
    """Who is, where an open stage asks for that, and not this person."""
    stages = [request.stages[n] for n in request.open_stages if n < len(request.stages)]
    if any(is_asked_by(person, stage) for stage in stages):
        return ""
    return "".join(f" {on_call_words(each)}" for each in people.duties(duties_of(stages)))


def with_delegates(
    found: Iterable[Principal], request: Request, votes: Sequence[Vote], people: People
) -> tuple[Principal, ...]:
    """These people, and those who may decide for one of them, by id."""
    known = {person.id: person for person in found}
    if people.has_delegations and request.kind is RequestKind.TOOL:
        for giver in list(known.values()):
            for delegate in people.delegates(giver.id):
                if standing(people, delegate, request, votes)[0] is None:
                    known.setdefault(delegate.id, delegate)
    return tuple(known[id_] for id_ in sorted(known))


def reason_in_view(view: RequestView, person: Principal | None) -> str | None:
    """Why this person may not vote on what is shown to them; None if they may."""
    reason = reason_against(person, view.request, view.votes)
    if reason is not None and person is not None:
        if person.id in {each.id for each in view.eligible}:  # for somebody else
            return None
    return reason
