"""What whoever has pressed a button is told, and the message that is drawn again at once."""

from __future__ import annotations

import structlog

from countersign.approvals.errors import CountersignError
from countersign.approvals.ports import RequestView
from countersign.connectors.slack.channel import SlackChannel
from countersign.connectors.slack.client import SlackClient
from countersign.connectors.slack.deciding_together import shown_in
from countersign.connectors.slack.interactions import Interaction
from countersign.connectors.slack.markup import said
from countersign.connectors.slack.message import Bound
from countersign.connectors.slack.modals import Opened

log = structlog.get_logger(__name__)


def at_press(acted: Interaction, bound: Bound, verb: str = "") -> Opened:
    """The message in which it was pressed, and what is done there."""
    at = acted.container
    return Opened(
        request=bound.request,
        digest=bound.digest,
        calls=bound.calls,
        verb=verb,
        channel=at.channel_id,
        message=at.message_ts,
    )


class Showing:
    """Neither raises: what has happened is stored, and its delivery draws the message too."""

    def __init__(self, client: SlackClient, channel: SlackChannel) -> None:
        self._client, self._channel = client, channel

    async def tell(self, acted: Interaction, words: str) -> None:
        """Say it to whoever acted, alone."""
        channel = acted.container.channel_id
        try:
            await self._client.call(
                "chat.postEphemeral",
                lambda web: web.chat_postEphemeral(
                    channel=channel, user=acted.user.id, text=said(words)
                ),
                channel=channel,
            )
        except CountersignError as exc:
            log.warning("person not told", user=acted.user.id, reason=str(exc), said=words)

    async def redraw(self, opened: Opened, view: RequestView) -> None:
        """Draw the message again that it was opened from."""
        if not opened.channel:
            return
        shown = shown_in(view, opened)
        try:
            await self._channel.redraw(opened.channel, opened.message, shown)
        except CountersignError as exc:
            log.warning("message not drawn again", reason=str(exc))
