"""Socket Mode: a connection that we open to Slack, through which it tells what people do.

Source: docs.slack.dev/apis/events-api/using-socket-mode, as known in 2026-11.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from countersign.approvals.errors import InvalidError
from countersign.connectors.slack.answers import Answers
from countersign.connectors.slack.proxies import heed_no_proxy
from countersign.connectors.slack.settings import SlackSettings

log = structlog.get_logger(__name__)
PING_S = 10.0


@asynccontextmanager
async def listening(settings: SlackSettings, answers: Answers) -> AsyncIterator[None]:
    """Connected as long as the block takes, also again after a connection was lost; it begins
    without waiting for the first one."""
    web = AsyncWebClient(base_url=settings.api_url, timeout=int(settings.timeout))
    client = SocketModeClient(
        app_token=settings.app_token.get_secret_value(),
        web_client=web,
        ping_interval=PING_S,
        logger=_logger(),
    )
    heed_no_proxy(web, settings.api_url)
    heed_no_proxy(client, settings.api_url)

    async def take(of: AsyncBaseSocketModeClient, told: SocketModeRequest) -> None:
        answer = None
        try:
            match told.type:
                case "interactive":
                    answer = await answers.take(told.payload)
                case "slash_commands":
                    answer = await answers.command(told.payload)
                case "events_api":
                    again = told.retry_attempt or 0
                    if not await answers.hear(told.payload, retry=again):
                        return  # Slack tells it again
        except InvalidError as exc:
            log.warning("not understood", kind=told.type, reason=str(exc))
        reply = SocketModeResponse(envelope_id=told.envelope_id, payload=answer or None)
        await of.send_socket_mode_response(reply)

    client.socket_mode_request_listeners.append(take)
    connecting = asyncio.create_task(_untyped(client).connect(), name="slack socket")
    try:
        yield
    finally:
        client.closed = True
        connecting.cancel()
        await asyncio.gather(connecting, return_exceptions=True)
        await _untyped(client).close()


def _logger() -> logging.Logger:
    """Without what it would say of messages: only that a connection fails."""
    logger = logging.getLogger(f"{__name__}.client")
    logger.setLevel(logging.WARNING)
    return logger


def _untyped(client: SocketModeClient) -> Any:
    """Two of its methods have no types."""
    return client
