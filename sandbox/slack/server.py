"""The stand-in as a whole: Web API, Socket Mode, people and the page to look at, on one port."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
from aiohttp import WSMsgType, web

from countersign.sandbox._faults import CONTROL_PREFIX, Fault, Faults
from countersign.sandbox._record import Recorded, Recorder
from countersign.sandbox._serve import LOOPBACK, serve
from countersign.sandbox._wire import application
from countersign.sandbox.slack import clicks
from countersign.sandbox.slack.api import METHODS, SCOPES, arguments, require_scopes
from countersign.sandbox.slack.page import page
from countersign.sandbox.slack.people import people
from countersign.sandbox.slack.workspace import TEAM, Message, SlackError, View, Workspace

TOKEN, APP_TOKEN = "xoxb-sandbox-token", "xapp-sandbox-token"
SIGNING_SECRET = "sandbox-signing-secret-of-slack"  # noqa: S105
_RATE_LIMITED = 429


def _fault_body(fault: Fault) -> dict[str, Any]:
    usual = "ratelimited" if fault.status == _RATE_LIMITED else "internal_error"
    return {"ok": False, "error": fault.code or usual}


class Slack:
    """A workspace that is running, and in the same object what people do in it."""

    def __init__(self, workspace: Workspace, http: httpx.AsyncClient) -> None:
        self.workspace = workspace
        self.url, self.hook_url, self.secret, self.scopes = "", "", SIGNING_SECRET, SCOPES
        self.faults, self._recorder = Faults(), Recorder()
        self.complaints: list[str] = []
        """What Slack would show people as a failure of the app, in words."""
        self._http = http
        self.at_s: float | None = None
        """When what is sent is said to be signed; None for now."""
        self.connected = asyncio.Event()
        """Whether the app has opened a socket."""
        self._sockets: list[web.WebSocketResponse] = []
        self._acks: dict[str, asyncio.Future[Any]] = {}

    @classmethod
    @asynccontextmanager
    async def start(
        cls, *, enterprise: str = "", hook_url: str = "", host: str = LOOPBACK, port: int = 0
    ) -> AsyncIterator[Slack]:
        """Serve until the block ends; `hook_url` is where the app takes interactions, unless it
        opens a socket."""
        async with httpx.AsyncClient(timeout=clicks.ANSWER_S, trust_env=False) as http:
            slack = cls(Workspace(people(), enterprise=enterprise), http)
            slack.hook_url = hook_url
            app = application(slack.faults, slack._recorder, _fault_body)
            app.add_routes(
                [
                    web.route("*", "/api/{method}", slack._call),
                    web.get("/", slack._page),
                    web.post("/", slack._pressed),
                    web.get("/socket", slack._socket),
                    web.post(f"{CONTROL_PREFIX}act", slack._act),
                    web.post(f"{CONTROL_PREFIX}hook", slack._set_hook),
                    web.get(f"{CONTROL_PREFIX}messages", slack._listed),
                ]
            )
            app.on_shutdown.append(slack._hang_up)
            async with serve(app, host=host, port=port) as slack.url:
                yield slack

    def ready(self) -> dict[str, Any]:
        """The ready line."""
        return {
            "url": self.url,
            "api_url": f"{self.url}/api/",
            "token": TOKEN,
            "app_token": APP_TOKEN,
            "signing_secret": self.secret,
            "team_id": TEAM,
            "channel": "C0SALES",
        }

    @property
    def requests(self) -> list[Recorded]:
        """What the app asked, oldest first."""
        return self._recorder.matching()

    def messages(self, channel: str = "") -> list[Message]:
        """What stands in a conversation, or anywhere, the first one first."""
        return [m for m in self.workspace.messages() if channel in ("", m.channel)]

    def asking(self, request_id: str, user: str = "") -> list[Message]:
        """The messages with buttons for this request, of one person's chat if that is said."""
        found = (m for m in self.messages(f"D{user[1:]}" if user else "") if m.buttons())
        return [m for m in found if any(request_id in str(b) for b in m.buttons().values())]

    def told(self, user: str) -> list[str]:
        """What somebody alone was shown, oldest first."""
        return [m.words() for m in self.workspace.ephemerals if m.only_for == user]

    def modal(self, user: str) -> View | None:
        """The modal that somebody has open."""
        found = [v for v in self.workspace.views.values() if v.user == user and v.is_open]
        return found[-1] if found else None

    async def click(self, message: Message, user: str, action: str, **more: Any) -> Any:
        """Somebody presses a button; what the app answered, None if it did not in time."""
        return await self.send(clicks.click_payload(self.workspace, message, user, action, **more))

    async def submit(self, view: View, typed: Mapping[str, str | None], **more: Any) -> Any:
        """Somebody sends the modal; Slack does with it what the app answers."""
        payload = clicks.submission_payload(self.workspace, view, typed, **more)
        answer = await self.send(payload)
        self._answered(view, answer)
        return answer

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
        if answer.is_error:
            self.complaints.append(f"the app answered {answer.status_code}")
            return None
        return answer.json() if answer.content else {}

    def _answered(self, view: View, answer: Any) -> None:
        if answer is None:
            return
        match answer.get("response_action"):
            case None | "clear":
                view.is_open = bool(answer.keys() - {"response_action"})
                if view.is_open:
                    self.complaints.append(f"the app answered {answer}")
            case "errors":
                inputs = view.inputs()
                if not answer.get("errors") or not set(answer["errors"]) <= set(inputs):
                    self.complaints.append(f"errors at no input: {answer}")
                view.errors = dict(answer.get("errors") or {})
            case "update":
                try:
                    METHODS["views.update"](
                        self.workspace, {"view_id": view.id, "view": answer.get("view")}
                    )
                except SlackError as error:
                    self.complaints.append(f"the app answered a view: {error.body}")
            case other:
                self.complaints.append(f"unknown response_action {other}")

    async def _call(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        headers = {"X-OAuth-Scopes": self.scopes}
        try:
            given = await arguments(request)
            bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
            token = bearer or str(given.pop("token", ""))
            if method == "apps.connections.open":
                return web.json_response(self._connect(token))
            if not token:
                raise SlackError("not_authed")
            if token != TOKEN:
                raise SlackError("invalid_auth")
            if method not in METHODS:
                raise SlackError("unknown_method", req_method=method)
            require_scopes(method, self.scopes)
            body = {"ok": True, **METHODS[method](self.workspace, given)}
        except SlackError as error:
            body = error.body
        return web.json_response(body, headers=headers)

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

    async def _by_socket(self, payload: Mapping[str, Any]) -> Any:
        envelope = f"E{self.workspace.number()}"
        waiting = self._acks[envelope] = asyncio.get_running_loop().create_future()
        body = {"envelope_id": envelope, "type": "interactive", "payload": payload}
        await self._sockets[-1].send_json({**body, "accepts_response_payload": True})
        try:
            async with asyncio.timeout(clicks.ANSWER_S):
                return await waiting
        finally:
            del self._acks[envelope]

    async def _hang_up(self, _: web.Application) -> None:
        for socket in list(self._sockets):
            await socket.close()

    async def _page(self, request: web.Request) -> web.StreamResponse:
        try:
            text = page(self.workspace, request.query.get("as", "U0ALEX"))
        except SlackError as error:
            return web.json_response(error.body, status=404)
        return web.Response(text=text, content_type="text/html")

    async def _pressed(self, request: web.Request) -> web.StreamResponse:
        """What somebody does on the page; it is shown again."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        user = form.get("user", "")
        view = self.modal(user)
        if "close" in form and view is not None:
            view.is_open = False
        else:
            typed = {n.removeprefix("in."): v for n, v in form.items() if n.startswith("in.")}
            asked = form if "click" in form else {"user": user, "submit": typed}
            try:
                await self._done(asked)
            except SlackError as error:
                return web.json_response(error.body, status=409)
        raise web.HTTPSeeOther(f"/?as={user}")

    async def _set_hook(self, request: web.Request) -> web.StreamResponse:
        self.hook_url = str((await request.json())["url"])
        return web.json_response({"url": self.hook_url})

    async def _listed(self, _: web.Request) -> web.StreamResponse:
        shown = [{**m.as_json(), "channel": m.channel} for m in self.messages()]
        return web.json_response({"messages": shown})

    async def _act(self, request: web.Request) -> web.StreamResponse:
        """`{"user", "channel", "ts", "click"}` presses a button, `{"user", "submit": {block:
        text}}` sends the modal that is open; the answer says what the person sees then."""
        asked = await request.json()
        user = str(asked.get("user", ""))
        try:
            answer = await self._done(asked)
        except SlackError as error:
            return web.json_response(error.body, status=409)
        view = self.modal(user)
        return web.json_response(
            {
                "answer": answer,
                "modal": None if view is None else view.as_json(),
                "errors": {} if view is None else view.errors,
                "told": self.told(user),
                "complaints": self.complaints,
            }
        )

    async def _done(self, asked: Mapping[str, Any]) -> Any:
        """Raises SlackError."""
        user = str(asked.get("user", ""))
        if "submit" in asked:
            view = self.modal(user)
            if view is None:
                raise SlackError("no_modal")
            return await self.submit(view, asked["submit"])
        place = self.workspace.conversation(str(asked.get("channel", "")))
        message = place.messages.get(str(asked.get("ts", "")))
        if message is None:
            raise SlackError("message_not_found")
        return await self.click(message, user, str(asked.get("click", "")))
