"""Approvals of service requests: when they begin, who may answer, and what an answer moves."""

from __future__ import annotations

from countersign.sandbox.jira.catalog import APPROVERS, PROJECTS, WAITING
from countersign.sandbox.jira.model import Approval, Approver, Issue
from countersign.sandbox.jira.people import Account
from countersign.sandbox.jira.refusals import ServiceDeskError
from countersign.sandbox.jira.site import Site

NAME = "Waiting for approval"
DECISIONS = {"approve": "approved", "decline": "declined"}


def _listed(issue: Issue) -> tuple[Approver, ...]:
    return tuple(Approver(account_id=found) for found in issue.fields.get(APPROVERS) or ())


def begin_approval(site: Site, issue: Issue) -> Issue:
    """`issue` with a pending approval if it just came to the status that has the approval step.

    Source: https://support.atlassian.com/jira-service-management-cloud/docs/
    set-up-approval-steps/ (read 2026-11-25): the approvers come from a user picker field.
    """
    if PROJECTS[issue.project].type_key != "service_desk" or issue.status != WAITING:
        return issue
    approval = Approval(
        id=site.store.next("approval", 1),
        name=NAME,
        approvers=_listed(issue),
        created_at=site.clock.stamp(),
    )
    return issue.model_copy(update={"approvals": (*issue.approvals, approval)})


def approvers_changed(issue: Issue) -> Issue:
    """`issue` with its pending approval following the Approvers field; answers given stay."""
    pending = issue.pending_approval
    if pending is None:
        return issue
    answered = {found.account_id: found for found in pending.approvers if found.answer != "pending"}
    approvers = tuple(answered.get(found.account_id, found) for found in _listed(issue))
    return _with(issue, pending.model_copy(update={"approvers": approvers}))


def may_answer(actor: Account, approval: Approval) -> bool:
    """`canAnswerApproval`: the caller is an approver who did not answer a pending approval."""
    return approval.final == "pending" and any(
        found.account_id == actor.account_id and found.answer == "pending"
        for found in approval.approvers
    )


def with_answer(
    site: Site, actor: Account, issue: Issue, approval_id: str, decision: object
) -> tuple[Issue, Approval]:
    """The answer of `actor` written down; the status is not moved yet.

    Status codes: https://developer.atlassian.com/cloud/jira/service-desk/rest/
    api-group-request/#api-rest-servicedeskapi-request-issueidorkey-approval-approvalid-post
    (read 2026-11-25). Raises ServiceDeskError 400, 403, 404 or 409.
    """
    approval = find(issue, approval_id)
    if not isinstance(decision, str) or decision not in DECISIONS:
        raise ServiceDeskError(
            400, "sd.approval.error.invalid.decision", "The decision must be approve or decline."
        )
    own = next((a for a in approval.approvers if a.account_id == actor.account_id), None)
    if own is None:
        raise ServiceDeskError(
            403,
            "sd.approval.error.not.approver",
            "You do not have permission to answer this approval: you are not one of its approvers.",
        )
    if not may_answer(actor, approval):
        raise ServiceDeskError(
            409, "sd.approval.error.already.answered", "This approval was answered already."
        )
    answer = DECISIONS[decision]
    approvers = tuple(
        found.model_copy(update={"answer": answer}) if found is own else found
        for found in approval.approvers
    )
    approval = approval.model_copy(update={"approvers": approvers})
    if answer == "declined" or _count_approved(approval) >= site.approvals_needed:
        approval = approval.model_copy(update={"final": answer, "completed_at": site.clock.stamp()})
    return _with(issue, approval), approval


def _count_approved(approval: Approval) -> int:
    return sum(found.answer == "approved" for found in approval.approvers)


def find(issue: Issue, approval_id: str) -> Approval:
    """One approval. Raises ServiceDeskError 404."""
    for approval in issue.approvals:
        if str(approval.id) == approval_id:
            return approval
    raise ServiceDeskError(404, "sd.approval.error.not.found", "The approval does not exist.")


def _with(issue: Issue, approval: Approval) -> Issue:
    changed = tuple(approval if found.id == approval.id else found for found in issue.approvals)
    return issue.model_copy(update={"approvals": changed})
