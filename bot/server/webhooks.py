"""Where ticket systems tell that something has changed: verified, noted, answered, nothing more.

The body never decides anything: it names a ticket, which is then read by API. What is not signed
with our secret is refused before it is parsed, leaves no row, and is logged without its content.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

import structlog
from aiohttp import web

from countersign.approvals.errors import InvalidWebhookError
from countersign.approvals.ports import TicketConnector, WebhookGreeter
from countersign.approvals.tickets import WebhookHint
from countersign.bot.http.bodies import Room, read_body
from countersign.bot.http.lanes import Kind, Limits
from countersign.bot.http.problems import problem, unauthorised
from countersign.bot.http.settings import LimitsSettings

log = structlog.get_logger(__name__)

MAX_WEBHOOK_BYTES = 2 * 1024 * 1024
"""Jira sends whole issues, up to 25 MB; ours are small. Source: developer.atlassian.com, Jira Cloud
platform, Webhooks, "Payload size", as recorded in connectors/jira/quality.toml."""

Hint = Callable[[str, WebhookHint], Awaitable[bool]]


class Webhooks:
    """`POST /webhooks/{system}` for each configured system."""

    def __init__(
        self,
        connectors: Mapping[str, TicketConnector],
        hint: Hint,
        limits: Limits | None = None,
    ):
        self._connectors, self._hint = connectors, hint
        self._limits = limits or Limits(LimitsSettings())
        self._room = Room()

    async def receive(self, request: web.Request) -> web.StreamResponse:
        """202 for what is about a ticket of ours, 200 for what is not, 401 for what is not signed.

        Answered as soon as the hint is stored: senders wait a few seconds and then try again.
        Raises BusyError or HTTP 429: if they do not come again, the next poll sees what changed.
        """
        name = request.match_info["system"]
        connector = self._connectors.get(name)
        if connector is None:
            return problem(
                HTTPStatus.NOT_FOUND, "not-found", f"No system {name} is configured here."
            )
        body = await read_body(request, MAX_WEBHOOK_BYTES, self._room)
        greeting = None
        if isinstance(connector, WebhookGreeter):
            greeting = connector.greeting(request.headers)
        if greeting is not None:
            log.info("webhook greeted", system=name, peer=request.remote)
            return web.Response(headers=greeting)
        try:
            hint = connector.verify_webhook(request.headers, body)
        except InvalidWebhookError as exc:
            log.warning("webhook refused", system=name, reason=str(exc), peer=request.remote)
            return unauthorised(str(exc))
        if hint is None:
            return web.json_response({"status": "ignored"})
        async with self._limits.admitted(Kind.WEBHOOKS, f"webhooks:{name}"):
            told = [hint.model_copy(update={"ticket_id": each}) for each in hint.also]
            ours = any([await self._hint(name, each) for each in (hint, *told)])
        if not ours:
            return web.json_response({"status": "ignored"})
        log.info("webhook", system=name, ticket=hint.ticket_id, delivery=hint.delivery_id)
        return web.json_response({"status": "accepted"}, status=HTTPStatus.ACCEPTED)
