"""Activities as Teams sends them to a bot, written out by hand.

Source: Microsoft Teams documentation (learn.microsoft.com/microsoftteams), "Messages in bot
conversations", "Conversation events in your Teams bot", "Channel and group chat conversations with
a bot" and "Universal Actions for Adaptive Cards".
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from html import escape
from typing import Any

from countersign.sandbox.botframework.people import Person
from countersign.sandbox.botframework.world import Conversation

_LOCAL = timezone(timedelta(hours=1))
_CLIENT = {
    "locale": "en-US",
    "country": "US",
    "platform": "Web",
    "timezone": "Europe/Berlin",
    "type": "clientInfo",
}


@dataclass
class Frame:
    """What is the same in every activity: channel, tenant, bot, and where the bot answers to."""

    service_url: str
    channel_id: str
    tenant_id: str
    bot_id: str
    bot_name: str

    @property
    def bot(self) -> dict[str, Any]:
        """The bot's account."""
        return {"id": self.bot_id, "name": self.bot_name}

    def activity(
        self, kind: str, conversation: Conversation, sender: Person, **fields: Any
    ) -> dict[str, Any]:
        """An activity of type `kind` from `sender`, with `fields` on top."""
        now = datetime.now(UTC)
        account = conversation.account(self.tenant_id)
        who = sender.account()
        if (
            self.channel_id != "msteams"
        ):  # the Emulator and Web Chat know neither tenants nor Entra users
            account, who = (
                {"id": conversation.id},
                {"id": sender.id, "name": sender.name, "role": "user"},
            )
        activity: dict[str, Any] = {
            "type": kind,
            "id": f"f:{uuid.uuid4()}",
            "timestamp": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "localTimestamp": now.astimezone(_LOCAL).isoformat(timespec="milliseconds"),
            "localTimezone": _CLIENT["timezone"],
            "channelId": self.channel_id,
            "serviceUrl": self.service_url,
            "from": who,
            "conversation": account,
            "recipient": self.bot,
            "locale": "en-US",
            **fields,
        }
        if self.channel_id == "msteams":
            activity["channelData"] = {
                **self._channel_data(conversation),
                **(fields.get("channelData") or {}),
            }
        return activity

    def _channel_data(self, conversation: Conversation) -> dict[str, Any]:
        data: dict[str, Any] = {"tenant": {"id": self.tenant_id}}
        if conversation.channel is not None and conversation.team is not None:
            data["channel"] = {"id": conversation.channel["id"]}
            data["team"] = {"id": conversation.team["id"]}
            data["teamsChannelId"] = conversation.channel["id"]
            data["teamsTeamId"] = conversation.team["id"]
        return data

    def message(
        self,
        conversation: Conversation,
        sender: Person,
        text: str,
        *,
        mention: bool,
        id: str,
        reply_to: str | None = None,
    ) -> dict[str, Any]:
        """A text message; with `mention` the text starts with the bot's name in `<at>`."""
        entities: list[dict[str, Any]] = [_CLIENT]
        html = f"<div><div>{escape(text)}</div></div>"
        if mention:
            name = f"<at>{escape(self.bot_name)}</at>"
            entities.insert(0, {"type": "mention", "mentioned": self.bot, "text": name})
            html = (
                '<div><div><span itemscope="" '
                'itemtype="http://schema.skype.com/Mention" itemid="0">'
                f"{escape(self.bot_name)}</span>&nbsp;{escape(text)}</div></div>"
            )
            text = f"{name} {text}"
        more: dict[str, Any] = {} if reply_to is None else {"replyToId": reply_to}
        return self.activity(
            "message",
            conversation,
            sender,
            id=id,
            text=text,
            textFormat="plain",
            entities=entities,
            attachments=[{"contentType": "text/html", "content": html}],
            **more,
        )

    def submit(
        self, conversation: Conversation, sender: Person, value: Mapping[str, Any], *, reply_to: str
    ) -> dict[str, Any]:
        """`Action.Submit`: a message without text that carries the data and the inputs."""
        return self.activity(
            "message",
            conversation,
            sender,
            value=dict(value),
            replyToId=reply_to,
            channelData={"legacy": {"replyToId": reply_to}, "source": {"name": "message"}},
        )

    def execute(
        self,
        conversation: Conversation,
        sender: Person,
        action: Mapping[str, Any],
        data: Mapping[str, Any],
        *,
        trigger: str,
        reply_to: str,
    ) -> dict[str, Any]:
        """`Action.Execute`: the `adaptiveCard/action` invoke; `trigger` is manual or automatic."""
        sent = {
            "type": "Action.Execute",
            **{key: action[key] for key in ("id", "title", "verb") if key in action},
        }
        sent["data"] = dict(data)
        return self.activity(
            "invoke",
            conversation,
            sender,
            name="adaptiveCard/action",
            replyToId=reply_to,
            entities=[_CLIENT],
            value={"action": sent, "trigger": trigger},
            channelData={"source": {"name": "message"}, "legacy": {"replyToId": reply_to}},
        )

    def members_added(
        self, conversation: Conversation, sender: Person, added: Sequence[Mapping[str, Any]]
    ) -> dict[str, Any]:
        """`conversationUpdate` with members added, the bot itself among them or not."""
        extra = (
            {}
            if conversation.team is None
            else {"eventType": "teamMemberAdded", "team": dict(conversation.team)}
        )
        return self.activity(
            "conversationUpdate",
            conversation,
            sender,
            membersAdded=[dict(m) for m in added],
            channelData=extra,
        )

    def installation(
        self, conversation: Conversation, sender: Person, action: str
    ) -> dict[str, Any]:
        """`installationUpdate`; `action` is add or remove."""
        return self.activity(
            "installationUpdate",
            conversation,
            sender,
            action=action,
            entities=[_CLIENT],
            channelData={"source": {"name": "message"}},
        )

    def deleted(self, conversation: Conversation, sender: Person, id: str) -> dict[str, Any]:
        """`messageDelete`: a person took a message back."""
        return self.activity(
            "messageDelete",
            conversation,
            sender,
            id=id,
            channelData={"eventType": "softDeleteMessage"},
        )

    def edited(
        self, conversation: Conversation, sender: Person, id: str, text: str
    ) -> dict[str, Any]:
        """`messageUpdate`: a person changed a message."""
        return self.activity(
            "messageUpdate",
            conversation,
            sender,
            id=id,
            text=text,
            textFormat="plain",
            channelData={"eventType": "editMessage"},
        )
