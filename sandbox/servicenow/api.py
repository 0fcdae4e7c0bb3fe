"""The Table API over HTTP: `/api/now[/v1|/v2]/table/{table}[/{sys_id}]`, and `/oauth_token.do`.

Source: ServiceNow docs, "Table API" and "Inbound REST API rate limiting" (Australia release, read
2026-11-25). Boolean parameters count only as documented: lower-case `true` and `false`.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from countersign.sandbox.servicenow.errors import RestError, error_body
from countersign.sandbox.servicenow.instance import Instance
from countersign.sandbox.servicenow.people import User
from countersign.sandbox.servicenow.rate_limit import RateLimit
from countersign.sandbox.servicenow.render import Display, Renderer
from countersign.sandbox.servicenow.tokens import GrantError, Tokens

DEFAULT_LIMIT = 10_000
_PREFIXES = ("/api/now", "/api/now/v1", "/api/now/v2")


UserHandler = Callable[[web.Request, User], Awaitable[web.Response]]


class TableApi:
    """The handlers. Who calls is found out first, then whether he called too often."""

    def __init__(self, instance: Instance, tokens: Tokens) -> None:
        self._instance, self._tokens = instance, tokens
        self._rate_limit = RateLimit(instance.options)

    def routes(self) -> list[web.RouteDef]:
        """Everything below `/api`, and the token endpoint."""
        routes = [web.post("/oauth_token.do", self._token)]
        for prefix in _PREFIXES:
            many, one = prefix + "/table/{table}", prefix + "/table/{table}/{sys_id}"
            routes += [
                web.get(many, self._for_caller(self._list)),
                web.post(many, self._for_caller(self._create)),
                web.get(one, self._for_caller(self._read)),
                web.put(one, self._for_caller(self._update)),
                web.patch(one, self._for_caller(self._update)),
                web.delete(one, self._for_caller(self._delete)),
            ]
        return [*routes, web.route("*", "/api/{tail:.*}", self._for_caller(self._nothing))]

    def _for_caller(self, handler: UserHandler) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            headers: dict[str, str] = {}
            try:
                user = self._tokens.caller(request.headers)
                headers = self._rate_limit.count(user)
                response = await handler(request, user)
            except RestError as error:
                response = answer(error)
            response.headers.update(headers)
            return response

        return handle

    async def _list(self, request: web.Request, user: User) -> web.Response:
        table, query = request.match_info["table"], request.query
        rows = self._instance.select(user, table, _encoded_query(query))
        limit = _whole_number(query, "sysparm_limit", DEFAULT_LIMIT)
        offset = _whole_number(query, "sysparm_offset", 0)
        shown = rows[offset : offset + limit]
        renderer = self._renderer(request, user)
        headers = {} if query.get("sysparm_no_count") == "true" else _count(len(rows))
        if query.get("sysparm_suppress_pagination_header") != "true":
            headers |= _links(request, len(rows), limit, offset)
        return web.json_response(
            {"result": [renderer.row(table, row) for row in shown]}, headers=headers
        )

    async def _read(self, request: web.Request, user: User) -> web.Response:
        table = request.match_info["table"]
        _, row = self._instance.read(user, table, request.match_info["sys_id"])
        return web.json_response({"result": self._renderer(request, user).row(table, row)})

    async def _create(self, request: web.Request, user: User) -> web.Response:
        table = request.match_info["table"]
        row = self._instance.insert(user, table, await _values(request))
        location = f"{request.url.origin()}{request.path}/{row['sys_id']}"
        return web.json_response(
            {"result": self._renderer(request, user).row(table, row)},
            status=201,
            headers={"Location": location},
        )

    async def _update(self, request: web.Request, user: User) -> web.Response:
        table, sys_id = request.match_info["table"], request.match_info["sys_id"]
        values = await _values(request)
        _, row = self._instance.update(user, table, sys_id, values)
        return web.json_response({"result": self._renderer(request, user).row(table, row)})

    async def _delete(self, request: web.Request, user: User) -> web.Response:
        self._instance.delete(user, request.match_info["table"], request.match_info["sys_id"])
        return web.Response(status=204)

    async def _nothing(self, _: web.Request, user: User) -> web.Response:
        raise RestError(400, "Requested URI does not represent any resource")

    async def _token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        try:
            return web.json_response(self._tokens.issue(form))
        except GrantError as error:
            return web.json_response(
                {"error_description": error.description, "error": error.error},
                status=error.status,
            )

    def _renderer(self, request: web.Request, user: User) -> Renderer:
        query = request.query
        wanted: dict[str, Display] = {"true": "true", "all": "all"}
        return Renderer(
            self._instance.store,
            user,
            f"{request.url.origin()}/api/now/table/",
            display=wanted.get(query.get("sysparm_display_value", ""), "false"),
            exclude_link=query.get("sysparm_exclude_reference_link") == "true",
            fields=[name for name in query.get("sysparm_fields", "").split(",") if name],
        )


async def _values(request: web.Request) -> dict[str, str]:
    """The fields of the body, all as text. Raises RestError 400 or 415."""
    if request.content_type != "application/json":
        raise RestError(415, "Unsupported media type", f"Content type: {request.content_type}")
    try:
        body = json.loads(await request.read())
    except ValueError as error:
        raise RestError(400, "Exception while reading request", "Cannot decode JSON") from error
    if isinstance(body, list) and body:
        # "Multiple records are not supported ... only the first record gets worked on": KB0534905.
        body = body[0]
    if not isinstance(body, dict):
        raise RestError(400, "Exception while reading request", "Expected a JSON object")
    return {str(name): as_text(value) for name, value in body.items()}


def as_text(value: Any) -> str:
    """A JSON value as the database keeps it."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case str():
            return value
        case _:
            return json.dumps(value)


def _encoded_query(query: Mapping[str, str]) -> str:
    """`sysparm_query` and the fields that were given as parameters of their own."""
    named = [f"{name}={text}" for name, text in query.items() if not name.startswith("sysparm_")]
    return "^".join(part for part in (*named, query.get("sysparm_query", "")) if part)


def _whole_number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name) or str(default)
    if not text.isdecimal():
        raise RestError(400, "Invalid request", f"{name} must be a whole number")
    return int(text)


def _count(total: int) -> dict[str, str]:
    return {"X-Total-Count": str(total)}


def _links(request: web.Request, total: int, limit: int, offset: int) -> dict[str, str]:
    """The `Link` header; on one page there is nowhere to go."""
    if limit == 0 or total <= limit:
        return {}
    offsets = {"first": 0, "last": (total - 1) // limit * limit}
    if offset > 0:
        offsets["prev"] = max(0, offset - limit)
    if offset + limit < total:
        offsets["next"] = offset + limit
    pages = [
        f'<{request.url.update_query(sysparm_limit=limit, sysparm_offset=start)}>;rel="{name}"'
        for name, start in offsets.items()
    ]
    return {"Link": ",".join(pages)}


def answer(error: RestError) -> web.Response:
    """The refusal as an answer."""
    return web.json_response(
        error_body(error.message, error.detail), status=error.status, headers=error.headers
    )
