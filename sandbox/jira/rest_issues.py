"""`/issue`: create, read, edit, move, comment, and what is attached to an issue."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from countersign.sandbox.jira import issues, moves, shapes
from countersign.sandbox.jira.call import Call, Routes
from countersign.sandbox.jira.inputs import body_of
from countersign.sandbox.jira.refusals import FieldError, JiraError


async def create(call: Call) -> web.Response:
    """`POST /issue`."""
    made = issues.create(call.site, call.actor, await call.body(), version=call.version)
    head = call.view.issue_head(made)
    return web.json_response({k: head[k] for k in ("id", "key", "self")}, status=201)


async def read(call: Call) -> Any:
    """`GET /issue/{issue}`: what is stored, at once."""
    return shapes.issue(
        call.view,
        call.actor,
        call.issue(),
        fields=call.names("fields") or ["*all"],
        expand=call.names("expand"),
        properties=call.names("properties"),
    )


async def edit(call: Call) -> web.Response:
    """`PUT /issue/{issue}`: 204, or 200 with the issue for `returnIssue=true`."""
    found = call.issue()
    found = issues.edit(call.site, call.actor, found, await call.body(), version=call.version)
    if call.query("returnIssue") == "true":
        return web.json_response(shapes.issue(call.view, call.actor, found, fields=["*all"]))
    return web.Response(status=204)


async def delete(call: Call) -> web.Response:
    """`DELETE /issue/{issue}`."""
    issues.delete(call.site, call.actor, call.issue())
    return web.Response(status=204)


async def assign(call: Call) -> web.Response:
    """`PUT /issue/{issue}/assignee`: `{"accountId"}` (Data Center `{"name"}`), null for nobody."""
    found = call.issue()
    call.site.access.require(
        call.actor, found.project, "ASSIGN_ISSUES", "assign issues in this project"
    )
    body = body_of(await call.body(), "accountId", "name")
    named = body.get("accountId" if call.site.cloud else "name")
    account = call.site.forms().account(body)
    if named is not None and account is None:
        raise JiraError(400, errors={"assignee": f"User '{named}' does not exist."})
    value = account.account_id if account else None
    issues.apply_values(call.site, call.actor, found, {"assignee": value})
    return web.Response(status=204)


async def changelog(call: Call) -> Any:
    """`GET /issue/{issue}/changelog`: a page, the oldest first. Cloud only."""
    found = call.issue()
    start = call.number("startAt", 0, most=10**9)
    size = call.number("maxResults", shapes.CHANGELOG_PAGE, most=shapes.CHANGELOG_PAGE)
    page = found.histories[start : start + size]
    return {
        "self": f"{call.view.rest}/issue/{found.key}/changelog?maxResults={size}&startAt={start}",
        "maxResults": size,
        "startAt": start,
        "total": len(found.histories),
        "isLast": start + size >= len(found.histories),
        "values": [call.view.history(entry) for entry in page],
    }


async def transitions(call: Call) -> Any:
    """`GET /issue/{issue}/transitions`: those that the caller may perform now."""
    steps = moves.available(call.site, call.actor, call.issue())
    wanted = call.query("transitionId")
    return {
        "expand": "transitions",
        "transitions": [
            call.view.transition(step) for step in steps if not wanted or step.id == wanted
        ],
    }


async def transition(call: Call) -> web.Response:
    """`POST /issue/{issue}/transitions`."""
    moves.transition(call.site, call.actor, call.issue(), await call.body(), version=call.version)
    return web.Response(status=204)


async def comments(call: Call) -> Any:
    """`GET /issue/{issue}/comment`: a page, the oldest first unless `orderBy=-created`."""
    found = call.issue()
    ordered = list(found.comments)
    if call.query("orderBy") == "-created":
        ordered.reverse()
    start = call.number("startAt", 0, most=10**9)
    size = call.number("maxResults", 100, most=100)
    return {
        "startAt": start,
        "maxResults": size,
        "total": len(ordered),
        "comments": [call.view.comment(found, entry) for entry in ordered[start : start + size]],
    }


async def comment(call: Call) -> web.Response:
    """`POST /issue/{issue}/comment`."""
    found = call.issue()
    body = body_of(await call.body(), "body", "visibility", "properties")
    try:
        text = call.site.forms(call.version).parse_text(body.get("body"))
    except FieldError as error:
        raise JiraError(400, errors={"comment": str(error)}) from error
    found, made = issues.comment(call.site, call.actor, found, text)
    return web.json_response(call.view.comment(found, made), status=201)


async def properties(call: Call) -> Any:
    """`GET /issue/{issue}/properties`."""
    found = call.issue()
    address = f"{call.view.rest}/issue/{found.key}/properties"
    return {"keys": [{"self": f"{address}/{key}", "key": key} for key in found.properties]}


async def property_of(call: Call) -> Any:
    """`GET /issue/{issue}/properties/{property}`."""
    found, key = call.issue(), call.part("property")
    if key not in found.properties:
        raise JiraError(404, f"The property with key '{key}' does not exist.")
    return {"key": key, "value": found.properties[key]}


async def set_property(call: Call) -> web.Response:
    """`PUT /issue/{issue}/properties/{property}`: 201 if it is new, else 200."""
    found = call.issue()
    new = issues.set_property(
        call.site, call.actor, found, call.part("property"), await call.body()
    )
    return web.Response(status=201 if new else 200)


def add_routes(routes: Routes) -> None:
    """Every path below `/issue`."""
    one = "/issue/{issue}"
    routes.add("POST", "/issue", create)
    routes.add("GET", one, read)
    routes.add("PUT", one, edit)
    routes.add("DELETE", one, delete)
    routes.add("PUT", f"{one}/assignee", assign)
    routes.add("GET", f"{one}/transitions", transitions)
    routes.add("POST", f"{one}/transitions", transition)
    routes.add("GET", f"{one}/comment", comments)
    routes.add("POST", f"{one}/comment", comment)
    routes.add("GET", f"{one}/properties", properties)
    routes.add("GET", one + "/properties/{property}", property_of)
    routes.add("PUT", one + "/properties/{property}", set_property)
