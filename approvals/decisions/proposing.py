"""Proposing: the requests of one checkpoint, ruled by policy, and their ledger entries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from countersign.approvals import ids
from countersign.approvals.decisions.budgeting import NO_STANDINGS, Ahead, Standings, passes_soft
from countersign.approvals.decisions.grant_uses import GrantUses, by_grant
from countersign.approvals.forms.told import Told, denied
from countersign.approvals.forms.wording import in_words
from countersign.approvals.models import (
    CheckpointId,
    Effect,
    Grant,
    JsonObject,
    Proposal,
    Request,
    RequestId,
    RequestKind,
    Session,
    Used,
)
from countersign.approvals.ports import Moment, ToolCatalog
from countersign.approvals.rules.budgets.judging import NOTHING_USED, Usage, in_entry
from countersign.approvals.rules.policies import Policies, situation_of
from countersign.approvals.rules.proposals import (
    build,
    checked,
    is_unanswerable,
    no_approver,
    rule,
    unanswerable,
)
from countersign.approvals.rules.repeats import (
    answered,
    as_before,
    is_answered,
    not_asked_again,
    rejected_before,
    with_same_calls,
)
from countersign.approvals.rules.shortfall import Shortfall, of_ruling
from countersign.approvals.rules.silence import as_one_batch
from countersign.approvals.rules.subjects import people_for


@dataclass(frozen=True)
class Checkpoint:
    """Requests that were proposed together, not stored yet."""

    id: CheckpointId
    requests: Sequence[Request]
    """In the order of their calls."""
    entries: Sequence[tuple[str, JsonObject]]
    """For the ledger, in order; the n-th `proposed` is of the n-th request."""

    @property
    def told(self) -> list[Told | str]:
        """What people are told of those that are asked of nobody, or denied."""
        unasked = [_not_asked(request) for request in self.requests if is_unanswerable(request)]
        again = [not_asked_again(each) for each in self.requests if is_answered(each)]
        return [*unasked, *again, *filter(None, map(denied, self.requests))]


class Proposing:
    """Turns proposals into requests, by what policy says of them now. Outside of transactions."""

    def __init__(self, policies: Policies, catalog: ToolCatalog, grants: GrantUses):
        self._policies, self._catalog, self._grants = policies, catalog, grants

    def checkpoint(
        self,
        session: Session,
        proposals: Sequence[Proposal],
        earlier: Sequence[Request],
        transcript_sha256: str,
        moment: Moment,
        candidates: Sequence[tuple[Grant, Used]] = (),
        usage: Usage = NOTHING_USED,
        standings: Standings = NO_STANDINGS,
    ) -> Checkpoint:
        """The requests of `proposals`, some decided already; `earlier` are the session's others,
        `candidates` the grants that may cover some of them, `usage` is what is used of the budgets
        that they draw on, `standings` where rules stand for each."""
        policy = self._policies.current
        situation = situation_of(session, moment.people, moment.now)
        sound = [checked(raw, policy.version) for raw in proposals]
        calls = [each for each, _ in sound]
        ahead = Ahead(policy, calls, situation, usage, moment.now, standings)
        checkpoint_id = CheckpointId(ids.new_id("C"))
        # lists go by time and id: sorted ids keep calls of one moment in the order of the message
        request_ids = sorted(RequestId(ids.new_id("R")) for _ in proposals)
        requests: list[Request] = []
        entries: list[tuple[str, JsonObject]] = []
        for position, (proposal, digest_hex) in enumerate(sound):
            roles = self._catalog.input_roles(session.workflow, proposal.call.executor)
            seen = ahead.seen(proposal)
            here = situation if seen is None else situation.model_copy(update=seen)
            ruling = ahead.ruling(rule(policy, proposal, roles, here), proposal)
            refused = rejected_before(proposal, ruling, earlier)
            if refused is not None:
                ruling = answered(ruling, refused)
            people = people_for(moment.people, proposal.call, session)
            nobody = of_ruling(ruling, proposal.kind, session.owner, people)
            if nobody is not None:  # asked of nobody, so it would wait for ever
                ruling = unanswerable(ruling, nobody.text)
            request = build(
                session,
                checkpoint_id,
                request_ids[position],
                position,
                proposal,
                ruling,
                digest_hex=digest_hex,
                policy_version=policy.version,
                now=moment.now,
                calendars=policy.calendars,
                seen=seen,
            )
            if nobody is not None:
                request = request.model_copy(update={"result": no_approver(ruling.reason)})
            elif refused is not None:
                request = as_before(request)
            grant = None
            if not passes_soft(ruling.budgets):  # no standing yes is for more than that
                grant = self._grants.covering(request, session, candidates, moment)
            if grant is not None:
                request = by_grant(request, grant, moment)
            requests.append(request)
            entries.append(("proposed", _proposed(request, ruling.effect, transcript_sha256)))
            if nobody is not None:
                entries.append(("nobody_left", _nobody(request, nobody)))
            if grant is not None:
                entries.append(("granted", _granted(request, grant)))
        requests = as_one_batch(requests, policy.book.reversibility)
        return Checkpoint(checkpoint_id, with_same_calls(requests, earlier), entries)


def _proposed(request: Request, effect: Effect, transcript_sha256: str) -> JsonObject:
    return {
        "request": request.id,
        "checkpoint": request.checkpoint_id,
        "position": request.position,
        "kind": request.kind,
        "call_id": request.call_id,
        "tool": request.tool,
        "arguments": request.arguments,
        "agent": request.agent,
        "executor": request.executor,
        "rationale": request.rationale,
        "digest": request.digest,
        "effect": effect,
        "rule": request.rule_id,
        "reason": request.reason,
        "policy_version": request.policy_version,
        "stages": [stage.told() for stage in request.stages],
        "expires_at": None if request.expires_at is None else request.expires_at.isoformat(),
        "transcript_sha256": transcript_sha256,
        **({} if request.facts is None else {"facts": request.facts}),
        **in_entry(request.budgets),
        **({} if request.seen is None else {"seen": request.seen}),
        **_in_parallel(request),
    }


def _in_parallel(request: Request) -> JsonObject:
    parallel = request.parallel
    if parallel is None:
        return {}
    failed = {"failed_branches": list(parallel.failed)} if parallel.failed else {}
    return {"branch": parallel.branch, **failed}


def _granted(request: Request, grant: Grant) -> JsonObject:
    return {
        "request": request.id,
        "revision": request.revision,
        "digest": request.digest,
        "grant": grant.id,
        "by": [giver.by for giver in grant.givers],
    }


def _nobody(request: Request, nobody: Shortfall) -> JsonObject:
    return {
        "request": request.id,
        "digest": request.digest,
        "reason": nobody.why,
        "could": [person.id for person in nobody.could],
    }


def _not_asked(request: Request) -> str:
    what = "A question" if request.kind is RequestKind.INPUT else in_words(request.tool)
    message = "" if request.result is None else request.result.message
    return f"**Not asked:** {what} ({request.id}). {message}"
