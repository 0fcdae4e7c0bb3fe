"""The HTTP side: `POST /v1/chat/completions`, `GET /v1/models` and the switches."""

from __future__ import annotations

import inspect
import json
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from countersign.sandbox._faults import CONTROL_PREFIX, Fault, Faults
from countersign.sandbox._record import Recorded, Recorder
from countersign.sandbox._serve import LOOPBACK, serve
from countersign.sandbox._wire import application
from countersign.sandbox.openai.conversation import Conversation, Raw, Reply
from countersign.sandbox.openai.protocol import (
    RefusedError,
    check,
    chunks,
    completion,
)
from countersign.sandbox.openai.rules import Rule, answer

API_KEY = "sk-sandbox-model"
MODEL = "gpt-4o"
_MODELS = (MODEL, "gpt-4o-mini")
_RULES = TypeAdapter(list[Rule])

log = logging.getLogger(__name__)

Script = Callable[[Conversation], Reply | Awaitable[Reply]]


def _error_body(fault: Fault) -> dict[str, Any]:
    # OpenAI guide "Error codes": 429 carries rate_limit_exceeded, 5xx the type server_error.
    if fault.status == 429:
        message, kind, code = (
            f"Rate limit reached for {MODEL}. Please try again later.",
            "requests",
            "rate_limit_exceeded",
        )
    else:
        message, kind, code = (
            "The server had an error while processing your request. Sorry about that!",
            "server_error",
            "",
        )
    return {
        "error": {
            "message": message,
            "type": kind,
            "param": None,
            "code": (fault.code or code) or None,
        }
    }


class ScriptedModel:
    """A model whose answers are a function of the conversation.

    It keeps nothing about a chat, so a restart or a replay changes nothing.
    """

    def __init__(self, reply: Script, *, api_key: str) -> None:
        self.api_key = api_key
        self.url = ""
        self.reply = reply
        self.rules: list[Rule] = []
        self.faults = Faults()
        self._recorder = Recorder()

    @classmethod
    @asynccontextmanager
    async def start(
        cls,
        *,
        reply: Script | None = None,
        api_key: str = API_KEY,
        host: str = LOOPBACK,
        port: int = 0,
    ) -> AsyncIterator[ScriptedModel]:
        """Serve until the block ends. Without `reply` the scripts of the examples answer."""
        if reply is None:
            from countersign.sandbox.openai.scripts import reply as scripted

            reply = scripted
        model = cls(reply, api_key=api_key)
        app = application(model.faults, model._recorder, _error_body)
        script = CONTROL_PREFIX + "script"
        app.add_routes(
            [
                web.post("/v1/chat/completions", model._complete),
                web.get("/v1/models", model._models),
                web.post(script, model._set_script),
                web.get(script, model._get_script),
                web.delete(script, model._drop_script),
            ]
        )
        async with serve(app, host=host, port=port) as model.url:
            yield model

    @property
    def base_url(self) -> str:
        """What an OpenAI client takes as `base_url`."""
        return f"{self.url}/v1"

    @property
    def requests(self) -> list[Recorded]:
        """The completions that were asked for, oldest first."""
        return self._recorder.matching("POST", "/chat/completions")

    def ready(self) -> dict[str, Any]:
        """The ready line."""
        return {"url": self.url, "base_url": self.base_url, "api_key": self.api_key, "model": MODEL}

    def _authenticate(self, request: web.Request) -> None:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key:
            raise RefusedError(
                "You didn't provide an API key. You need to provide your API key in an "
                "Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
                status=401,
            )
        if not secrets.compare_digest(key.encode(), self.api_key.encode()):
            raise RefusedError(
                f"Incorrect API key provided: {key[:3]}***. You can find your API key at "
                "https://platform.openai.com/account/api-keys.",
                code="invalid_api_key",
                status=401,
            )

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        try:
            self._authenticate(request)
            try:
                body = await request.json()
            except ValueError:
                body = None
            check(body)
        except RefusedError as refused:
            return web.json_response(refused.body, status=refused.status)
        try:
            reply = await self._reply(body)
            result = reply.body if isinstance(reply, Raw) else completion(body, reply)
        except Exception as error:
            # A script is somebody's code: say what is wrong with it; clients do not repeat a 400.
            log.exception("the script failed")
            broken = RefusedError(
                f"The script failed: {type(error).__name__}: {error}", code="script_error"
            )
            return web.json_response(broken.body, status=broken.status)
        if body.get("stream"):
            return await _stream(request, body, result)
        return web.json_response(result)

    async def _reply(self, body: Mapping[str, Any]) -> Reply:
        tools = [tool["function"]["name"] for tool in body.get("tools") or ()]
        tools += [function["name"] for function in body.get("functions") or ()]
        conversation = Conversation(body["messages"], tuple(tools), body["model"], body)
        ruled = answer(self.rules, conversation)
        if ruled is not None:
            return ruled
        reply = self.reply(conversation)
        return await reply if inspect.isawaitable(reply) else reply

    async def _models(self, request: web.Request) -> web.Response:
        try:
            self._authenticate(request)
        except RefusedError as refused:
            return web.json_response(refused.body, status=refused.status)
        models = [
            {"id": name, "object": "model", "created": 1715367049, "owned_by": "sandbox"}
            for name in _MODELS
        ]
        return web.json_response({"object": "list", "data": models})

    async def _set_script(self, request: web.Request) -> web.Response:
        try:
            self.rules = _RULES.validate_json(await request.read())
        except ValidationError as error:
            return web.json_response(
                {"error": error.errors(include_url=False, include_context=False)}, status=422
            )
        return await self._get_script(request)

    async def _get_script(self, _: web.Request) -> web.Response:
        return web.json_response([rule.model_dump(mode="json") for rule in self.rules])

    async def _drop_script(self, _: web.Request) -> web.Response:
        self.rules = []
        return web.Response(status=204)


async def _stream(
    request: web.Request, body: Mapping[str, Any], result: Mapping[str, Any]
) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
    )
    await response.prepare(request)
    usage = bool((body.get("stream_options") or {}).get("include_usage"))
    for chunk in chunks(result, usage=usage):
        await response.write(f"data: {json.dumps(chunk)}\n\n".encode())
    await response.write(b"data: [DONE]\n\n")
    return response
