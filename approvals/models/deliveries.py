"""Conversations, and what is shown or said in them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from countersign.approvals.models.base import (
    ConversationKey,
    DeliveryId,
    JsonObject,
    PrincipalId,
    RequestId,
    SessionId,
    Value,
)


class DeliveryStatus(StrEnum):
    """Where a delivery stands; `live` means that somebody can still decide on it."""

    PENDING = "pending"
    LIVE = "live"
    CLOSED = "closed"
    UNREACHABLE = "unreachable"
    """Whoever it is for cannot be reached until people undo a refusal: the app was uninstalled,
    blocked, removed, or never installed."""
    ABANDONED = "abandoned"


class Conversation(Value):
    """Where a channel can reach people: a stored, authenticated conversation reference."""

    key: ConversationKey
    channel: str
    kind: str
    """`personal`, `group` or `channel`."""
    principal_id: PrincipalId | None
    """Whose personal chat it is."""
    reference: JsonObject
    updated_at: datetime
    blocked_at: datetime | None = None
    """Since when it refuses us in a way that people can undo."""
    blocked_reason: str | None = None


class Placing(Value):
    """Where a channel shows requests; by default in each approver's own chat."""

    where_it_began: frozenset[str] = frozenset()
    """Kinds of conversation: a session that began in one of the channel's shows its requests there,
    once for everybody."""
    identity: str = ""
    """The kind of identity without which nobody is asked there."""
    everything_in: str = ""
    """The key of a conversation in which all requests are shown, once for everybody."""
    places: tuple[str, ...] = ()
    """Names of fixed places in which every request is shown once, whoever decides it."""
    in_tickets: bool = False
    """One ticket for each revision and stage, and none for free text."""
    together: bool = False
    """Calls of one checkpoint that come to one place on the same terms are shown in one message."""
    redrawn: bool = False
    """An update draws the whole message again: of two that are under way, the one that arrives last
    is what people see."""
    takes_words: bool = False
    """Free text that agents ask for is asked in the chat in which the session began, and answered
    there in words, whatever else is shown elsewhere."""


CALLS = "calls"
"""The member of a reference that names the calls which its message shows together."""
DIGEST = "digest"
"""The member of a reference that says which revision of the call is shown there: of several calls
in one message the only one that differs."""


class Delivery(Value):
    """A request shown in one place of one channel."""

    id: DeliveryId
    request_id: RequestId
    channel: str
    target: str
    """`conversation:<key>`, `person:<principal id>`, `place:<name>`, or
    `ticket:<revision>.<stage>`."""
    status: DeliveryStatus
    reference: JsonObject | None = None
    """The outside reference (conversation and message id, or ticket key) once posted."""
    shown_version: int = 0
    wanted_version: int = 1
    attempts: int = 0
    next_at: datetime | None = None
    error: str | None = None
    ticket_id: str | None = None
    """The id of the ticket, where the channel opens tickets."""
    look_at: datetime | None = None
    """When to read the ticket, because something says that it has changed."""
    doubt_at: datetime | None = None
    """When we last asked for a ticket without hearing whether it was made; of a message that is
    drawn again, since when something older may be on its way (`delivery.second_looks`)."""

    @property
    def calls(self) -> str:
        """Names the calls of its checkpoint that its message shows, as `forms.together.named_by`;
        "" of a message of one call, or where nothing is shown yet."""
        return str((self.reference or {}).get(CALLS) or "")

    @property
    def place(self) -> JsonObject | None:
        """Where it is shown: the same of all calls that one message shows; None if nowhere yet."""
        kept = self.reference
        return None if kept is None else {k: v for k, v in kept.items() if k != DIGEST}


class Notice(Value):
    """What is told in the thread of a session: progress, or the final answer."""

    id: int
    session_id: SessionId
    conversation: ConversationKey
    text: str
    attempts: int = 0
    progress: bool = False
    """Whether it is a line of the one message that tells how the session goes on; else it is a
    message of its own, which calls people."""
    reference: JsonObject | None = None
    """The message in which the progress before it stands, as `Channel.say` has returned it."""
    before: tuple[str, ...] = ()
    """What stands in that message."""
