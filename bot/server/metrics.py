"""`GET /metrics`, who may read it, and the measuring of everything else that is served."""

from __future__ import annotations

import hmac
import ipaddress
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware
from pydantic import SecretStr

from countersign.bot.http.bodies import authorization
from countersign.bot.http.problems import problem, unauthorised
from countersign.bot.observability.metrics import Metrics
from countersign.bot.observability.tracing import Tracing
from countersign.bot.people import token_hash
from countersign.connectors.addresses import LOOPBACK

METHODS = hdrs.METH_ALL
UNMATCHED = "unmatched"
"""The route of what no route serves: paths are chosen by strangers, and would be labels."""
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")

Refresh = Callable[[], Awaitable[None]]


class MetricsPage:
    """Serves the metrics to whoever has the token; without one, to this machine only."""

    def __init__(self, metrics: Metrics, refresh: Refresh, token: SecretStr | None):
        self._metrics, self._refresh = metrics, refresh
        self._token = None if token is None else token_hash(token.get_secret_value())

    async def get(self, request: web.Request) -> web.StreamResponse:
        """The handler."""
        if self._token is None:
            if not from_this_machine(request):
                return problem(
                    HTTPStatus.FORBIDDEN,
                    "metrics-closed",
                    "Metrics are read from this machine, or with the token that metrics.token_env "
                    "names.",
                )
        elif not self._has_token(request):
            return unauthorised("Send `Authorization: Bearer <token>` with the token for metrics.")
        await self._refresh()
        body, content_type = self._metrics.text(request.headers.get(hdrs.ACCEPT, ""))
        return web.Response(body=body, headers={hdrs.CONTENT_TYPE: content_type})

    def _has_token(self, request: web.Request) -> bool:
        scheme, _, token = authorization(request).partition(" ")
        given = token_hash(token.strip())
        same = hmac.compare_digest(given, self._token or b"")
        return scheme.lower() == "bearer" and same


def from_this_machine(request: web.Request) -> bool:
    """Whether a program on this machine asks for itself, and not for somebody else.

    A reverse proxy on the same machine is one that asks for others: it says so in a header, or by
    the Host that it was asked for. One that hides both must not forward /metrics.
    """
    if any(name in request.headers for name in _FORWARDED):
        return False
    try:
        is_home = request.url.host in LOOPBACK
        return is_home and ipaddress.ip_address(request.remote or "").is_loopback
    except ValueError:
        return False


def measured(metrics: Metrics, tracing: Tracing | None) -> Middleware:
    """The middleware that times every request and gives it a span; the outermost one."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        began = time.perf_counter()
        method = request.method if request.method in METHODS else "other"
        where = route(request)
        status = HTTPStatus.INTERNAL_SERVER_ERROR.value
        try:
            if tracing is None:
                response = await handler(request)
            else:
                with tracing.serving(f"{method} {where}", request.headers) as answered:
                    response = await handler(request)
                    answered(response.status)
            status = response.status
        except web.HTTPException as exc:
            status = exc.status
            raise
        finally:
            metrics.http(method, where, status, time.perf_counter() - began)
        return response

    return middleware


def route(request: web.Request) -> str:
    """The template that serves the path, e.g. `/api/v1/requests/{id}`."""
    resource = request.match_info.route.resource
    return UNMATCHED if resource is None else resource.canonical
