"""The HTTP application: endpoints of systems, the REST API, and whether the server is well."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from importlib.metadata import version

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from countersign.bot.api import (
    delegations,
    eligible,
    grants,
    ledger,
    openapi,
    oversight,
    pauses,
    questions,
    recording,
    requests,
    retention,
    rollouts,
    sessions,
    together,
    workflows,
)
from countersign.bot.api.operation import SERVICES, Services
from countersign.bot.http.admission import Door
from countersign.bot.http.bodies import MAX_BODY_BYTES
from countersign.bot.http.problems import problem, problems
from countersign.bot.http.settings import LimitsSettings
from countersign.bot.inbox.app import Inbox
from countersign.bot.reading import page as reading
from countersign.bot.reading.page import ReadingPage
from countersign.connectors.addresses import LOOPBACK
from countersign.connectors.system import Route
from countersign.connectors.webhook.bodies import PATH as DECISIONS

OPERATIONS = (
    *workflows.OPERATIONS,
    *sessions.OPERATIONS,
    *requests.OPERATIONS,
    *eligible.OPERATIONS,
    *together.OPERATIONS,
    *recording.OPERATIONS,
    *rollouts.OPERATIONS,
    *questions.OPERATIONS,
    *ledger.OPERATIONS,
    *oversight.OPERATIONS,
    *retention.OPERATIONS,
    *pauses.OPERATIONS,
    *delegations.OPERATIONS,
    *grants.OPERATIONS,
)
PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked by machines, whether there is anybody or not."""
REQUEST_ID = "X-Request-Id"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Server": "Countersign",
    "X-Content-Type-Options": "nosniff",
}
_OF_PAGES = ("Cache-Control", "Content-Security-Policy", "Referrer-Policy")
"""What pages and their assets say themselves."""
_SUBJECTS = (
    ("request_id", "/api/v1/requests/{id}"),
    ("session_id", "/api/v1/sessions/{id}"),
)
MAX_ID = 64
"""Characters of an id in the log; ours are shorter, and a path may name anything."""

Checks = Callable[[], Awaitable[dict[str, str]]]


@dataclass(frozen=True)
class Parts:
    """What `bot.wiring` composes and the application serves."""

    services: Services
    routes: Sequence[Route]
    """Where systems call us with people's answers."""
    webhooks: Handler
    """Where ticket systems tell of changes; it authenticates its callers itself."""
    checks: Checks
    """Name of each check to `ok`, or to what is wrong."""
    systems: Checks
    """Name of each system around us to `ok`, or to what is wrong with it; we are ready without."""
    local: bool = False
    """Whether the tokens are the well-known ones of local mode."""
    limits: LimitsSettings = field(default_factory=LimitsSettings)
    metrics: Handler | None = None
    """The page of the metrics; it authenticates its callers itself."""
    reading: ReadingPage | None = None
    """The page that shows all of a request to whoever holds a link; it checks the link itself."""
    inbox: Inbox | None = None
    """The pages; they authenticate their callers themselves."""
    measure: Middleware | None = None
    """Sees every request and its answer."""
    awaken: Callable[[], None] | None = None
    """Has what was put off at the start made ready, once somebody is here."""


def create_app(parts: Parts) -> web.Application:
    """The application; it owns nothing, so closing it closes nothing of `parts`."""
    door = Door(parts.limits).middleware
    measure = [] if parts.measure is None else [parts.measure]
    home = [at_home] if parts.local else []
    wakes = [] if parts.awaken is None else [_waking(parts.awaken)]
    middlewares = [framed, *measure, *wakes, problems, *home, door]
    app = web.Application(middlewares=middlewares, client_max_size=MAX_BODY_BYTES)
    app[SERVICES] = parts.services
    pages = parts.inbox.routes if parts.inbox else ()
    for route in (*parts.routes, *pages):
        app.router.add_route(route.method, route.path, route.handler)
    app.router.add_post("/webhooks/{system}", parts.webhooks)
    for operation in OPERATIONS:
        app.router.add_route(operation.method, operation.path, operation.endpoint())
    takes_decisions = any(route.path == DECISIONS for route in parts.routes)
    app.router.add_get("/api/openapi.json", _openapi(takes_decisions=takes_decisions))
    app.router.add_get("/healthz", _json({"status": "ok"}))
    app.router.add_get("/readyz", _readiness(parts.checks, parts.systems))
    if parts.reading is not None:
        app.router.add_get(reading.ROUTE, parts.reading.get)
        app.router.add_post(reading.ROUTE, parts.reading.post)
    if parts.inbox is not None:
        app.on_shutdown.append(parts.inbox.close)
    if parts.metrics is not None:
        app.router.add_get("/metrics", parts.metrics)
    return app


def _openapi(*, takes_decisions: bool) -> Handler:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=_document(takes_decisions), content_type="application/json")

    return answer


@cache
def _document(takes_decisions: bool) -> str:
    """The OpenAPI document, made when it is first asked for: making it is a tenth of a start."""
    made = openapi.document(
        OPERATIONS, version=version("countersign-approvals"), takes_decisions=takes_decisions
    )
    return json.dumps(made)


@web.middleware
async def framed(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Name the request in the log and the answer, and set the headers of every answer."""
    given = request.headers.get(REQUEST_ID, "")
    request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
    with structlog.contextvars.bound_contextvars(http_request_id=request_id, **_subject(request)):
        response = await handler(request)
    own = {name: response.headers[name] for name in _OF_PAGES if name in response.headers}
    response.headers.update(_HEADERS)
    response.headers.update(own)
    response.headers[REQUEST_ID] = request_id
    return response


def _subject(request: web.Request) -> dict[str, str]:
    """The request or session that the path names, for the log."""
    resource = request.match_info.route.resource
    path = "" if resource is None else resource.canonical
    for name, prefix in _SUBJECTS:
        if path.startswith(prefix):
            return {name: request.match_info["id"][:MAX_ID]}
    return {}


@web.middleware
async def at_home(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Serve local mode by the names of this machine only.

    Everybody knows its tokens, and a web page whose name was made to point at 127.0.0.1 (DNS
    rebinding) can reach it through the browser; it cannot change the Host that is sent.
    """
    try:
        host = request.url.host
    except ValueError:
        host = None
    if host not in LOOPBACK:
        return problem(
            HTTPStatus.MISDIRECTED_REQUEST,
            "misdirected",
            "In local mode this server answers to 127.0.0.1 and localhost only.",
        )
    return await handler(request)


def _waking(awaken: Callable[[], None]) -> Middleware:
    """Once somebody was answered who is no probe: from here on people may need all there is."""

    @web.middleware
    async def waking(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if response.status < HTTPStatus.BAD_REQUEST and request.path not in PROBES:
            awaken()
        return response

    return waking


def _json(body: object) -> Handler:
    text = json.dumps(body)

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(text=text, content_type="application/json")

    return answer


def _readiness(checks: Checks, systems: Checks) -> Handler:
    async def answer(_: web.Request) -> web.StreamResponse:
        results = await checks()
        ready = all(result == "ok" for result in results.values())
        body = {
            "status": "ready" if ready else "not ready",
            "checks": results,
            "systems": await systems() if ready else {},
        }
        status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
        return web.json_response(body, status=status)

    return answer
