"""`POST /webhooks/slack`: what Slack sends, verified over its raw bytes, and answered in time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web

from countersign.approvals.errors import InvalidError, InvalidWebhookError
from countersign.approvals.ports import Clock
from countersign.connectors.slack.answers import Answers
from countersign.connectors.slack.signatures import SIGNATURE, TIMESTAMP, verify

RETRY = "X-Slack-Retry-Num"
_DIGITS = 4


class SlackWebhook:
    """Its handler."""

    def __init__(self, secrets: Sequence[str], answers: Answers, clock: Clock) -> None:
        self._secrets, self._answers, self._clock = secrets, answers, clock

    async def post(self, request: web.Request) -> web.StreamResponse:
        """What Slack is to do; 401 for what it has not signed."""
        body = await request.read()
        try:
            verify(
                self._secrets,
                body,
                _only(request, SIGNATURE),
                _only(request, TIMESTAMP),
                self._clock.now(),
            )
        except InvalidWebhookError as exc:
            return web.json_response({"detail": str(exc)}, status=401)
        try:
            payload = _payload(request.content_type, body)
            match payload.get("type"):
                case "url_verification":
                    return web.json_response({"challenge": str(payload.get("challenge", ""))})
                case "ssl_check":
                    return web.Response()
                case "event_callback":
                    return await self._heard(request, payload)
                case "command":
                    shown = await self._answers.command(payload["fields"])
                    return web.json_response(shown) if shown else web.Response()
            answer = await self._answers.take(payload)
        except (InvalidError, ValueError) as exc:
            return web.json_response({"detail": str(exc)}, status=400)
        return web.json_response(answer) if answer else web.Response()

    async def _heard(self, request: web.Request, payload: Mapping[str, Any]) -> web.Response:
        """Slack tells it again after an error; it says how often it has."""
        retry = _only(request, RETRY)
        times = int(retry) if retry.isascii() and retry.isdecimal() and len(retry) < _DIGITS else 0
        if await self._answers.hear(payload, retry=times):
            return web.Response()
        return web.json_response({"detail": "It could not be stored; tell it again."}, status=503)


def _only(request: web.Request, header: str) -> str:
    """The header; empty unless there is exactly one."""
    given = request.headers.getall(header, [])
    return given[0] if len(given) == 1 else ""


def _payload(content_type: str, body: bytes) -> dict[str, Any]:
    """Raises ValueError."""
    text = body.decode()
    if content_type != "application/json":
        fields = parse_qs(text, keep_blank_values=True)
        if "ssl_check" in fields:
            return {"type": "ssl_check"}
        if "command" in fields:
            return {"type": "command", "fields": {name: each[0] for name, each in fields.items()}}
        text = (fields.get("payload") or [""])[0]
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("is no object")
    return found
