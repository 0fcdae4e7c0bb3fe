"""Tickets: what was read from one, and what that means. Values only; `ports` has the seam.

A ticket asks one stage about one revision of a request. Its text never changes afterwards: another
revision or stage gets a ticket of its own, so that a decision in a ticket can only ever mean what
that ticket showed.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from countersign.approvals.audit.canonical import sha256_hex
from countersign.approvals.models import Request, Value, Verdict

TARGET = "ticket:"


def target_of(request: Request) -> str:
    """The target of the delivery that shows this revision to this stage: `ticket:1.0`."""
    return f"{TARGET}{request.revision}.{request.step}"


def order_key(request_id: str, target: str, calls: str = "") -> str:
    """What a ticket carries to be found by, e.g. `R-7F3K2M9QXC4V.1.0`: no spaces, no `^`.

    Of several calls it begins with the first, and ends with a name of all of them (`calls`, as
    `Delivery.calls`): a ticket that shows others is another order.
    """
    more = f".{sha256_hex(calls.encode())[:12]}" if calls else ""
    return f"{request_id}.{target.removeprefix(TARGET)}{more}"


def target_in(key: str) -> str:
    """The target in an `order_key`."""
    return TARGET + ".".join(key.split(".")[1:3])


def request_of(key: str) -> str:
    """The request id in an `order_key`; whatever stands before the first point otherwise."""
    return key.split(".", 1)[0]


def text_sha256(text: str) -> str:
    """Hash of a ticket's text as people see it: systems rewrite line ends and trim blanks."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return sha256_hex("\n".join(line.rstrip() for line in lines).strip().encode("utf-8", "replace"))


class TicketRef(Value):
    """One ticket, by the system's own immutable id: never by a label, a name or a key."""

    id: str
    key: str
    """As people call it: `OPS-12`, `CHG0030001`."""
    url: str
    """Where a person opens it."""
    shown: str = ""
    """What the connector knows the text by that we wrote into it: one or more `text_sha256`."""
    whole: bool = False
    """Whether that text shows the whole call, so that an approval of it can count as it is."""


class FoundTicket(Value):
    """A ticket that carries the key of an order."""

    ref: TicketRef
    ours: bool
    """Whether our own account made it. Anybody can put our label on another ticket."""


class TicketAct(Value):
    """What a person did to a ticket that may be a verdict, as the system itself recorded it."""

    id: str
    """The system's own id of the change, unique within the ticket."""
    at: datetime
    """By the system's clock."""
    actor: str | None
    """Who did it, as the system identifies people; None if it does not say."""
    actor_name: str = ""
    state: str
    """What they set: a status id, or an approval state."""
    state_name: str = ""
    comment: str = ""
    """What the same person wrote about it: the last of it."""
    earlier: tuple[str, ...] = ()
    """What they had written before that since they were asked, oldest first."""
    changes: str = ""
    """The changes to the arguments that the same person asks for, as they wrote them."""
    assigned_to: str | None = None
    """Whose answer it was to give, where the system asks people one by one."""
    flaw: str = ""
    """Why it cannot count, whoever did it, as far as the ticket's own history tells."""


class Observation(Value):
    """One ticket as it was read by API: the only thing that decisions are made from."""

    ref: TicketRef
    order_key: str
    """What its label or correlation id says today; compared with our record, never trusted."""
    awaiting: bool
    """Whether people can still answer it as it stands."""
    state_name: str
    acts: tuple[TicketAct, ...] = ()
    """Oldest first."""
    altered_by: str | None = None
    """Who changed the text that we wrote, if it does not read as we wrote it."""


class TicketVote(Value):
    """An act that is somebody's verdict; whether they may give it is for the service to say."""

    act: TicketAct
    verdict: Verdict


class TicketRefusal(Value):
    """An act that looks like a verdict and cannot count, whoever it was."""

    act: TicketAct
    reason: str


class TicketWithdrawal(Value):
    """A comment by which somebody takes back the vote that they gave in this ticket."""

    act: TicketAct


class TicketQuestion(Value):
    """A comment by which somebody asks the agent before they decide."""

    act: TicketAct
    text: str


TicketFinding: TypeAlias = TicketVote | TicketRefusal | TicketWithdrawal | TicketQuestion
"""What an act in a ticket means."""


class TicketPage(Value):
    """What one poll read, and where the next one goes on."""

    observations: tuple[Observation, ...]
    cursor: str


class WebhookHint(Value):
    """That a ticket may have changed: verified, and nothing more than a reason to read it."""

    ticket_id: str
    delivery_id: str
    """The sender's id of this delivery, the same when it is repeated; empty if it has none."""
    also: tuple[str, ...] = ()
    """More tickets that the same delivery is about."""


class ActKey(Value):
    """Names one act for good: it counts once, however often and through whatever it is read."""

    channel: str
    ticket_id: str
    act_id: str


class RecordedAct(Value):
    """What became of an act."""

    key: ActKey
    request_id: str
    reason: str
    """Why it does not count; empty if it does."""
    answered: bool
    """Whether the ticket has been told."""


class PollState(Value):
    """How far a ticket system has been read."""

    channel: str
    cursor: str | None = None
    polled_at: datetime | None = None
    """When the last poll succeeded."""
    swept_at: datetime | None = None
    """When all open tickets were last read; None to do that next."""
    next_at: datetime
    failures: int = 0
    error: str | None = None
    """Why the last poll failed."""


class TicketOutcome(StrEnum):
    """Why a ticket needs no answer any more."""

    APPROVED = "approved"
    EXECUTED = "executed"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    DUPLICATE = "duplicate"
    MIXED = "mixed"
    """Of several calls, some were approved and others not."""


class CheckResult(Value):
    """One thing that `countersign doctor` looked at."""

    name: str
    ok: bool
    said: str
    """What was found; if not ok, what to do about it."""
