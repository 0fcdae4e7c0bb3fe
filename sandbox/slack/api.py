"""The Web API, as far as an app needs it that asks people: each method as Slack documents it.

Source: docs.slack.dev/reference/methods, as known in 2026-11.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from countersign.sandbox.slack.blocks import is_too_long, message_problems, view_problems
from countersign.sandbox.slack.workspace import (
    APP,
    BOT_USER,
    TEAM,
    Message,
    SlackError,
    Workspace,
)

SCOPES = (
    "app_mentions:read,channels:read,chat:write,commands,groups:read,im:history,im:write,"
    "channels:history,groups:history,users:read,users:read.email"
)
NEEDED = {
    "chat.postMessage": ("chat:write",),
    "chat.update": ("chat:write",),
    "chat.postEphemeral": ("chat:write",),
    "conversations.open": ("im:write",),
    "conversations.info": ("channels:read", "groups:read"),
    "conversations.history": ("im:history", "channels:history", "groups:history"),
    "users.info": ("users:read",),
    "users.lookupByEmail": ("users:read.email",),
}
TEXT = 40_000
"""Characters of a message's text, after which Slack cuts it off; more for an update is an error."""
UPDATE_TEXT = 4_000
_JSON = ("blocks", "view", "metadata", "attachments")
Method = Callable[[Workspace, Mapping[str, Any]], dict[str, Any]]


async def arguments(request: web.Request) -> dict[str, Any]:
    """What was sent, as JSON, a form or a query."""
    found: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        found |= await request.json()
    else:
        found |= {name: value for name, value in (await request.post()).items()}
    for name in _JSON:
        if isinstance(found.get(name), str):
            try:
                found[name] = json.loads(found[name])
            except ValueError:
                raise SlackError("invalid_json" if name == "view" else "invalid_blocks") from None
    return found


def require_scopes(method: str, scopes: str) -> None:
    """Raise SlackError unless the token has one of those that the method needs."""
    needed = NEEDED.get(method, ())
    if needed and not set(needed) & set(scopes.split(",")):
        raise SlackError("missing_scope", needed=",".join(needed), provided=scopes)


def _auth_test(workspace: Workspace, _: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "url": "https://acme.slack.example/",
        "team": "Acme",
        "user": "countersign",
        "team_id": TEAM,
        "user_id": BOT_USER,
        "bot_id": "B0GATE",
        "is_enterprise_install": False,
        **({"enterprise_id": workspace.enterprise} if workspace.enterprise else {}),
    }


def _post(workspace: Workspace, given: Mapping[str, Any]) -> dict[str, Any]:
    place = workspace.conversation(str(given.get("channel", "")))
    _require_open(workspace, place.id)
    blocks, text = _content(given)
    thread = str(given.get("thread_ts") or "")
    if thread and thread not in place.messages:
        raise SlackError("thread_not_found")
    metadata = dict(given.get("metadata") or {})
    message = Message(place.id, "", BOT_USER, text, blocks, thread, metadata)
    workspace.post(message)
    return {"channel": place.id, "ts": message.ts, "message": message.as_json()}


def _update(workspace: Workspace, given: Mapping[str, Any]) -> dict[str, Any]:
    place = workspace.conversation(str(given.get("channel", "")))
    message = place.messages.get(str(given.get("ts", "")))
    if message is None:
        raise SlackError("message_not_found")
    if message.user != BOT_USER:
        raise SlackError("cant_update_message")
    if place.is_archived:
        raise SlackError("is_archived")
    blocks, text = _content(given)
    if len(text) > UPDATE_TEXT:
        raise SlackError("msg_too_long")
    message.text, message.blocks = text, blocks
    message.edits += 1
    return {"channel": place.id, "ts": message.ts, "text": text, "message": message.as_json()}


def _ephemeral(workspace: Workspace, given: Mapping[str, Any]) -> dict[str, Any]:
    place = workspace.conversation(str(given.get("channel", "")))
    user = str(given.get("user", ""))
    if user not in place.members:
        raise SlackError("user_not_in_channel")
    _require_open(workspace, place.id)
    blocks, text = _content(given)
    thread = str(given.get("thread_ts") or "")
    message = Message(place.id, workspace.number(), BOT_USER, text, blocks, thread, only_for=user)
    workspace.ephemerals.append(message)
    return {"message_ts": message.ts}


def _require_open(workspace: Workspace, channel: str) -> None:
    place = workspace.conversation(channel)
    if place.is_archived:
        raise SlackError("is_archived")
    if BOT_USER not in place.members:
        raise SlackError("not_in_channel")


def _content(given: Mapping[str, Any]) -> tuple[list[dict[str, Any]], str]:
    blocks, text = given.get("blocks") or [], str(given.get("text") or "")
    if not blocks and not text:
        raise SlackError("no_text")
    if len(text) > TEXT:
        raise SlackError("msg_too_long")
    if blocks:
        if problems := message_problems(blocks):
            raise SlackError("invalid_blocks", *problems)
        if is_too_long(blocks):
            raise SlackError("msg_blocks_too_long")
    return list(blocks), text


def _open_chat(workspace: Workspace, given: Mapping[str, Any]) -> dict[str, Any]:
    users = given.get("users") or ""
    named = users if isinstance(users, list) else str(users).split(",")
    if len(named) != 1 or not named[0]:
        raise SlackError("users_list_not_supplied")
    return {"channel": {"id": workspace.open_chat(named[0]).id}}


def _info(workspace: Workspace, given: Mapping[str, Any]) -> dict[str, Any]:
    place = workspace.conversation(str(given.get("channel", "")))
    return {
        "channel": {
            "id": place.id,
            "name": place.name,
            "is_member": BOT_USER in place.members,
            "is_archived": place.is_archived,
            "is_ext_shared": any(
                workspace.users[m].team != TEAM for m in place.members if m in workspace.users
            ),
        }
    }


def _history(workspace: Workspace, given: Mapping[str, Any]) -> dict[str, Any]:
    place = workspace.conversation(str(given.get("channel", "")))
    newest = [m for m in reversed(place.messages.values()) if not m.thread_ts]
    shown = [m.as_json() for m in newest[: int(given.get("limit") or 100)]]
    if str(given.get("include_all_metadata", "")).lower() not in ("1", "true"):
        for message in shown:
            message.pop("metadata", None)
    return {"messages": shown, "has_more": False}


def _user(workspace: Workspace, given: Mapping[str, Any]) -> dict[str, Any]:
    return {"user": user_json(workspace, str(given.get("user", "")))}


def _by_email(workspace: Workspace, given: Mapping[str, Any]) -> dict[str, Any]:
    wanted = str(given.get("email", "")).lower()
    found = [u for u in workspace.users.values() if u.email.lower() == wanted and u.team == TEAM]
    if not found:
        raise SlackError("users_not_found")
    return {"user": user_json(workspace, found[0].id)}


def user_json(workspace: Workspace, user_id: str) -> dict[str, Any]:
    """Somebody, as `users.info` shows them."""
    user = workspace.user(user_id)
    return {
        "id": user.id,
        "team_id": user.team,
        "name": user.login,
        "real_name": user.name,
        "deleted": user.deleted,
        "is_bot": user.is_bot,
        "profile": {"email": user.email, "real_name": user.name},
    }


def _open_view(workspace: Workspace, given: Mapping[str, Any]) -> dict[str, Any]:
    content = _view(given)
    return {"view": workspace.open_view(str(given.get("trigger_id", "")), content).as_json()}


def _update_view(workspace: Workspace, given: Mapping[str, Any]) -> dict[str, Any]:
    content = _view(given)
    return {"view": workspace.update_view(str(given.get("view_id", "")), content).as_json()}


def _view(given: Mapping[str, Any]) -> dict[str, Any]:
    content = given.get("view")
    if problems := view_problems(content):
        raise SlackError("invalid_arguments", *problems)
    return dict(content or {})


METHODS: dict[str, Method] = {
    "auth.test": _auth_test,
    "chat.postMessage": _post,
    "chat.update": _update,
    "chat.postEphemeral": _ephemeral,
    "conversations.open": _open_chat,
    "conversations.info": _info,
    "conversations.history": _history,
    "users.info": _user,
    "users.lookupByEmail": _by_email,
    "views.open": _open_view,
    "views.update": _update_view,
}
APP_ID = APP
