"""What a client asks before it works: who am I, what may I do, which ids are there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from countersign.sandbox.jira.access import PERMISSIONS
from countersign.sandbox.jira.auth import NotAuthenticatedError, caller
from countersign.sandbox.jira.call import GATEWAY, Call, Routes
from countersign.sandbox.jira.catalog import (
    FIELDS,
    PRIORITIES,
    PROJECTS,
    STATUSES,
    Field,
    Project,
    project_of,
)
from countersign.sandbox.jira.clock import jira_time
from countersign.sandbox.jira.refusals import JiraError
from countersign.sandbox.jira.render import View
from countersign.sandbox.jira.rest_users import group_members, user, users
from countersign.sandbox.jira.site import Site

_SCHEMAS: dict[str, dict[str, Any]] = {
    "line": {"type": "string"},
    "text": {"type": "string"},
    "labels": {"type": "array", "items": "string"},
    "user": {"type": "user"},
    "users": {"type": "array", "items": "user"},
    "date": {"type": "date"},
    "priority": {"type": "priority"},
    "option": {"type": "option"},
    "project": {"type": "project"},
    "type": {"type": "issuetype"},
}
_CUSTOM_TYPES = {
    "line": "textfield",
    "text": "textarea",
    "user": "userpicker",
    "users": "multiuserpicker",
    "option": "select",
}
_READ_ONLY = {"status": "Status", "created": "Created", "updated": "Updated", "comment": "Comment"}


def server_info(site: Site, base_url: str) -> dict[str, Any]:
    """`/serverInfo`, which anyone may read."""
    cloud = site.cloud
    return {
        "baseUrl": base_url,
        "version": "1001.0.0-SNAPSHOT" if cloud else "9.12.15",
        "versionNumbers": [1001, 0, 0] if cloud else [9, 12, 15],
        "deploymentType": site.deployment,
        "buildNumber": 100290 if cloud else 9120015,
        "serverTime": jira_time(site.clock.now()),
        "serverTitle": "Jira (stand-in)",
    }


async def myself(call: Call) -> Any:
    """`GET /myself`."""
    return call.view.user(call.actor.account_id)


async def my_permissions(call: Call) -> Any:
    """`GET /mypermissions`: on Cloud only the permissions that are asked for.

    Source: https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-permissions/
    (read 2026-11-25).
    """
    asked = call.names("permissions")
    if call.site.cloud and not asked:
        raise JiraError(400, "The 'permissions' query parameter is required.")
    for key in asked:
        if key not in PERMISSIONS:
            raise JiraError(400, f"Unrecognized permission: {key}")
    named = call.query("projectKey") or call.query("projectId")
    if issue := call.query("issueKey") or call.query("issueId"):
        named = call.site.find(call.actor, issue).project
    keys = [_project(call, named).key] if named else list(PROJECTS)
    return {
        "permissions": {
            key: {
                "id": str(index),
                "key": key,
                "name": name,
                "type": "GLOBAL" if key == "ADMINISTER" else "PROJECT",
                "description": "",
                "havePermission": any(call.site.access.may(call.actor, p, key) for p in keys),
            }
            for index, (key, name) in enumerate(PERMISSIONS.items(), 10)
            if not asked or key in asked
        }
    }


def _schema(field: Field) -> dict[str, Any]:
    schema = dict(_SCHEMAS[field.kind])
    if not field.custom:
        return {**schema, "system": field.id}
    kind = f"com.atlassian.jira.plugin.system.customfieldtypes:{_CUSTOM_TYPES[field.kind]}"
    return {**schema, "custom": kind, "customId": int(field.id.removeprefix("customfield_"))}


async def fields(_: Call) -> Any:
    """`GET /field`."""
    return [
        {
            "id": field.id,
            "key": field.id,
            "name": field.name,
            "custom": field.custom,
            "orderable": True,
            "navigable": True,
            "searchable": True,
            "clauseNames": [f"cf[{field.id[12:]}]", field.name] if field.custom else [field.id],
            "schema": _schema(field),
        }
        for field in FIELDS.values()
    ] + [
        {"id": name, "key": name, "name": title, "custom": False, "clauseNames": [name]}
        for name, title in _READ_ONLY.items()
    ]


def _project(call: Call, named: str) -> Project:
    project = project_of(named)
    if project is None or not call.site.access.may(call.actor, project.key, "BROWSE_PROJECTS"):
        raise JiraError(404, f"No project could be found with key '{named}'.")
    return project


async def project(call: Call) -> Any:
    """`GET /project/{project}`."""
    found = _project(call, call.part("project"))
    return {
        **call.view.project(found),
        "issueTypes": [call.view.issue_type(found)],
        "lead": call.view.user("712020:alex"),
    }


async def project_statuses(call: Call) -> Any:
    """`GET /project/{project}/statuses`: per issue type."""
    found = _project(call, call.part("project"))
    statuses = [call.view.status(status.id) for status in found.statuses]
    return [{**call.view.issue_type(found), "statuses": statuses}]


def _page(call: Call, cloud_name: str, values: list[Any]) -> dict[str, Any]:
    """A page of createmeta, whose list has another name on Data Center."""
    start, size = call.number("startAt", 0, most=10**9), call.number("maxResults", 50, most=200)
    counts = {"maxResults": size, "startAt": start, "total": len(values)}
    shown = values[start : start + size]
    if call.site.cloud:
        return {**counts, cloud_name: shown}
    return {**counts, "isLast": start + size >= len(values), "values": shown}


def _creatable(call: Call) -> Project:
    found = _project(call, call.part("project"))
    call.site.access.require(
        call.actor, found.key, "CREATE_ISSUES", "create issues in this project"
    )
    return found


async def create_types(call: Call) -> Any:
    """`GET /issue/createmeta/{project}/issuetypes`."""
    return _page(call, "issueTypes", [call.view.issue_type(_creatable(call))])


async def create_fields(call: Call) -> Any:
    """`GET /issue/createmeta/{project}/issuetypes/{type}`."""
    found = _creatable(call)
    if call.part("type") != found.issue_type[0]:
        raise JiraError(404, "The issue type does not exist.")
    return _page(call, "fields", [_create_field(call.view, found, f) for f in FIELDS.values()])


def _create_field(view: View, project: Project, field: Field) -> dict[str, Any]:
    allowed: dict[str, list[Any]] = {
        "project": [view.project(project)],
        "type": [view.issue_type(project)],
        "priority": [view.priority(number) for number in PRIORITIES],
        "option": [{"value": value} for value in field.options],
    }
    several = field.kind in ("labels", "users")
    return {
        "required": field.required or field.id in view.site.required_fields,
        "schema": _schema(field),
        "name": field.name,
        "key": field.id,
        "fieldId": field.id,
        "hasDefaultValue": field.kind == "priority",
        "operations": ["add", "set", "remove"] if several else ["set"],
        **({"allowedValues": allowed[field.kind]} if field.kind in allowed else {}),
    }


async def statuses(call: Call) -> Any:
    """`GET /status`."""
    return [call.view.status(status_id) for status_id in STATUSES]


async def status(call: Call) -> Any:
    """`GET /status/{status}`, by id or name."""
    for found in STATUSES.values():
        if call.part("status") in (found.id, found.name):
            return call.view.status(found.id)
    raise JiraError(404, f"The status with id '{call.part('status')}' does not exist")


async def priorities(call: Call) -> Any:
    """`GET /priority`."""
    return [call.view.priority(number) for number in PRIORITIES]


def add_routes(routes: Routes) -> None:
    """Every path of this file but `/serverInfo`, which needs no caller."""
    routes.add("GET", "/myself", myself)
    routes.add("GET", "/mypermissions", my_permissions)
    routes.add("GET", "/field", fields)
    routes.add("GET", "/project/{project}", project)
    routes.add("GET", "/project/{project}/statuses", project_statuses)
    routes.add("GET", "/issue/createmeta/{project}/issuetypes", create_types)
    routes.add("GET", "/issue/createmeta/{project}/issuetypes/{type}", create_fields)
    routes.add("GET", "/status", statuses)
    routes.add("GET", "/status/{status}", status)
    routes.add("GET", "/priority", priorities)
    routes.add("GET", "/user", user)
    routes.add("GET", "/user/search", users)
    routes.add("GET", "/user/assignable/search", users)
    routes.add("GET", "/group/member", group_members)


def server_info_routes(site: Site, base_url: Callable[[], str]) -> list[web.RouteDef]:
    """`/serverInfo` with or without credentials; wrong ones are refused even here."""

    def route(prefix: str, version: int) -> web.RouteDef:
        async def handle(request: web.Request) -> web.Response:
            try:
                caller(site, request, gateway=bool(prefix))
            except NotAuthenticatedError as error:
                return error.response
            return web.json_response(server_info(site, base_url() + prefix))

        return web.get(f"{prefix}/rest/api/{version}/serverInfo", handle)

    if not site.cloud:
        return [route("", 2)]
    return [route(prefix, version) for prefix in ("", GATEWAY) for version in (2, 3)]
