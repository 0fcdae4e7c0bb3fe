"""The same over HTTP, for a person with curl or a test in another process: `/_sandbox/...`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from countersign.sandbox._faults import CONTROL_PREFIX
from countersign.sandbox.botframework.answers import Answer, BotUnreachableError
from countersign.sandbox.botframework.cards import CardError, verbs
from countersign.sandbox.botframework.client import Client
from countersign.sandbox.botframework.world import Message

_LONGEST_WAIT_S = 60.0


def _answer(answer: Answer) -> dict[str, Any]:
    return {"status": answer.status, "body": answer.body, "activity": answer.activity}


def control_routes(client: Client) -> list[web.RouteDef]:
    """Write, click, refresh, install and look around as the people of the tenant."""

    def message(body: dict[str, Any]) -> Message:
        for found in client.world.messages():
            if found.id == str(body["activity_id"]):
                return found
        raise LookupError(f"there is no activity {body['activity_id']}")

    def control(
        act: Callable[[dict[str, Any]], Awaitable[Any]],
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            try:
                body = await request.json()
                return web.json_response(await act(body))
            except KeyError as error:
                return web.json_response({"error": f"missing: {error.args[0]}"}, status=422)
            except (LookupError, CardError, ValueError) as error:
                return web.json_response({"error": str(error)}, status=422)
            except BotUnreachableError as error:
                return web.json_response({"error": str(error)}, status=502)

        return handle

    async def bot(body: dict[str, Any]) -> Any:
        client.bot_url = str(body["url"])
        return {"url": client.bot_url}

    async def say(body: dict[str, Any]) -> Any:
        return _answer(
            await client.send_message(
                body["from"],
                body["text"],
                conversation=body.get("conversation", "personal"),
                mention=body.get("mention"),
            )
        )

    async def click(body: dict[str, Any]) -> Any:
        return _answer(
            await client.click(message(body), body["verb"], body.get("inputs"), person=body["from"])
        )

    async def refresh(body: dict[str, Any]) -> Any:
        return _answer(await client.refresh(message(body), person=body["from"]))

    async def install(body: dict[str, Any]) -> Any:
        where = body.get("conversation", "personal")
        if body.get("remove"):
            return [_answer(await client.uninstall(body["from"], conversation=where))]
        return [
            _answer(answer) for answer in await client.install(body["from"], conversation=where)
        ]

    async def delete(body: dict[str, Any]) -> Any:
        where = body.get("conversation", "personal")
        return _answer(
            await client.delete_message(
                str(body["activity_id"]), person=body["from"], conversation=where
            )
        )

    async def deliver(body: dict[str, Any]) -> Any:
        return _answer(await client.deliver(body))

    async def token(body: dict[str, Any]) -> Any:
        if client.issuer is None:
            raise LookupError("there is no issuer: start with --app-id")
        return {"token": client.issuer.token(**body)}

    async def activities(request: web.Request) -> web.Response:
        """What was posted after the change number `after`, waiting up to `wait_s` for it."""
        after = int(request.query.get("after", "0"))
        wait_s = min(float(request.query.get("wait_s", "0")), _LONGEST_WAIT_S)
        try:
            async with asyncio.timeout(wait_s):
                while client.world.changes <= after:
                    await client.world.changed()
        except TimeoutError:
            pass
        found = [
            {**m.as_json(), "verbs": verbs(m.card() or {})}
            for m in client.world.messages(request.query.get("conversation"))
            if m.change > after
        ]
        return web.json_response({"changes": client.world.changes, "activities": found})

    async def conversations(_: web.Request) -> web.Response:
        return web.json_response(
            [
                {
                    "id": c.id,
                    "kind": c.kind,
                    "name": c.name,
                    "installed": c.installed,
                    "members": [p.id for p in c.members],
                }
                for c in client.world.conversations.values()
            ]
        )

    async def people(_: web.Request) -> web.Response:
        return web.json_response([p.member(client.frame.tenant_id) for p in client.world.people])

    return [
        web.put(CONTROL_PREFIX + "bot", control(bot)),
        web.post(CONTROL_PREFIX + "messages", control(say)),
        web.post(CONTROL_PREFIX + "click", control(click)),
        web.post(CONTROL_PREFIX + "refresh", control(refresh)),
        web.post(CONTROL_PREFIX + "install", control(install)),
        web.post(CONTROL_PREFIX + "delete", control(delete)),
        web.post(CONTROL_PREFIX + "activity", control(deliver)),
        web.post(CONTROL_PREFIX + "token", control(token)),
        web.get(CONTROL_PREFIX + "activities", activities),
        web.get(CONTROL_PREFIX + "conversations", conversations),
        web.get(CONTROL_PREFIX + "people", people),
    ]
