"""The REST API, version 1.0, as far as approvals need it: `/api/1.0/...`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aiohttp import web

from countersign.sandbox.asana.hooks import Hooks
from countersign.sandbox.asana.people import BY_GID, BY_TOKEN, PROJECT, WORKSPACE, User
from countersign.sandbox.asana.records import FIELDS, RefusedError, record
from countersign.sandbox.asana.shapes import COMPACT, chosen, fields_of, page
from countersign.sandbox.asana.workspace import Workspace

PREFIX = "/api/1.0"
STORY = (
    *("gid", "resource_type", "resource_subtype", "type", "created_at", "created_by", "text"),
    *("is_edited", "target"),
)
"""What stories come with; the rest has to be asked for."""
BATCH = 10
EVENTS_MOST = 100
Answer = tuple[int, dict[str, Any]]


def problem(message: str) -> dict[str, Any]:
    """The body of a refusal."""
    return {"errors": [{"message": message, "help": "For more information, see the docs."}]}


class Api:
    """Routes over one workspace."""

    def __init__(self, workspace: Workspace, hooks: Hooks):
        self._space, self._hooks = workspace, hooks
        self.told = 0
        """Events that the stream shows; `lagging` keeps it where it is."""
        self.lagging = False
        self.archived = False
        """Whether the project is."""
        self.oldest = 0
        """Tokens before this have expired."""

    def routes(self) -> list[web.RouteDef]:
        """All of it."""
        return [web.route("*", PREFIX + "/{path:.*}", self._handle)]

    async def _handle(self, request: web.Request) -> web.Response:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        who = BY_TOKEN.get(given)
        if who is None:
            return web.json_response(problem("Not Authorized"), status=401)
        body: Any = {}
        if raw := await request.read():
            try:
                body = json.loads(raw)
            except ValueError:
                return web.json_response(problem("Could not parse request data"), status=400)
        path = "/" + request.match_info["path"]
        status, said = await self.call(who, request.method, path, dict(request.query), body)
        return web.json_response(said, status=status)

    async def call(
        self, who: User, method: str, path: str, query: Mapping[str, str], body: Any
    ) -> Answer:
        """One request, alone or in a batch."""
        data = body.get("data", {}) if isinstance(body, dict) else {}
        parts = path.strip("/").split("/")
        try:
            match method, parts:
                case "POST", ["batch"]:
                    return 200, {"data": await self._batch(who, data)}
                case "POST", ["webhooks"]:
                    return await self._subscribe(data)
                case _:
                    return self._answer(who, method, parts, query, data)
        except RefusedError as error:
            return error.status, problem(str(error))

    def _answer(
        self, who: User, method: str, parts: list[str], query: Mapping[str, str], data: Any
    ) -> Answer:
        space = self._space
        path = f"/{'/'.join(parts)}"
        match method, parts:
            case "GET", ["users", gid]:
                user = who if gid == "me" else BY_GID.get(gid)
                if user is None:
                    raise RefusedError(404, f"user: Not a recognized ID: {gid}")
                return 200, {"data": chosen(user.compact(), fields_of(query, COMPACT))}
            case "GET", ["projects", gid]:
                _require_project(gid)
                project = {**_project(), "archived": self.archived}
                return 200, {"data": chosen(project, fields_of(query, tuple(project)))}
            case "GET", ["projects", gid, "custom_field_settings"]:
                _require_project(gid)
                usual = ("gid", "custom_field")
                return 200, page(chosen(_settings(), fields_of(query, usual)), query, path)
            case "GET", ["events"]:
                _require_project(query.get("resource", ""))
                return self._events(query)
            case "GET", ["tasks"]:
                return 200, page(self._listed(query), query, path)
            case "GET", ["projects", gid, "tasks"]:
                return 200, page(self._listed({**query, "project": gid}), query, path)
            case "POST", ["tasks"]:
                task = space.create(who, data)
                return 201, {"data": chosen(record(task), fields_of(query, tuple(record(task))))}
            case "GET" | "PUT" | "DELETE", ["tasks", gid]:
                if method == "DELETE":
                    space.delete(who, gid)
                    return 200, {"data": {}}
                task = space.task(gid) if method == "GET" else space.update(who, gid, data)
                return 200, {"data": chosen(record(task), fields_of(query, tuple(record(task))))}
            case "GET", ["tasks", gid, "stories"]:
                rows = chosen(space.task(gid).stories, fields_of(query, STORY))
                return 200, page(rows, query, path)
            case "POST", ["tasks", gid, "stories"]:
                story = space.comment(who, gid, str(data.get("text", "")))
                return 201, {"data": chosen(story, fields_of(query, STORY))}
            case "POST", ["tasks", gid, "addFollowers"]:
                task = space.follow(who, gid, list(data.get("followers", ())))
                return 200, {"data": chosen(record(task), fields_of(query, COMPACT))}
            case "GET", ["webhooks"]:
                rows = [hook.record() for hook in self._hooks.all]
                return 200, page(rows, query, path)
            case _:
                raise RefusedError(404, f"No matching route for request: {method} {path}")

    def _listed(self, query: Mapping[str, str]) -> list[Any]:
        _require_project(query.get("project", ""))
        since = query.get("completed_since", "")
        instant = _moment(since)
        tasks = [
            task
            for task in self._space.tasks.values()
            if not since
            or not task.completed
            or (instant is not None and _moment_of(task.completed_at) >= instant)
        ]
        return [chosen(record(task), fields_of(query, COMPACT)) for task in tasks]

    def _events(self, query: Mapping[str, str]) -> Answer:
        if not self.lagging:
            self.told = len(self._space.events)
        token = query.get("sync", "")
        number = token.removeprefix("sync:")
        known = number.isdecimal() and self.oldest <= int(number) <= self.told
        if not known:
            message = "Sync token invalid or too old. If you are attempting to keep resources in "
            said = problem(f"{message}sync, you must fetch the full dataset for this query now")
            return 412, {**said, "sync": f"sync:{self.told}"}
        at = int(number)
        until = min(self.told, at + EVENTS_MOST)
        events = self._space.events[at:until]
        return 200, {"data": events, "sync": f"sync:{until}", "has_more": until < self.told}

    async def _batch(self, who: User, data: Any) -> list[Any]:
        actions = data.get("actions") if isinstance(data, dict) else None
        if not isinstance(actions, list) or not 1 <= len(actions) <= BATCH:
            raise RefusedError(400, f"actions: must be between 1 and {BATCH}")
        found = []
        for action in actions:
            options = action.get("options") or {}
            query = {name: str(options[name]) for name in ("limit", "offset") if name in options}
            query["opt_fields"] = ",".join(options.get("fields", ()))
            method, given = action["method"].upper(), action.get("data") or {}
            if action["relative_path"].startswith("/batch"):
                status, said = 400, problem("Nested batch requests are not allowed.")
            else:
                path = action["relative_path"]
                status, said = await self.call(who, method, path, query, {"data": given})
            found.append({"status_code": status, "headers": {}, "body": said})
        return found

    async def _subscribe(self, data: Any) -> Answer:
        _require_project(str(data.get("resource", "")))
        hook = await self._hooks.create(str(data.get("target", "")))
        return 201, {"data": hook.record(), "X-Hook-Secret": hook.secret}


def _require_project(gid: str) -> None:
    if gid != PROJECT:
        raise RefusedError(404, f"project: Unknown object: {gid}")


def _project() -> dict[str, Any]:
    workspace = {"gid": WORKSPACE, "resource_type": "workspace", "name": "Example"}
    return {
        "gid": PROJECT,
        "resource_type": "project",
        "name": "Approvals",
        "archived": False,
        "workspace": workspace,
    }


def _settings() -> list[dict[str, Any]]:
    return [
        {
            "gid": f"9{gid}",
            "resource_type": "custom_field_setting",
            "custom_field": {
                "gid": gid,
                "resource_type": "custom_field",
                "resource_subtype": "text",
                "name": name,
                "type": "text",
            },
        }
        for gid, name in FIELDS.items()
    ]


def _moment(text: str) -> float | None:
    """`now` is later than everything. Raises RefusedError for what is no time."""
    if not text or text == "now":
        return None
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError as exc:
        raise RefusedError(400, f"completed_since: Not a recognized date: {text}") from exc


def _moment_of(at: Any) -> float:
    return 0.0 if at is None else float(at.timestamp())
