"""Edits: the revision of a request that somebody asks for with other arguments. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from countersign.approvals.decisions.vote_input import VoteInput
from countersign.approvals.errors import DeniedByPolicyError, InvalidError
from countersign.approvals.models import (
    Actor,
    ChangedBy,
    Effect,
    JsonObject,
    PrincipalId,
    Request,
    Ruling,
)
from countersign.approvals.models.plans import PLAN_TOOL
from countersign.approvals.rules.budgets.judging import asking, in_entry
from countersign.approvals.rules.conditions.calendars import Calendars
from countersign.approvals.rules.conditions.facts import Situation
from countersign.approvals.rules.plans import reason_against_edit
from countersign.approvals.rules.policy import Policy
from countersign.approvals.rules.proposals import call_digest, call_hash, call_of
from countersign.approvals.rules.segregation import editors_of, with_editors
from countersign.approvals.rules.timing import (
    carried,
    deadline,
    never_approved,
    of_timing,
    ruled_stages,
    timing,
)

LOOK_AGAIN = "The arguments were changed, and what its check and preview say of them with that."
"""Of an edit that does not count yet: whoever made it has not seen what it means."""
NOT_EDITABLE = (
    "{the} rule {rule} does not let its calls be changed. Approve it as it is, or reject it and "
    "say what to propose instead."
)


def revised(
    given: VoteInput,
    request: Request,
    policy: Policy,
    situation: Situation,
    now: datetime,
    rule: Callable[[Request], Ruling],
    editors: Sequence[PrincipalId],
    by: ChangedBy,
) -> Request:
    """The next revision, ruled on anew by `rule`, which knows what is used of the budgets; by
    `editors`: who makes it, and for whom; `by` tells others of it.

    Raises InvalidError; DeniedByPolicyError.
    """
    effective = given.effective
    if effective is None:
        raise InvalidError(
            f"What {request.tool} accepts is not known here, so its arguments cannot be "
            "changed. Approve or reject them as they are."
        )
    if not all(stage.edits for stage in request.stages):
        raise DeniedByPolicyError(NOT_EDITABLE.format(the="The", rule=request.rule_id))
    if request.tool == PLAN_TOOL:
        wider = reason_against_edit(request.arguments, effective.arguments)
        if wider is not None:
            raise InvalidError(wider)
    checked, first = given.checked, request.proposed_arguments
    changed = request.model_copy(
        update={
            "arguments": effective.arguments,
            "proposed_arguments": request.arguments if first is None else first,
            "changed_by": (*(c for c in request.changed_by if c.by != by.by), by),
            "revision": request.revision + 1,
            "schema_version": effective.schema_version,
            "defaulted": effective.defaulted,
            "injected": effective.injected,
            "facts": checked.facts,
            "preview": checked.preview,
            "call_hash": call_hash(request.tool, effective.arguments),
            "same_calls": (),
            "asked_again": "" if checked == request.checked else LOOK_AGAIN,
        }
    )
    everybody = (*dict.fromkeys([*editors_of(request.stages), *editors]),)
    marked = with_editors(request.stages, everybody, decide=True)
    ruling = rule(changed.model_copy(update={"stages": marked}))
    asks = ruling.effect is Effect.REQUIRE_APPROVAL
    if not asks and (ruling.effect is not Effect.ALLOW or not _asks(policy, request, situation)):
        raise DeniedByPolicyError(f"Policy does not let this be approved: {ruling.reason}")
    if not ruling.edits:
        raise DeniedByPolicyError(
            f"With these arguments, {NOT_EDITABLE.format(the='the', rule=ruling.rule_id)}"
        )
    return changed.model_copy(
        update={
            "policy_version": policy.version,
            "budgets": ruling.budgets,
            "digest": call_digest(call_of(changed, effective.arguments), policy.version),
            "stage": 0,
            **(_asked_by(ruling, request, policy.calendars, now) if asks else {}),
        }
    )


def _asks(policy: Policy, request: Request, situation: Situation) -> bool:
    """Whether people are asked of the call as it was before the edit."""
    before = policy.rule(call_of(request, request.arguments), situation)
    before = asking(before, request.budgets, policy.document.budgets)
    return before.effect is Effect.REQUIRE_APPROVAL


def _asked_by(ruling: Ruling, request: Request, calendars: Calendars, now: datetime) -> JsonObject:
    """Who is asked, and until when. What may run without people now is still decided by those who
    were asked before: an edit does not do away with them, nor with an escalation."""
    same = ruling.stages == ruled_stages(request)
    asked_at = request.created_at if request.timing is None else request.timing.asked_at
    expires_at = deadline(ruling, asked_at, calendars) or request.expires_at
    if same and request.timing is not None and request.timing.escalated:
        expires_at = request.expires_at
    fresh = timing(ruling, asked_at, expires_at, calendars)
    return {
        "risk": ruling.risk,
        "rule_id": ruling.rule_id,
        "reason": ruling.reason,
        "stages": request.stages if same else ruling.stages,
        "channels": ruling.channels,
        "show_first": ruling.show_first,
        "valid_for_s": ruling.valid_for_s,
        "expires_at": expires_at,
        **of_timing(never_approved(carried(request.timing if same else None, fresh, now))),
    }


def ruled(after: Request) -> JsonObject:
    """What the ledger is told of the rule that a new revision is asked by."""
    return {
        "rule": after.rule_id,
        "reason": after.reason,
        "stages": [stage.told() for stage in after.stages],
    }


def revision_entry(request: Request, after: Request, actor: Actor) -> tuple[str, JsonObject]:
    """What the ledger is told of it."""
    body: JsonObject = {
        "request": request.id,
        "revision": after.revision,
        "arguments": after.arguments,
        "digest": after.digest,
        "replaces": request.digest,
        "policy_version": after.policy_version,
        "facts": after.facts,
        **ruled(after),
        **in_entry(after.budgets),
        **({} if after.seen is None else {"seen": after.seen}),
        "by": None if actor.principal is None else actor.principal.id,
        "name": after.changed_by[-1].by_name,
        "via": actor.via,
    }
    return "revised", body
