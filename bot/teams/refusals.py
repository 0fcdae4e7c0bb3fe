"""Refusals by Teams, and what follows: wait for people, find another address, or give up.

Source of the codes: learn.microsoft.com/microsoftteams, "Messages in bot conversations", status
codes from bot conversational APIs; `MessageWritesBlocked`: answers/questions/5858588 there. Read
2026-11-29.
"""

from __future__ import annotations

from countersign.approvals.errors import (
    CountersignError,
    MisdirectedError,
    NotFoundError,
    UnavailableError,
    UnreachableError,
)
from countersign.bot.teams.connector_error import ConnectorError

RETRIED = frozenset({412, 429, 502, 503, 504})
"""Source: learn.microsoft.com, "Optimize your bot with rate limiting in Teams", read 2026-11-22."""
GONE = frozenset({404, 405, 410, 501})
"""405 and 501: the client cannot update messages at all (offline Web Chat)."""
MISDIRECTED = frozenset({400, 413})
"""400 is also what a connector answers that is not the conversation's ("redirected to the wrong
geo", microsoft/BotFramework-Services#339); 413 is about the message."""
OTHER_HOST = "InvalidBotApiHost"
"""A 403 that names no person: the conversation has another address."""
REASONS = {
    "BotNotInConversationRoster": "has uninstalled the app",
    "ForbiddenOperationException": "has not installed the app",
    "ConversationBlockedByUser": "has blocked the bot",
    "MessageWritesBlocked": "has blocked or uninstalled the app",
    "BotDisabledByAdmin": "may not use the app, as an administrator has disabled it",
}
"""Every 403 can be undone by people; these are the ones that say how."""
REFUSES = "refuses the bot"


def translated(what: str, error: ConnectorError) -> CountersignError:
    """What `error` means for whoever wanted `what`."""
    if error.status == 403 and error.code != OTHER_HOST:
        return UnreachableError(
            f"{what}: Teams answered {error}", reason=REASONS.get(error.code, REFUSES)
        )
    if error.status in GONE:
        return NotFoundError(f"{what}: Teams answered {error}; it is gone or closed to the bot")
    if error.status == 401:
        return UnavailableError(f"{what}: Teams refused the bot's credentials ({error})")
    if error.status == 403 or error.status in MISDIRECTED:
        return MisdirectedError(f"{what}: Teams answered {error}")
    return UnavailableError(f"{what}: Teams answered {error}", retry_after_s=error.retry_after_s)
