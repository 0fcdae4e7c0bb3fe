"""The stand-in as a whole: Web API, Socket Mode, people and the page to look at, on one port."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
from aiohttp import web

from countersign.sandbox._faults import CONTROL_PREFIX, Fault, Faults
from countersign.sandbox._record import Recorded, Recorder
from countersign.sandbox._serve import LOOPBACK, serve
from countersign.sandbox._wire import application
from countersign.sandbox.slack import clicks
from countersign.sandbox.slack.api import METHODS, arguments, require_scopes
from countersign.sandbox.slack.line import APP_TOKEN as APP_TOKEN
from countersign.sandbox.slack.line import Line
from countersign.sandbox.slack.page import page
from countersign.sandbox.slack.people import people
from countersign.sandbox.slack.workspace import TEAM, Message, SlackError, View, Workspace

TOKEN = "xoxb-sandbox-token"  # noqa: S105
_RATE_LIMITED = 429


def _fault_body(fault: Fault) -> dict[str, Any]:
    usual = "ratelimited" if fault.status == _RATE_LIMITED else "internal_error"
    return {"ok": False, "error": fault.code or usual}


class Slack(Line):
    """A workspace that is running, and in the same object what people do in it."""

    def __init__(self, workspace: Workspace, http: httpx.AsyncClient) -> None:
        super().__init__(workspace, http)
        self.faults, self._recorder = Faults(), Recorder()

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
        return [m for m in found if any(request_id in str(b) for b in m.all_buttons())]

    def told(self, user: str) -> list[str]:
        """What somebody alone was shown, oldest first."""
        return [m.words() for m in self.workspace.ephemerals if m.only_for == user]

    def modal(self, user: str) -> View | None:
        """The modal that somebody has open."""
        found = [v for v in self.workspace.views.values() if v.user == user and v.is_open]
        return found[-1] if found else None

    async def click(
        self, message: Message, user: str, action: str, of: str = "", **more: Any
    ) -> Any:
        """Somebody presses a button, of several such the one about `of`; what the app answered,
        None if it did not in time."""
        payload = clicks.click_payload(self.workspace, message, user, action, of, **more)
        return await self.send(payload)

    async def submit(self, view: View, typed: Mapping[str, str | None], **more: Any) -> Any:
        """Somebody sends the modal; Slack does with it what the app answers."""
        payload = clicks.submission_payload(self.workspace, view, typed, **more)
        answer = await self.send(payload)
        self._answered(view, answer)
        return answer

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
        if "write" in form:
            text, where = form["write"], form.get("channel", "")
            if text.startswith("/countersign"):
                await self.command(user, text.removeprefix("/countersign").strip(), where)
            elif text.strip():
                chat = "" if where.startswith("D") else where
                await self.write(user, text, chat, form.get("thread", ""))
        elif "close" in form and view is not None:
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
        """`{"user", "channel", "ts", "click", "of"}` presses a button, `{"user", "submit": {block:
        text}}` sends the modal that is open, `{"user", "write", "channel", "thread"}` writes to
        the app and `{"user", "command", "channel"}` uses its command; the answer says what the
        person sees then."""
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
        if "write" in asked:
            where, thread = str(asked.get("channel", "")), str(asked.get("thread", ""))
            return (await self.write(user, str(asked["write"]), where, thread)).as_json()
        if "again" in asked:  # Slack tells of the message again, as often as it does
            chat = self.workspace.conversation(str(asked.get("channel", "")))
            told = chat.messages[str(asked["again"])]
            return await self.tell(clicks.event_payload(self.workspace, told))
        if "command" in asked:
            where = str(asked.get("channel") or "C0SALES")
            return await self.command(user, str(asked["command"]), where)
        if "submit" in asked:
            view = self.modal(user)
            if view is None:
                raise SlackError("no_modal")
            return await self.submit(view, asked["submit"])
        place = self.workspace.conversation(str(asked.get("channel", "")))
        message = place.messages.get(str(asked.get("ts", "")))
        if message is None:
            raise SlackError("message_not_found")
        of = str(asked.get("of", ""))
        return await self.click(message, user, str(asked.get("click", "")), of)
