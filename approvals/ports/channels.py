"""Channels: where people see requests, and what they are shown of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from countersign.approvals.models import (
    Conversation,
    ConversationKey,
    Delivery,
    Hindsight,
    JsonObject,
    Notice,
    Offer,
    OnCall,
    Opening,
    Pause,
    Placing,
    Principal,
    PrincipalId,
    Question,
    Request,
    RequestKind,
    RequestStatus,
    Reversibility,
    Session,
    StageProgress,
    Undone,
    UndoOffer,
    UndoState,
    Value,
    Vote,
)
from countersign.approvals.tickets import CheckResult

_OPEN = frozenset(
    {
        RequestStatus.PENDING,
        RequestStatus.APPROVED,
        RequestStatus.EXECUTING,
        RequestStatus.IN_DOUBT,
    }
)


_NOT_BEGUN = (RequestStatus.PENDING, RequestStatus.APPROVED)


class RequestView(Value):
    """What a channel shows of a request: all it needs, read in one transaction."""

    request: Request
    session: Session
    votes: tuple[Vote, ...]
    requester: Principal | None
    siblings: tuple[Request, ...] = ()
    """The other requests of the same checkpoint, in order."""
    arguments_schema: JsonObject | None = None
    """What the tool accepts, to draw an edit form."""
    eligible: tuple[Principal, ...] = ()
    """Who may decide the open stage now, by id; `forms.wording.people_in_words` names them."""
    steps: tuple[StageProgress, ...] = ()
    """Its stages in order: who has voted in each, what is still needed, and who could."""
    openings: tuple[Opening, ...] = ()
    """Who has read all of the current revision, where it did not fit where it was asked."""
    offers: tuple[Offer, ...] = ()
    """Grants that may be given while it is approved."""
    alike: tuple[str, ...] = ()
    """The arguments in which later calls have to be equal, if one is given."""
    pauses: tuple[Pause, ...] = ()
    """The pauses that hold, in whose scope it is, oldest first."""
    questions: tuple[Question, ...] = ()
    """What was asked about it, in order."""
    on_call: tuple[OnCall, ...] = ()
    """Who is on call by the schedules that its open stages name."""
    reversibility: Reversibility | None = None
    """The worst class of the calls of its checkpoint that wait with it; None of one alone."""
    undos: tuple[Undone, ...] = ()
    """Every attempt to take back what it has done, oldest first."""
    undos_beside: tuple[Undone, ...] = ()
    """Every attempt to take back what its siblings have done."""
    hindsights: tuple[Hindsight, ...] = ()
    """What people have put on record of it afterwards, oldest first."""
    calls: str = ""
    """Names the calls of its checkpoint that are shown in one message with it; "" of one alone."""

    @property
    def undoable(self) -> UndoOffer | None:
        """What would take back what it has done; None if nothing would, or an attempt stands. Its
        time may be over."""
        return offered(self.request, self.undos)

    def undos_of(self, request: Request) -> tuple[Undone, ...]:
        """Every attempt to take back what this call of its checkpoint has done, oldest first."""
        known = (*self.undos, *self.undos_beside)
        return tuple(each for each in known if each.session.undoes == request.id)

    @property
    def held(self) -> tuple[Pause, ...]:
        """The pauses for whose end it waits, or will once it is approved."""
        return self.pauses if self.request.status in _NOT_BEGUN else ()

    def has_read(self, principal: Principal | None) -> bool:
        """Whether this person has read all of the current revision."""
        return principal is not None and any(o.principal_id == principal.id for o in self.openings)

    @property
    def is_over(self) -> bool:
        """Whether what is shown now will not change any more."""
        return is_over(self.request)


def offered(request: Request, undos: Sequence[Undone]) -> UndoOffer | None:
    """What would take back what it has done; None if nothing would, or an attempt stands."""
    stands = any(each.state is not UndoState.NOT_UNDONE for each in undos)
    return None if stands else request.undo


def is_over(request: Request) -> bool:
    """Whether what is shown of a request will not change any more."""
    if request.kind is RequestKind.INPUT:
        return request.status is not RequestStatus.PENDING
    return request.status not in _OPEN


class Prompt(Value):
    """A message to those who are shown a request that waits."""

    number: int
    """Of all messages about the request: the same one has the same."""
    escalated: bool = False
    """Whether others may decide it now, too; else it is a reminder."""


class Channel(Protocol):
    """A place where people see requests. At-least-once: a message may be posted twice after a
    crash, so an update or a click must be understood whichever copy it comes from."""

    name: str
    placing: Placing
    """Where it shows requests. A value, because that is planned inside a transaction."""

    async def post(self, delivery: Delivery, view: RequestView) -> JsonObject:
        """Show the request and return the outside reference by which to update it.

        Raises UnavailableError to be called again later; UnreachableError if people must undo a
        refusal first; NotFoundError if the target can never be reached (the reason is shown to
        operators, and the delivery is abandoned).
        """

    async def post_list(self, delivery: Delivery, views: Sequence[RequestView]) -> JsonObject:
        """Show several requests to the person that the delivery is for, in one message that leads
        to each of them. Its reference is that of every one; `update` of it changes nothing. Raises
        as `post`."""

    async def update(self, delivery: Delivery, view: RequestView) -> JsonObject | None:
        """Make what `delivery.reference` shows match `view`. Idempotent. Returns the reference to
        keep instead; None if it stays.

        Raises as `post`; NotFoundError if the message is gone.
        """

    def busy_s(self, delivery: Delivery) -> float:
        """Seconds until anything can be sent to where it is shown, if that is known already; 0 to
        try. Pure memory: it is asked before the row is taken."""

    async def say(self, conversation: Conversation, notice: Notice) -> JsonObject | None:
        """Post a text into a conversation. Raises as `post`.

        Where `notice.reference` names a message, that becomes `notice.before` with the text behind
        it, instead of another message. Returns the reference of the message in which it stands now;
        None where messages cannot be changed.
        """

    async def remind(self, delivery: Delivery, view: RequestView, prompt: Prompt) -> None:
        """Say that the request shown at `delivery.reference` still waits, so that it calls people:
        in words that lead to what is shown, and never as another one that can be answered. Raises
        as `update`."""

    def over(self, delivery: Delivery, view: RequestView) -> bool:
        """Whether what is shown there now will not change any more. Pure."""

    async def check(self) -> Sequence[CheckResult]:
        """Look at what a deployment can get wrong there. Raises UnavailableError or
        ConfigurationError if that cannot be seen."""


Channels = Mapping[str, Channel]


class Conversations(Protocol):
    """Where people can be reached: stored, authenticated conversation references.

    A channel looks an address up when it sends, and keeps no copy of it.
    """

    async def get(self, key: ConversationKey) -> Conversation | None:
        """The conversation of this key."""

    async def personal(self, principal_id: PrincipalId, channel: str) -> Conversation | None:
        """The newest one-to-one chat with this person in this channel."""

    async def save(
        self, heard: Conversation, *, only_known: bool = False, installed: bool = False
    ) -> bool:
        """It was heard of: it is where it says, and open to us. Whether it was not known."""

    async def closed(self, known: Conversation, reason: str) -> bool:
        """It refuses us until people there undo that; `reason` as of UnreachableError. False if it
        was heard of since `known` was read."""

    async def removed(self, heard: Conversation, reason: str) -> None:
        """It is closed to us, and with it all of its team."""

    async def opened(self, key: ConversationKey) -> None:
        """Something could be sent there, though it was closed."""
