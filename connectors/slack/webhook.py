"""`POST /webhooks/slack`: what Slack sends, verified over its raw bytes, and answered in time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web

from countersign.approvals.errors import InvalidError, InvalidWebhookError
from countersign.approvals.ports import Clock
from countersign.connectors.slack.answers import Answers
from countersign.connectors.slack.signatures import SIGNATURE, TIMESTAMP, verify


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
            if payload.get("type") == "url_verification":
                return web.json_response({"challenge": str(payload.get("challenge", ""))})
            if payload.get("type") in ("ssl_check", "event_callback"):
                return web.Response()
            answer = await self._answers.take(payload)
        except (InvalidError, ValueError) as exc:
            return web.json_response({"detail": str(exc)}, status=400)
        return web.json_response(answer) if answer else web.Response()


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
        text = (fields.get("payload") or [""])[0]
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("is no object")
    return found
