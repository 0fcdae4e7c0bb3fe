"""What people do in Slack, as the payloads that it sends to an app: signed, and answered in 3 s.

Source: docs.slack.dev/reference/interaction-payloads and docs.slack.dev/authentication/
verifying-requests-from-slack, as known in 2026-11.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from countersign.sandbox.slack.workspace import (
    APP,
    BOT_USER,
    TEAM,
    Message,
    SlackError,
    View,
    Workspace,
)

ANSWER_S = 3.0
"""How long Slack waits for an app."""
RETRIES = 3
"""How often it tells of an event again. Source: docs.slack.dev/apis/events-api, "Retries"."""
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


def signed(secret: str, body: bytes, at_s: float | None = None, kind: str = FORM) -> dict[str, str]:
    """The headers of a request with this body."""
    stamp = str(int(time.time() if at_s is None else at_s))
    mac = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256)
    return {
        "Content-Type": kind,
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": f"v0={mac.hexdigest()}",
    }


def form(payload: Mapping[str, Any]) -> bytes:
    """The body in which Slack sends an interaction."""
    return urlencode({"payload": json.dumps(payload)}).encode()


def click_payload(
    workspace: Workspace,
    message: Message,
    user_id: str,
    action_id: str,
    of: str = "",
    **more: Any,
) -> dict[str, Any]:
    """`block_actions`; of several buttons of the action the one whose value has `of` in it. Raises
    SlackError if they do not see that message, or it has no such button."""
    place = workspace.conversation(message.channel)
    if user_id not in place.members:
        raise SlackError("not_in_channel")
    button = message.button(action_id, of)
    if button is None:
        raise SlackError("no_such_button")
    block = next(b for b in message.blocks if button in b.get("elements", ()))
    return {
        "type": "block_actions",
        **_who(workspace, user_id),
        "trigger_id": workspace.trigger(user_id),
        "container": {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": place.id,
            "is_ephemeral": False,
        },
        "channel": {"id": place.id, "name": place.name or "directmessage"},
        "message": {**message.as_json(), "bot_id": "B0GATE", "user": BOT_USER},
        "response_url": "",
        "actions": [
            {
                "type": "button",
                "action_id": action_id,
                "block_id": block.get("block_id", ""),
                "text": button["text"],
                "value": button.get("value", ""),
                "action_ts": workspace.number(),
            }
        ],
        **more,
    }


def submission_payload(
    workspace: Workspace, view: View, typed: Mapping[str, str | None], **more: Any
) -> dict[str, Any]:
    """`view_submission`, with every input as it stands: what was `typed`, by block, wins."""
    inputs = view.inputs()
    if unknown := set(typed) - set(inputs):
        raise SlackError("no_such_input", *sorted(unknown))
    values: dict[str, Any] = {}
    for block_id, block in inputs.items():
        element = block["element"]
        value = typed.get(block_id, _initial(element))
        if not value and not block.get("optional"):
            raise SlackError("input_is_required", block_id)
        values[block_id] = {element["action_id"]: _state(element, value or None)}
    return {
        "type": "view_submission",
        **_who(workspace, view.user),
        "view": {**view.as_json(), "state": {"values": values}},
        "response_urls": [],
        **more,
    }


def event_payload(workspace: Workspace, message: Message, **more: Any) -> dict[str, Any]:
    """`event_callback` of a message that somebody wrote to the app: in its chat with them, or with
    a mention of it. Source: docs.slack.dev/apis/events-api, as known in 2026-11."""
    user, place = workspace.user(message.user), workspace.conversation(message.channel)
    kind = {"type": "message", "channel_type": "im"} if place.is_im else {"type": "app_mention"}
    thread = {"thread_ts": message.thread_ts} if message.thread_ts else {}
    enterprise = workspace.enterprise or None
    return {
        "token": "deprecated",
        "type": "event_callback",
        "team_id": TEAM,
        "enterprise_id": enterprise,
        "context_team_id": TEAM,
        "api_app_id": APP,
        "event_id": f"Ev{message.ts}",
        "event_time": int(float(message.ts)),
        "event": {
            **kind,
            "user": user.id,
            "team": user.team,
            "text": message.text,
            "ts": message.ts,
            "event_ts": message.ts,
            "channel": place.id,
            **thread,
            **more,
        },
        "authorizations": [
            {
                "enterprise_id": enterprise,
                "team_id": TEAM,
                "user_id": BOT_USER,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": any(
            workspace.users[m].team != TEAM for m in place.members if m in workspace.users
        ),
    }


def command_fields(workspace: Workspace, user_id: str, channel: str, text: str) -> dict[str, str]:
    """What Slack sends when somebody writes the slash command, wherever they are."""
    user, place = workspace.user(user_id), workspace.conversation(channel)
    enterprise = {"enterprise_id": workspace.enterprise} if workspace.enterprise else {}
    return {
        "token": "deprecated",
        "team_id": TEAM,
        "team_domain": "acme",
        **enterprise,
        "channel_id": place.id,
        "channel_name": place.name or "directmessage",
        "user_id": user.id,
        "user_name": user.login,
        "command": "/countersign",
        "text": text,
        "api_app_id": APP,
        "is_enterprise_install": "false",
        "response_url": "",
        "trigger_id": workspace.trigger(user_id),
    }


def _initial(element: Mapping[str, Any]) -> str | None:
    option = element.get("initial_option")
    found = option["value"] if option else element.get("initial_value", element.get("initial_date"))
    return None if found is None else str(found)


def _state(element: Mapping[str, Any], value: str | None) -> dict[str, Any]:
    match element["type"]:
        case "static_select":
            chosen = [each for each in element["options"] if each["value"] == value]
            if value is not None and not chosen:
                raise SlackError("no_such_option")
            return {"type": "static_select", "selected_option": chosen[0] if chosen else None}
        case "datepicker":
            return {"type": "datepicker", "selected_date": value}
    longest = element.get("max_length")
    if value is not None and longest and len(value) > longest:
        raise SlackError("too_long")
    return {"type": "plain_text_input", "value": value}


def _who(workspace: Workspace, user_id: str) -> dict[str, Any]:
    user = workspace.user(user_id)
    enterprise = workspace.enterprise
    team: dict[str, Any] = {"id": TEAM, "domain": "acme"}
    if enterprise:
        team |= {"enterprise_id": enterprise, "enterprise_name": "Corp"}
    return {
        "api_app_id": APP,
        "token": "deprecated",
        "team": team,
        "enterprise": {"id": enterprise, "name": "Corp"} if enterprise else None,
        "is_enterprise_install": False,
        "user": {
            "id": user.id,
            "username": user.login,
            "name": user.login,
            "team_id": user.team,
        },
    }
