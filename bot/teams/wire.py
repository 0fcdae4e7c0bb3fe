"""An activity as it arrives: the fields that we read, each checked once."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from countersign.approvals.models import ConversationKey, JsonObject
from countersign.bot.teams.spoken import plain_words
from countersign.connectors.conversing.said import Kind


class _Wire(BaseModel):
    """A vendor object: what we do not read is dropped, what we read must have its type."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel)


class Account(_Wire):
    """A person or bot, as the channel names them."""

    id: str = ""
    name: str | None = None
    aad_object_id: str | None = None


class Chat(_Wire):
    """The conversation an activity belongs to."""

    id: str = Field(default="", max_length=1024)
    conversation_type: str | None = None
    is_group: bool | None = None
    tenant_id: str | None = None
    name: str | None = None


class IncomingActivity(_Wire):
    """One activity. Nothing in it says who may do what: `sender` is only who the channel names."""

    type: str = Field(default="", max_length=64)
    id: str | None = None
    name: str | None = None
    text: str | None = None
    value: Any = None
    channel_id: str = Field(default="", max_length=64)
    service_url: str = Field(default="", max_length=2048)
    sender: Account = Field(default=Account(), alias="from")
    recipient: Account | None = None
    conversation: Chat = Chat()
    reply_to_id: str | None = None
    entities: tuple[JsonObject, ...] | None = None
    channel_data: JsonObject | None = None
    members_added: tuple[Account, ...] | None = None
    members_removed: tuple[Account, ...] | None = None
    action: str | None = None
    locale: str | None = None

    @property
    def tenant_id(self) -> str | None:
        """The Entra tenant, from the conversation or else from the channel's own data."""
        tenant = (self.channel_data or {}).get("tenant")
        return self.conversation.tenant_id or (
            tenant.get("id") if isinstance(tenant, dict) else None
        )

    @property
    def event_type(self) -> str:
        """What exactly has happened, as Teams says it beside the type."""
        return str((self.channel_data or {}).get("eventType") or "")

    @property
    def adds_bot(self) -> bool:
        """Whether it says that the bot is there now. Source for this and the next:
        learn.microsoft.com, "Conversation events in your Teams bot", read 2026-11-29."""
        match self.type:
            case "installationUpdate":
                return self.action not in ("remove", "remove-upgrade")
            case "conversationUpdate":
                return self.recipient is None or self._bot_is_among(self.members_added)
        return False

    @property
    def removes_bot(self) -> bool:
        """Whether it says that the bot is not there any more."""
        match self.type:
            case "installationUpdate":
                return self.action == "remove"
            case "conversationUpdate":
                return self._bot_is_among(self.members_removed)
        return False

    def _bot_is_among(self, members: tuple[Account, ...] | None) -> bool:
        bot = self.recipient.id if self.recipient else ""
        return bool(bot) and bot in {member.id for member in members or ()}

    @property
    def conversation_key(self) -> ConversationKey:
        """Our name for the conversation; a thread of a channel is a conversation of its own."""
        return ConversationKey(f"{self.channel_id}:{self.conversation.id}")

    @property
    def conversation_kind(self) -> Kind:
        """Personal, group or channel; an unknown kind counts as personal only if not a group."""
        match self.conversation.conversation_type:
            case "personal":
                return "personal"
            case "channel":
                return "channel"
            case "groupChat":
                return "group"
        return "group" if self.conversation.is_group else "personal"

    @property
    def reference(self) -> JsonObject:
        """By which to write into this conversation later: a Bot Framework ConversationReference,
        with the team to which a channel belongs."""
        team = (self.channel_data or {}).get("team")
        reference = {
            "channelId": self.channel_id,
            "serviceUrl": self.service_url,
            "conversation": self.conversation.model_dump(by_alias=True, exclude_none=True),
            "user": self.sender.model_dump(by_alias=True, exclude_none=True),
            "bot": (self.recipient or Account()).model_dump(by_alias=True, exclude_none=True),
            "locale": self.locale,
            "team": team.get("id") if isinstance(team, dict) else None,
        }
        return {name: value for name, value in reference.items() if value}

    @property
    def words(self) -> str:
        """What the person wrote: no mention of the bot, no markup; see `spoken`."""
        bot = self.recipient.id if self.recipient else None
        return plain_words(self.text or "", self.entities or (), bot)
