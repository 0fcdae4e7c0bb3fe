"""Moving an issue along its workflow, by hand or by answering an approval."""

from __future__ import annotations

from typing import Any

from countersign.sandbox.jira import issues
from countersign.sandbox.jira.approvals import begin_approval, with_answer
from countersign.sandbox.jira.catalog import (
    PROJECTS,
    STATUSES,
    Transition,
    approval_target,
)
from countersign.sandbox.jira.fields import change_of
from countersign.sandbox.jira.inputs import EDITABLE, body_of, read
from countersign.sandbox.jira.model import Approval, Change, Issue
from countersign.sandbox.jira.people import Account
from countersign.sandbox.jira.refusals import JiraError
from countersign.sandbox.jira.site import Event, Site

RESOLUTION = ("10000", "Done")


def available(site: Site, actor: Account, issue: Issue) -> list[Transition]:
    """The transitions that `actor` is offered now."""
    return [
        step
        for step in PROJECTS[issue.project].transitions
        if (issue.status in step.sources if step.sources is not None else issue.status != step.to)
        and site.access.may_transition(actor, issue.project, step.id)
    ]


def transition(site: Site, actor: Account, issue: Issue, body: Any, *, version: int = 2) -> Issue:
    """Perform the transition that is named by id, with its fields and comment. Raises JiraError."""
    body = body_of(body, "transition", "fields", "update", "historyMetadata", "properties")
    named = body.get("transition")
    number = named.get("id") if isinstance(named, dict) else None
    if number is None:
        raise JiraError(400, "Missing 'transition' identifier")
    if isinstance(number, bool) or not str(number).isdecimal():
        raise JiraError(400, "'transition' identifier must be an integer")
    step = next((s for s in available(site, actor, issue) if s.id == str(number)), None)
    if step is None:
        raise JiraError(
            400,
            "It seems that you have tried to perform a workflow operation "
            f"({number}) that is not valid for the current state of this issue.",
        )
    wanted = read(body, site.forms(version), issue.fields, EDITABLE)
    wanted.check()
    if wanted.comments:
        site.access.require(actor, issue.project, "ADD_COMMENTS", "comment on this issue")
    issue = _move(site, actor, issue, step.to, wanted.values, step.server_event)
    for text in wanted.comments:
        issue, _ = issues.comment(site, actor, issue, text)
    return issue


def answer_approval(
    site: Site, actor: Account, issue: Issue, approval_id: str, decision: object
) -> tuple[Issue, Approval]:
    """Answer as `actor`; the last answer that is needed moves the status. Raises JiraError."""
    with site.store.transaction():
        issue, approval = with_answer(site, actor, issue, approval_id, decision)
        site.save(issue)
    if approval.final != "pending":
        issue = _move(site, actor, issue, approval_target(approval.final), {}, "issue_generic")
    return issue, approval


def _move(
    site: Site, actor: Account, issue: Issue, to: str, values: dict[str, Any], server_event: str
) -> Issue:
    changes = [
        change_of(name, issue.fields.get(name), value, site.directory)
        for name, value in values.items()
        if issue.fields.get(name) != value
    ]
    changes += _resolution(issue.status, to)
    changes.append(_status(issue.status, to))
    with site.store.transaction():
        history = site.history(actor, changes)
        done = STATUSES[to].category == "done"
        issue = issue.model_copy(
            update={
                "status": to,
                "fields": {k: v for k, v in {**issue.fields, **values}.items() if v is not None},
                "histories": (*issue.histories, history),
                "updated_at": history.at,
                "resolved_at": history.at if done else None,
            }
        )
        issue = site.save(begin_approval(site, issue))
    kind = "issue_generic" if site.cloud else server_event
    site.emit(Event("jira:issue_updated", issue, actor, history.at, kind=kind, history=history))
    return issue


def _status(before: str, after: str) -> Change:
    return Change(
        field_id="status",
        field="status",
        before=before,
        before_text=STATUSES[before].name,
        after=after,
        after_text=STATUSES[after].name,
    )


def _resolution(before: str, after: str) -> list[Change]:
    """The resolution follows the category, and stands before the status in the changelog."""
    was, will_be = (STATUSES[status].category == "done" for status in (before, after))
    if was == will_be:
        return []
    number, name = RESOLUTION
    change = Change(field_id="resolution", field="resolution")
    update = (
        {"after": number, "after_text": name}
        if will_be
        else {"before": number, "before_text": name}
    )
    return [change.model_copy(update=update)]
