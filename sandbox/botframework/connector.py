"""The REST API a bot calls: conversations, activities and members, with Teams' error codes.

Source: Bot Framework REST API reference, "Bot Connector service - API reference" (the routes of
botframework-connector 4.17.1) and Teams documentation, "Messages in bot conversations", status
codes from bot conversational APIs.
"""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from countersign.sandbox.botframework.payloads import Frame
from countersign.sandbox.botframework.people import Person
from countersign.sandbox.botframework.refusals import ServiceError, error_body
from countersign.sandbox.botframework.world import Conversation, Message, World

SERVICE_PATH = "/emea"
"""Teams' service URLs have a path: a client that loses it does not get through here either."""
OTHER_PATH = "/amer"
"""Where the tenant may move to."""
MAX_ACTIVITY_BYTES = 100 * 1024


class Connector:
    """The routes under the service URL."""

    def __init__(
        self, world: World, frame: Frame, *, require_token: bool, max_activity_bytes: int
    ) -> None:
        self._world = world
        self._frame = frame
        self._require_token = require_token
        self._max_activity_bytes = max_activity_bytes
        self.path = SERVICE_PATH
        self.moved: tuple[int, str] | None = None
        """Status and code at every other path, once the tenant has moved."""

    def routes(self) -> list[web.RouteDef]:
        """Every route, below the service URL's path and at the root."""
        found: list[web.RouteDef] = []
        for prefix in (SERVICE_PATH, OTHER_PATH, ""):
            one = prefix + "/v3/conversations/{conversation}"
            activity = one + "/activities/{activity}"
            found += [
                web.get(prefix + "/v3/conversations", self._list),
                web.post(prefix + "/v3/conversations", self._create),
                web.post(one + "/activities", self._send),
                web.post(activity, self._reply),
                web.put(activity, self._update),
                web.delete(activity, self._delete),
                web.get(one + "/members", self._members),
                web.get(one + "/members/{member}", self._member),
                web.get(one + "/pagedmembers", self._paged_members),
                web.get(activity + "/members", self._members),
                web.get(prefix + "/v3/teams/{team}", self._team),
                web.get(prefix + "/v3/teams/{team}/conversations", self._team_channels),
            ]
        return found

    @web.middleware
    async def refuse(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Ask for a token if wanted, and answer refusals in the service's shape."""
        try:
            if "/v3/" in request.path and self._require_token:
                scheme, _, token = request.headers.get("Authorization", "").partition(" ")
                if scheme.lower() != "bearer" or not token.strip():
                    raise ServiceError(
                        401, "Unauthorized", "Authorization has been denied for this request."
                    )
            return await handler(request)
        except ServiceError as error:
            return web.json_response(error_body(error.code, error.message), status=error.status)

    def _conversation(self, request: web.Request, *, write: bool = False) -> Conversation:
        found = self._world.find(request.match_info["conversation"])
        if found is None:
            raise ServiceError(404, "ConversationNotFound", "Conversation not found.")
        if self.moved is not None and not request.path.startswith(f"{self.path}/"):
            status, code = self.moved
            raise ServiceError(status, code, "The request was redirected to the wrong geo.")
        if write and found.refusal is not None:
            status, code = found.refusal
            raise ServiceError(status, code, f"{code}: refused.")
        if write and not found.installed:
            raise ServiceError(
                403, "BotNotInConversationRoster", "The bot is not part of the conversation roster."
            )
        return found

    def _message(self, request: web.Request, conversation: Conversation) -> Message:
        found = conversation.messages.get(request.match_info["activity"])
        if found is None or found.deleted:
            raise ServiceError(
                404,
                "ActivityNotFoundInConversation",
                "The message was not found in the conversation.",
            )
        return found

    async def _activity(self, request: web.Request) -> dict[str, Any]:
        raw = await request.read()
        try:
            body = json.loads(raw)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise ServiceError(400, "BadSyntax", "The request body is not a JSON object.")
        self._check_activity(body)
        return body

    def _check_activity(self, activity: dict[str, Any]) -> None:
        if not isinstance(activity.get("type"), str):
            raise ServiceError(400, "BadArgument", "Missing required field: type.")
        if activity["type"] == "message" and not (
            activity.get("text") or activity.get("attachments")
        ):
            raise ServiceError(
                400,
                "BadArgument",
                "Activity must include non empty 'text' field or at least 1 attachment.",
            )
        # Teams counts UTF-16: "Format your bot messages", message size limit.
        if (
            len(json.dumps(activity, ensure_ascii=False).encode("utf-16-le", "surrogatepass"))
            > self._max_activity_bytes
        ):
            raise ServiceError(413, "MessageSizeTooBig", "Message size too large.")

    def _from_bot(self, activity: dict[str, Any], conversation: Conversation) -> dict[str, Any]:
        return {
            **activity,
            "from": self._frame.bot,
            "conversation": conversation.account(self._frame.tenant_id),
        }

    async def _send(self, request: web.Request) -> web.Response:
        conversation = self._conversation(request, write=True)
        activity = await self._activity(request)
        message = self._world.post(
            conversation, self._from_bot(activity, conversation), from_bot=True
        )
        return web.json_response({"id": message.id}, status=201)

    async def _reply(self, request: web.Request) -> web.Response:
        conversation = self._conversation(request, write=True)
        activity = await self._activity(request)
        activity["replyToId"] = request.match_info["activity"]
        message = self._world.post(
            conversation, self._from_bot(activity, conversation), from_bot=True
        )
        return web.json_response({"id": message.id}, status=201)

    async def _update(self, request: web.Request) -> web.Response:
        conversation = self._conversation(request, write=True)
        message = self._message(request, conversation)
        activity = await self._activity(request)
        if not message.from_bot:
            raise ServiceError(403, "NotEnoughPermissions", "A bot updates its own messages only.")
        self._world.update(message, self._from_bot(activity, conversation))
        return web.json_response({"id": message.id})

    async def _delete(self, request: web.Request) -> web.Response:
        message = self._message(request, self._conversation(request, write=True))
        if not message.from_bot:
            raise ServiceError(403, "NotEnoughPermissions", "A bot deletes its own messages only.")
        message.deleted = True
        self._world.touch(message)
        return web.Response(status=200)

    async def _create(self, request: web.Request) -> web.Response:
        """A 1:1 with one member, or a new thread in the channel that `channelData` names."""
        try:
            body = await request.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise ServiceError(400, "BadSyntax", "The request body is not a JSON object.")
        data = body.get("channelData") or {}
        first = body.get("activity")
        channel_id = (data.get("channel") or {}).get("id")
        if channel_id:
            return self._create_thread(channel_id, first)
        tenant_id = (
            body.get("tenantId") or body.get("tenantID") or (data.get("tenant") or {}).get("id")
        )
        members = body.get("members") or []
        if tenant_id != self._frame.tenant_id or len(members) != 1 or body.get("isGroup"):
            raise ServiceError(400, "BadSyntax", "Incorrect conversation creation parameters")
        conversation = self._world.personal(self._known(str(members[0].get("id"))))
        if not conversation.installed:
            raise ServiceError(
                403,
                "ForbiddenOperationException",
                "The bot is not installed in user's personal scope.",
            )
        answer = {"id": conversation.id, "serviceUrl": self._frame.service_url}
        if first:
            self._check_activity(first)
            message = self._world.post(
                conversation, self._from_bot(first, conversation), from_bot=True
            )
            answer["activityId"] = message.id
        return web.json_response(answer, status=201)

    def _create_thread(self, channel_id: str, first: dict[str, Any] | None) -> web.Response:
        channel = self._world.find(channel_id)
        if channel is None:
            raise ServiceError(404, "ConversationNotFound", "Conversation not found.")
        if not channel.installed:
            raise ServiceError(
                403, "BotNotInConversationRoster", "The bot is not part of the conversation roster."
            )
        if not first:
            raise ServiceError(400, "BadSyntax", "Incorrect conversation creation parameters")
        self._check_activity(first)
        root_id = self._world.new_id()
        thread = self._world.thread(channel, root_id)
        self._world.post(thread, self._from_bot(first, thread), from_bot=True, id=root_id)
        return web.json_response({"id": thread.id, "activityId": root_id}, status=201)

    def _known(self, member_id: str) -> Person:
        for person in self._world.people:
            if member_id in (person.id, person.aad_object_id):
                return person
        raise ServiceError(400, "BadArgument", "Failed to decrypt pairwise id")

    async def _list(self, _: web.Request) -> web.Response:
        listed = [
            {
                "id": conversation.id,
                "members": [person.account() for person in conversation.members],
            }
            for conversation in self._world.conversations.values()
            if conversation.installed
        ]
        return web.json_response({"conversations": listed})

    def _roster(self, request: web.Request) -> list[dict[str, Any]]:
        members = self._conversation(request, write=True).members
        return [person.member(self._frame.tenant_id) for person in members]

    async def _members(self, request: web.Request) -> web.Response:
        return web.json_response(self._roster(request))

    async def _member(self, request: web.Request) -> web.Response:
        wanted = request.match_info["member"]
        for member in self._roster(request):
            if wanted in (member["id"], member["aadObjectId"], member["userPrincipalName"]):
                return web.json_response(member)
        raise ServiceError(404, "MemberNotFoundInConversation", "Member not found in conversation.")

    async def _paged_members(self, request: web.Request) -> web.Response:
        roster = self._roster(request)
        try:
            size = max(1, int(request.query.get("pageSize", "50")))
            start = int(request.query.get("continuationToken") or 0)
        except ValueError:
            raise ServiceError(
                400, "BadArgument", "pageSize or continuationToken is not valid."
            ) from None
        answer: dict[str, Any] = {"members": roster[start : start + size]}
        if start + size < len(roster):
            answer["continuationToken"] = str(start + size)
        return web.json_response(answer)

    def _check_team(self, request: web.Request) -> None:
        if request.match_info["team"] != self._world.team["id"]:
            raise ServiceError(404, "TeamNotFound", "Team not found.")

    async def _team(self, request: web.Request) -> web.Response:
        self._check_team(request)
        return web.json_response(
            {**self._world.team, "type": "standard", "memberCount": len(self._world.people)}
        )

    async def _team_channels(self, request: web.Request) -> web.Response:
        self._check_team(request)
        channels = {
            c.channel["id"]: c.channel["name"]
            for c in self._world.conversations.values()
            if c.channel
        }
        # Teams leaves the name of the General channel out.
        listed = [
            {"id": key, "name": None if key == self._world.team["id"] else name}
            for key, name in channels.items()
        ]
        return web.json_response({"conversations": listed})
