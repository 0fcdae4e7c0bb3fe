"""The line to an app: what people do is told it, signed, by its address or through its socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import httpx
from aiohttp import WSMsgType, web

from countersign.sandbox.slack import clicks
from countersign.sandbox.slack.api import SCOPES
from countersign.sandbox.slack.blocks import message_problems
from countersign.sandbox.slack.workspace import BOT_USER, Message, SlackError, Workspace

APP_TOKEN = "xapp-sandbox-token"  # noqa: S105
SIGNING_SECRET = "sandbox-signing-secret-of-slack"  # noqa: S105


class Line:
    """Tells the app, and complains as Slack does."""

    def __init__(self, workspace: Workspace, http: httpx.AsyncClient) -> None:
        self.workspace, self._http = workspace, http
        self.url, self.hook_url, self.secret, self.scopes = "", "", SIGNING_SECRET, SCOPES
        self.complaints: list[str] = []
        """What Slack would show people as a failure of the app, in words."""
        self.at_s: float | None = None
        """When what is sent is said to be signed; None for now."""
        self.connected = asyncio.Event()
        """Whether the app has opened a socket."""
        self._sockets: list[web.WebSocketResponse] = []
        self._acks: dict[str, asyncio.Future[Any]] = {}

    async def send(self, payload: Mapping[str, Any]) -> Any:
        """Tell the app, through its socket or its address; complain as Slack does."""
        try:
            if self._sockets:
                return await self._by_socket(payload)
            body = clicks.form(payload)
            headers = clicks.signed(self.secret, body, self.at_s)
            answer = await self._http.post(self.hook_url, content=body, headers=headers)
        except (httpx.TimeoutException, TimeoutError):
            self.complaints.append("operation_timeout")
            return None
        except httpx.HTTPError:  # nobody is there, or they went away without a word
            self.complaints.append("dispatch_failed")
            return None
        if answer.is_error:
            self.complaints.append(f"the app answered {answer.status_code}")
            return None
        return answer.json() if answer.content else {}

    async def write(
        self, user: str, text: str, channel: str = "", thread: str = "", **more: Any
    ) -> Message:
        """Somebody writes to the app: in its chat with them, or in a channel, where they mention
        it. Slack tells the app, and again if that fails, as often as it does, without waiting."""
        place = self.workspace.open_chat(user) if not channel else None
        where = channel or (place.id if place else "")
        said = text if place else f"<@{BOT_USER}> {text}"
        message = self.workspace.post(Message(where, "", user, said, thread_ts=thread))
        needed = "im:history" if place else "app_mentions:read"
        if needed in self.scopes.split(","):
            await self.tell(clicks.event_payload(self.workspace, message, **more))
        return message

    async def tell(self, payload: Mapping[str, Any]) -> int:
        """An event, told until the app has taken it; how often that was."""
        for again in range(clicks.RETRIES + 1):
            if await self._told(payload, again):
                return again + 1
        self.complaints.append("the app did not take an event")
        return clicks.RETRIES + 1

    async def _told(self, payload: Mapping[str, Any], again: int) -> bool:
        try:
            if self._sockets:
                why = "timeout" if again else ""
                await self._by_socket(payload, "events_api", retry_attempt=again, retry_reason=why)
                return True
            body = json.dumps(payload).encode()
            headers = clicks.signed(self.secret, body, self.at_s, clicks.JSON)
            if again:
                more = {"X-Slack-Retry-Num": str(again), "X-Slack-Retry-Reason": "http_error"}
                headers |= more
            answer = await self._http.post(self.hook_url, content=body, headers=headers)
        except (httpx.HTTPError, TimeoutError):
            return False
        return answer.is_success

    async def command(self, user: str, text: str = "", channel: str = "C0SALES") -> Any:
        """Somebody writes the slash command; what the app answered. What it shows them is kept
        with what they alone were shown."""
        fields = clicks.command_fields(self.workspace, user, channel, text)
        try:
            if self._sockets:
                answer = await self._by_socket(fields, "slash_commands")
            else:
                body = urlencode(fields).encode()
                headers = clicks.signed(self.secret, body, self.at_s)
                reply = await self._http.post(self.hook_url, content=body, headers=headers)
                if reply.is_error:
                    self.complaints.append(f"the app answered {reply.status_code}")
                    return None
                answer = reply.json() if reply.content else {}
        except (httpx.TimeoutException, TimeoutError):
            self.complaints.append("operation_timeout")
            return None
        except httpx.HTTPError:  # nobody is there, or they went away without a word
            self.complaints.append("dispatch_failed")
            return None
        if answer:
            if problems := message_problems(answer.get("blocks", [{"type": "divider"}])):
                self.complaints.append(f"the app answered {problems}")
            shown = Message(
                channel,
                self.workspace.number(),
                BOT_USER,
                str(answer.get("text", "")),
                list(answer.get("blocks", ())),
                only_for=user,
            )
            self.workspace.ephemerals.append(shown)
        return answer

    def _connect(self, token: str) -> dict[str, Any]:
        if token != APP_TOKEN:
            raise SlackError("invalid_auth")
        return {"ok": True, "url": f"{self.url.replace('http', 'ws', 1)}/socket"}

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "hello", "num_connections": len(self._sockets) + 1})
        self._sockets.append(socket)
        self.connected.set()
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    said = json.loads(message.data)
                    waiting = self._acks.get(said.get("envelope_id", ""))
                    if waiting is not None and not waiting.done():
                        waiting.set_result(said.get("payload") or {})
        finally:
            self._sockets.remove(socket)
        return socket

    async def _by_socket(
        self, payload: Mapping[str, Any], kind: str = "interactive", **more: Any
    ) -> Any:
        envelope = f"E{self.workspace.number()}"
        waiting = self._acks[envelope] = asyncio.get_running_loop().create_future()
        body = {"envelope_id": envelope, "type": kind, "payload": payload, **more}
        await self._sockets[-1].send_json({**body, "accepts_response_payload": True})
        try:
            async with asyncio.timeout(clicks.ANSWER_S):
                return await waiting
        finally:
            del self._acks[envelope]

    async def _hang_up(self, _: web.Application) -> None:
        for socket in list(self._sockets):
            await socket.close()
