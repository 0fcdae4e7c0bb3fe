"""The workspace as a whole: API, webhooks, control routes, and handles for tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from countersign.sandbox._faults import CONTROL_PREFIX, Fault, Faults, reset_connection
from countersign.sandbox._record import Recorded, Recorder
from countersign.sandbox._serve import LOOPBACK, serve
from countersign.sandbox._wire import application
from countersign.sandbox.asana.api import PREFIX, Api, problem
from countersign.sandbox.asana.hooks import Hook, Hooks
from countersign.sandbox.asana.page import Pages
from countersign.sandbox.asana.people import (
    BOT,
    BY_LOGIN,
    CHANGES_FIELD,
    ORDER_FIELD,
    PROJECT,
    USERS,
)
from countersign.sandbox.asana.records import RefusedError, record
from countersign.sandbox.asana.workspace import Workspace
from countersign.sandbox.desk import NotDoneError

WEBHOOK_SECRET = "sandbox-asana-webhook-secret"  # noqa: S105 (of a stand-in)
WRITES = ("POST", "PUT", "DELETE")


def _fault_body(fault: Fault) -> dict[str, Any]:
    if fault.status == 429:
        return problem("You've made too many requests and hit a rate limit.")
    return problem("Server Error")


class Asana:
    """A running workspace: where it is, what it holds, its people, and its switches."""

    def __init__(self) -> None:
        self.space = Workspace()
        self.hooks = Hooks(self.space)
        self.api = Api(self.space, self.hooks)
        self.space.happened = self.hooks.happened
        self.recorder, self.faults = Recorder(), Faults()
        self.loses_answer = False
        """Whether the next call that writes takes effect and is not answered."""
        self.url = ""

    @classmethod
    @asynccontextmanager
    async def start(
        cls, *, hook_url: str = "", host: str = LOOPBACK, port: int = 0
    ) -> AsyncIterator[Asana]:
        """Serve until the block ends. Changes are told at `hook_url`, without a handshake and with
        the secret of the ready line."""
        asana = cls()
        app = application(asana.faults, asana.recorder, _fault_body, asana._losing)
        app.add_routes(asana.api.routes())
        app.add_routes(Pages(asana.space).routes())
        app.add_routes(asana._control())
        asana.notify(hook_url or None)
        try:
            async with serve(app, host=host, port=port) as asana.url:
                yield asana
        finally:
            await asana.hooks.stop()

    @property
    def requests(self) -> list[Recorded]:
        """What was asked of the API, oldest first, failed attempts included."""
        return [each for each in self.recorder.matching() if each.path.startswith(PREFIX)]

    def notify(self, url: str | None) -> None:
        """Let a webhook that is there already post there; None takes all webhooks away."""
        self.hooks.all[:] = [Hook(self.space.gid(), url, WEBHOOK_SECRET)] if url else []

    async def settled(self) -> None:
        """Wait until no delivery is on its way."""
        await self.hooks.settled()

    def act(self, what: Mapping[str, Any]) -> Any:
        """See `sandbox.desk.Switches`: `user` does `do` to the task `gid`."""
        try:
            who, gid = BY_LOGIN[str(what["user"])], str(what.get("gid", ""))
            match what["do"]:
                case "update":
                    return record(self.space.update(who, gid, what["values"]))
                case "create":
                    return record(self.space.create(who, what["values"]))
                case "comment":
                    return self.space.comment(who, gid, what["text"])
                case "move":
                    return self.space.move(who, gid, what["section"])
                case "delete":
                    return self.space.delete(who, gid)
                case other:
                    raise NotDoneError(422, f"nobody can {other}")
        except KeyError as error:
            raise NotDoneError(422, f"missing or unknown: {error}") from error
        except RefusedError as error:
            raise NotDoneError(error.status, str(error)) from error

    def state(self, key: str | None = None) -> list[dict[str, Any]]:
        """See `sandbox.desk.Switches`; each with its `stories` and its `section`."""
        try:
            tasks = self.space.tasks.values() if key is None else [self.space.task(key)]
        except RefusedError as error:
            raise NotDoneError(404, str(error)) from error
        return [
            {**record(task), "stories": task.stories, "section": task.section} for task in tasks
        ]

    def ready(self) -> dict[str, Any]:
        """The ready line."""
        return {
            "url": self.url,
            "token": BOT.token,
            "account": BOT.gid,
            "project": PROJECT,
            "order_field": ORDER_FIELD,
            "changes_field": CHANGES_FIELD,
            "webhook_secret": WEBHOOK_SECRET,
            "users": [{"gid": u.gid, "login": u.login, "name": u.name} for u in USERS],
        }

    @web.middleware
    async def _losing(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        answer = await handler(request)
        is_batch = request.path.endswith("/batch")
        if self.loses_answer and request.method in WRITES and not is_batch:
            self.loses_answer = False
            reset_connection(request.transport)
        return answer

    def _control(self) -> list[web.RouteDef]:
        async def act(request: web.Request) -> web.Response:
            try:
                return web.json_response(self.act(await request.json()))
            except NotDoneError as error:
                return web.json_response({"error": str(error)}, status=error.status)

        async def state(request: web.Request) -> web.Response:
            try:
                return web.json_response(self.state(request.query.get("key")))
            except NotDoneError as error:
                return web.json_response({"error": str(error)}, status=error.status)

        async def hook(request: web.Request) -> web.Response:
            self.notify((await request.json())["url"])
            return web.json_response([each.target for each in self.hooks.all])

        return [
            web.post(CONTROL_PREFIX + "act", act),
            web.get(CONTROL_PREFIX + "state", state),
            web.put(CONTROL_PREFIX + "hook", hook),
        ]
