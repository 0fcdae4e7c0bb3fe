"""The chat service itself, with an API for us and buttons for people."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from aiohttp import web
from aiohttp.test_utils import TestServer

TOKEN, SECRET = "toychat-token", "toychat-webhook-secret"


@dataclass
class Message:
    """One message, as it reads now."""

    id: str
    to: str
    text: str
    buttons: list[str] = field(default_factory=list)
    form: list[str] = field(default_factory=list)
    data: dict[str, str] = field(default_factory=dict)


class ToyChat:
    """A running service; `hook_url` is told of every press."""

    def __init__(self) -> None:
        self.messages: dict[str, Message] = {}
        self.url = self.hook_url = ""
        self.is_down = False
        self._numbers = itertools.count(1)

    @classmethod
    @asynccontextmanager
    async def start(cls) -> AsyncIterator[ToyChat]:
        """The service on a free port of this machine."""
        chat = cls()
        app = web.Application(middlewares=[chat._guard])
        app.router.add_get("/me", chat._me)
        app.router.add_post("/messages", chat._post)
        app.router.add_put("/messages/{id}", chat._put)
        async with TestServer(app) as server:
            chat.url = str(server.make_url("")).rstrip("/")
            yield chat

    async def press(
        self,
        message: Message,
        button: str,
        *,
        person: str = "",
        comment: str = "",
        values: Mapping[str, str] | None = None,
        press_id: str = "",
    ) -> str:
        """Press a button as somebody; what they are told then."""
        body = json.dumps(
            {
                "id": press_id or f"p-{next(self._numbers)}",
                "message": message.id,
                "person": person or message.to,
                "button": button,
                "comment": comment,
                "values": dict(values or {}),
                **message.data,
            }
        ).encode()
        return (await self.tell(body, signature(body))).json()["text"]  # type: ignore[no-any-return]

    async def tell(self, body: bytes, signed: str | bytes) -> httpx.Response:
        """Call the webhook."""
        header = signed.encode() if isinstance(signed, str) else signed
        async with httpx.AsyncClient(trust_env=False) as http:
            headers = [(b"X-Toy-Signature", header)] if header else []
            return await http.post(self.hook_url, content=body, headers=headers)

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if self.is_down:
            return web.Response(status=503)
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.Response(status=401)
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _me(self, _: web.Request) -> web.StreamResponse:
        return web.json_response({"name": "countersign"})

    async def _post(self, request: web.Request) -> web.StreamResponse:
        said = await request.json()
        message = Message(id=f"m-{next(self._numbers)}", **said)
        self.messages[message.id] = message
        return web.json_response({"id": message.id}, status=201)

    async def _put(self, request: web.Request) -> web.StreamResponse:
        known = self.messages.get(request.match_info["id"])
        if known is None:
            return web.Response(status=404)
        said = await request.json()
        self.messages[known.id] = Message(id=known.id, to=known.to, **said)
        return web.json_response({"id": known.id})


def signature(body: bytes, secret: str = SECRET) -> str:
    """As the service signs."""
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"
