"""Activities and conversations as the classes of the Bot Framework's library have them."""

from __future__ import annotations

from typing import Any

from botbuilder.schema import (
    Activity,
    Attachment,
    ChannelAccount,
    ConversationAccount,
    ConversationReference,
)

from countersign.approvals.models import JsonObject
from countersign.bot.teams.messages import CARD_TYPE, Card, Message, Text
from countersign.bot.teams.wire import IncomingActivity


def verified_activity(activity: IncomingActivity) -> Activity:
    """Built from the verified values, not parsed a second time from the bytes."""
    return Activity(
        type=activity.type,
        id=activity.id,
        name=activity.name,
        channel_id=activity.channel_id,
        service_url=activity.service_url,
        conversation=ConversationAccount(id=activity.conversation.id),
        from_property=ChannelAccount(id=activity.sender.id, name=activity.sender.name),
        recipient=ChannelAccount(id=activity.recipient.id if activity.recipient else ""),
    )


def outgoing_activity(message: Message) -> Activity:
    """A message as it is sent."""
    match message:
        case Text():
            text_format = "markdown" if message.markdown else "plain"
            return Activity(type="message", text=message.shortened, text_format=text_format)
        case Card():
            attachment = Attachment(content_type=CARD_TYPE, content=message.content)
            return Activity(type="message", summary=message.summary, attachments=[attachment])


def vendor_reference(reference: JsonObject) -> ConversationReference:
    """Where a message is sent."""
    return ConversationReference(
        channel_id=reference["channelId"],
        service_url=reference["serviceUrl"],
        conversation=ConversationAccount(
            id=reference["conversation"]["id"],
            tenant_id=reference["conversation"].get("tenantId"),
        ),
        bot=_account(reference.get("bot")),
        user=_account(reference.get("user")),
        locale=reference.get("locale"),
    )


def _account(value: Any) -> ChannelAccount | None:
    if not isinstance(value, dict):
        return None
    return ChannelAccount(
        id=value.get("id"), name=value.get("name"), aad_object_id=value.get("aadObjectId")
    )
