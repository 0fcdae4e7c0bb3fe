"""`POST /webhooks/email`: a mail provider hands us what was sent to our address.

It proves that it is ours by one of our secrets, as a bearer token or as the password of Basic
authentication, which is what providers offer for addresses that they call.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Sequence

from aiohttp import web

from countersign.approvals.errors import BusyError, UnavailableError
from countersign.connectors.email.answers import Answers
from countersign.connectors.system import Admission

PATH = "/webhooks/email"
FIELDS = ("email", "body-mime")
"""The form fields in which SendGrid ("Inbound Parse", raw) and Mailgun (an address that ends in
`mime`) send a mail as it came."""
JSON_FIELDS = ("RawEmail", "raw")
"""Postmark's, if it is told to include the raw mail; and a plain one."""


class MailWebhook:
    """Its handler."""

    def __init__(self, secrets: Sequence[str], answers: Answers, limits: Admission):
        self._secrets, self._answers, self._limits = secrets, answers, limits

    async def post(self, request: web.Request) -> web.StreamResponse:
        """200 once it is taken, also if nothing is done with it; 503 to bring it again."""
        if not self._is_ours(request.headers.get("Authorization", "")):
            return _said(401, "This needs the secret of connectors.email.webhook_secret_env.")
        try:
            async with self._limits.admitted("webhooks", "email"):
                raw = await _mail(request)
                if not raw:
                    return _said(422, "There is no mail in it.")
                return web.json_response({"taken": await self._answers.take(raw)})
        except BusyError as exc:
            return _said(429, str(exc))
        except UnavailableError as exc:
            return _said(503, str(exc))

    def _is_ours(self, header: str) -> bool:
        scheme, _, given = header.partition(" ")
        secret = given.strip()
        if scheme.lower() == "basic":
            try:
                secret = base64.b64decode(secret, validate=True).decode().partition(":")[2]
            except (binascii.Error, ValueError):
                return False
        elif scheme.lower() != "bearer":
            return False
        told = secret.encode("utf-8", "replace")
        return any([hmac.compare_digest(told, known.encode()) for known in self._secrets])


async def _mail(request: web.Request) -> bytes:
    """The mail as it came; empty if there is none."""
    if request.content_type == "application/json":
        try:
            body = json.loads(await request.read())
        except ValueError:
            return b""
        found = [body.get(name) for name in JSON_FIELDS] if isinstance(body, dict) else []
        text = next((each for each in found if isinstance(each, str)), "")
        return text.encode("utf-8", "surrogateescape")
    if request.content_type in ("multipart/form-data", "application/x-www-form-urlencoded"):
        form = await request.post()
        for name in FIELDS:
            value = form.get(name)
            if isinstance(value, web.FileField):
                return value.file.read()
            if isinstance(value, str):
                return value.encode("utf-8", "surrogateescape")
        return b""
    return await request.read()


def _said(status: int, text: str) -> web.Response:
    return web.json_response({"detail": text}, status=status)
