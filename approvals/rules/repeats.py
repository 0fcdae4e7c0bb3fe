"""Repeated calls in a session: people are told of them, and a person's no is not asked again.

Two calls are the same if their tool and their effective arguments are. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from countersign.approvals.audit.canonical import well_formed
from countersign.approvals.errors import InvalidError
from countersign.approvals.forms.told import Told, named, with_reason
from countersign.approvals.models import (
    AfterRejection,
    Cause,
    Effect,
    Proposal,
    Request,
    RequestKind,
    RequestStatus,
    Ruling,
    SameCall,
    Via,
)
from countersign.approvals.rules.proposals import call_hash, not_executed

MOST = 5
"""Of how many a request tells, the newest of them."""


def call_hashes(proposals: Iterable[Proposal]) -> frozenset[str]:
    """Of the calls among them that can be asked: what two calls share if they are the same."""
    found = set()
    for each in proposals:
        if each.problem is None and each.kind is RequestKind.TOOL:
            with suppress(InvalidError):  # it is not asked
                found.add(call_hash(well_formed(each.call.tool), each.call.arguments))
    return frozenset(found)


def rejected_before(
    proposal: Proposal, ruling: Ruling, earlier: Iterable[Request]
) -> Request | None:
    """The newest request by which a person refused this very call; None if people are to be asked.

    `earlier` are those of the session that may be the same, the oldest first.
    """
    asks = ruling.effect is Effect.REQUIRE_APPROVAL and proposal.kind is RequestKind.TOOL
    if not asks or ruling.after_rejection is AfterRejection.ASK:
        return None
    if not (refused := [r for r in earlier if _refused_by_person(r)]):
        return None
    mine = call_hash(proposal.call.tool, proposal.call.arguments)
    return next((r for r in reversed(refused) if r.call_hash == mine), None)


def answered(ruling: Ruling, before: Request) -> Ruling:
    """The ruling on a call that is answered by what a person said of the same one."""
    decision = before.decision
    said = f": {decision.comment}" if decision is not None and decision.comment else "."
    who = "Somebody" if decision is None else decision.by_name
    reason = (
        f"{who} has rejected this very call before ({before.id}){said} Nobody was asked again. "
        "Propose something else, or nothing."
    )
    return ruling.model_copy(update={"effect": Effect.DENY, "reason": reason})


def as_before(request: Request) -> Request:
    """A request that was `answered`, with the result that a rejection has."""
    return request.model_copy(update={"result": not_executed(Cause.REJECTED, request.reason)})


def is_answered(request: Request) -> bool:
    """Whether nobody was asked because a person had refused the same call before."""
    by_rule = request.decision is not None and request.decision.via == Via.POLICY
    return by_rule and request.result is not None and request.result.cause is Cause.REJECTED


def with_same_calls(requests: Sequence[Request], others: Sequence[Request]) -> list[Request]:
    """The requests; those that wait say where the session has the same call: among themselves, and
    among `others`, the oldest first."""
    return [_told(request, [*others, *requests]) for request in requests]


def _told(request: Request, others: Iterable[Request]) -> Request:
    if request.status is not RequestStatus.PENDING or request.kind is not RequestKind.TOOL:
        return request
    same = [
        _same(other)
        for other in others
        if other.id != request.id
        and request.call_hash in _hashes(other)
        and not _refused_by_rule(other)
    ]
    return request.model_copy(update={"same_calls": tuple(same[-MOST:])}) if same else request


def _hashes(request: Request) -> Iterator[str]:
    """Of the call as it stands, and as the agent proposed it before a person changed it."""
    yield request.call_hash
    if request.proposed_arguments is not None:
        yield call_hash(request.tool, request.proposed_arguments)


def _same(other: Request) -> SameCall:
    decision = other.decision
    by_person = decision is not None and decision.via not in (Via.POLICY, Via.CLOCK)
    return SameCall(
        request_id=other.id,
        status=other.status,
        at=other.created_at if decision is None else decision.at,
        by=decision.by_name if decision is not None and by_person else "",
        comment=decision.comment if decision is not None and by_person else "",
        changed=other.modified,
    )


def _refused_by_person(request: Request) -> bool:
    return request.status is RequestStatus.REJECTED and not _refused_by_rule(request)


def _refused_by_rule(request: Request) -> bool:
    decision = request.decision
    by_rule = decision is not None and decision.via == Via.POLICY
    return request.status is RequestStatus.REJECTED and by_rule


_WHAT = {
    RequestStatus.PENDING: "is also proposed beside this one",
    RequestStatus.APPROVED: "was approved{by} and has not run yet",
    RequestStatus.EXECUTING: "was approved{by} and runs now",
    RequestStatus.EXECUTED: "was carried out already, approved{by}",
    RequestStatus.FAILED: "was approved{by} and failed",
    RequestStatus.IN_DOUBT: "was approved{by}, and whether it took effect is in doubt",
    RequestStatus.REJECTED: "was rejected{by}",
    RequestStatus.EXPIRED: "was asked before, and nobody decided in time",
    RequestStatus.CANCELLED: "was asked before, and not carried out",
}


def in_sentence(same: SameCall) -> str:
    """What people read of it, without its id: one sentence."""
    by = f" by {same.by}" if same.by else " by a rule"
    what = _WHAT[same.status].format(by=by)
    if same.changed:
        what = f"{what}, with changed arguments"
    when = "" if same.status is RequestStatus.PENDING else f" on {same.at:%Y-%m-%d %H:%M} UTC"
    said = f": {same.comment}" if same.comment else ""
    return f"The same call {what}{when}{said}".rstrip(".") + "."


def not_asked_again(request: Request) -> Told:
    """What is said in the session's thread of a request that was `answered`."""
    return with_reason(f"**Not asked again:** {named(request)}.", request.reason)
