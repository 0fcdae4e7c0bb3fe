"""`/rest/servicedeskapi`: the approvals of service requests, answered as the caller.

Source: https://developer.atlassian.com/cloud/jira/service-desk/rest/api-group-request/
(read 2026-11-25).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from aiohttp import web

from countersign.sandbox.jira import approvals, moves
from countersign.sandbox.jira.call import Call, Routes
from countersign.sandbox.jira.catalog import PROJECTS
from countersign.sandbox.jira.clock import service_date
from countersign.sandbox.jira.model import Approval, Issue
from countersign.sandbox.jira.refusals import JiraError, ServiceDeskError

_EXPERIMENTAL = (
    "This API is experimental. Experimental APIs are not guaranteed to be stable within the "
    "preview period. You must set the header 'X-ExperimentalApi: opt-in' to opt into using this "
    "API."
)


def _request(call: Call) -> Issue:
    """The service request in the path. Raises ServiceDeskError 404, on Data Center also 412."""
    if not call.site.cloud and call.request.headers.get("X-ExperimentalApi") != "opt-in":
        # https://confluence.atlassian.com/jirakb/jira-service-management-how-to-how-to-fix-common-
        # errors-when-using-the-rest-api-end-points-related-to-approvals-1456180538.html
        # (read 2026-11-25).
        raise ServiceDeskError(412, "sd.api.experimental", _EXPERIMENTAL)
    missing = ServiceDeskError(
        404, "sd.request.error.not.found", "The request does not exist or you cannot view it."
    )
    try:
        issue = call.issue()
    except JiraError as error:
        raise missing from error
    if PROJECTS[issue.project].type_key != "service_desk":
        raise missing
    return issue


def _shown(call: Call, issue: Issue, approval: Approval) -> dict[str, Any]:
    zone = call.actor.time_zone
    shown: dict[str, Any] = {
        "id": str(approval.id),
        "name": approval.name,
        "finalDecision": approval.final,
        "canAnswerApproval": approvals.may_answer(call.actor, approval),
        "approvers": [
            {"approver": _person(call, found.account_id), "approverDecision": found.answer}
            for found in approval.approvers
        ],
        "createdDate": service_date(approval.created_at, zone),
    }
    if approval.completed_at is not None:
        shown["completedDate"] = service_date(approval.completed_at, zone)
    shown["_links"] = {"self": f"{_address(call, issue)}/{approval.id}"}
    return shown


def _address(call: Call, issue: Issue) -> str:
    return f"{call.view.base_url}/rest/servicedeskapi/request/{issue.id}/approval"


def _person(call: Call, account_id: str) -> dict[str, Any]:
    person = call.view.user(account_id) or {}
    named = ("accountId", "name", "key", "emailAddress", "displayName", "active", "timeZone")
    links = {
        "jiraRest": person.get("self"),
        "avatarUrls": person.get("avatarUrls"),
        "self": f"{call.view.base_url}/rest/api/2/user?accountId={quote(account_id)}",
    }
    return {**{key: person[key] for key in named if key in person}, "_links": links}


async def listing(call: Call) -> Any:
    """`GET /request/{issue}/approval`: a page of them, the newest first."""
    issue = _request(call)
    start, limit = call.number("start", 0, most=10**9), call.number("limit", 50, most=100)
    ordered = issue.approvals[::-1]
    page = ordered[start : start + limit]
    return {
        "_expands": [],
        "size": len(page),
        "start": start,
        "limit": limit,
        "isLastPage": start + limit >= len(ordered),
        "_links": {
            "self": _address(call, issue),
            "base": call.view.base_url,
            "context": "",
        },
        "values": [_shown(call, issue, approval) for approval in page],
    }


async def one(call: Call) -> Any:
    """`GET /request/{issue}/approval/{approval}`."""
    issue = _request(call)
    return _shown(call, issue, approvals.find(issue, call.part("approval")))


async def answer(call: Call) -> Any:
    """`POST /request/{issue}/approval/{approval}`: `{"decision": "approve" | "decline"}`."""
    issue = _request(call)
    body = await call.body()
    decision = body.get("decision") if isinstance(body, dict) else None
    issue, approval = moves.answer_approval(
        call.site, call.actor, issue, call.part("approval"), decision
    )
    return _shown(call, issue, approval)


async def request(call: Call) -> web.Response:
    """`GET /request/{issue}`: what it is and where it stands."""
    issue = _request(call)
    status = call.view.status(issue.status)
    shown = {
        "issueId": str(issue.id),
        "issueKey": issue.key,
        "serviceDeskId": "1",
        "requestTypeId": "11",
        "createdDate": service_date(issue.created_at, call.actor.time_zone),
        "reporter": _person(call, issue.fields["reporter"]),
        "currentStatus": {
            "status": status["name"],
            "statusCategory": status["statusCategory"]["key"].upper(),
            "statusDate": service_date(issue.updated_at, call.actor.time_zone),
        },
        "_links": {"web": f"{call.view.base_url}/browse/{issue.key}"},
    }
    return web.json_response(shown)


def add_routes(routes: Routes) -> None:
    """The paths of this file."""
    base = "/rest/servicedeskapi/request/{issue}"
    routes.add_at("GET", base, request)
    routes.add_at("GET", f"{base}/approval", listing)
    routes.add_at("GET", base + "/approval/{approval}", one)
    routes.add_at("POST", base + "/approval/{approval}", answer)
