"""The seams: what the domain asks of the world, with each contract in its docstring."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from countersign.approvals.audit.seals import Unsealed
from countersign.approvals.models import (
    Checked,
    Conversation,
    ConversationKey,
    Delivery,
    Effective,
    JsonObject,
    Notice,
    Opening,
    Principal,
    PrincipalId,
    Request,
    RequestKind,
    RequestStatus,
    Session,
    Value,
    Vote,
)
from countersign.approvals.tickets import (
    CheckResult,
    FoundTicket,
    Observation,
    TicketAct,
    TicketOutcome,
    TicketPage,
    TicketRef,
    TicketRefusal,
    TicketVote,
    WebhookHint,
)

T = TypeVar("T")
_OPEN = frozenset(
    {
        RequestStatus.PENDING,
        RequestStatus.APPROVED,
        RequestStatus.EXECUTING,
        RequestStatus.IN_DOUBT,
    }
)


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> datetime:
        """The time as an aware UTC datetime; goes back only where the machine's clock was set back
        for good."""


class Reader(Protocol):
    """Rows to look at, also of a database that somebody else writes."""

    async def read(self, unit: Callable[[Connection], T]) -> T:
        """Run `unit` on a read-only snapshot. Raises UnavailableError if it cannot be read."""


class Store(Reader, Protocol):
    """Rows with transactions. Units are plain synchronous functions over a Connection."""

    unsealed: Unsealed
    """Where the chains end that its units have added to, until they are sealed."""

    async def write(self, unit: Callable[[Connection], T]) -> T:
        """Run `unit` in one transaction and return its value once that is durable.

        An exception from `unit` undoes all of it and is raised here. Cancelling the caller does
        not undo the unit. A unit does SQL only: no awaiting, no network, no slow work.
        Raises UnavailableError if the store cannot be written.
        """


class Job(Value):
    """A doorbell: `kind` names the handler, `id` the row to look at. Carries no work itself.

    Losing, repeating or overlapping a job is harmless: the rows are the truth.
    """

    kind: str
    id: str


class Jobs(Protocol):
    """Follow-up work that rides on the caller's transaction."""

    def enqueue(self, connection: Connection, job: Job) -> None:
        """Ring `job` once the transaction of `connection` has committed; never if it has not."""

    def enqueue_here(self, connection: Connection, job: Job, *, at: datetime | None = None) -> None:
        """`enqueue` in this process alone, which has leased the row to itself; or, with `at`, not
        before then, and not at all if the row is rung for meanwhile. A sweep does it otherwise."""

    def handle(self, kind: str, handler: Callable[[str], Awaitable[None]]) -> None:
        """Register the handler of `kind`. It must bear being run twice, also at once."""

    async def run(self) -> None:
        """Work until cancelled: doorbells at once, and a sweep over due rows at start-up and
        every few seconds, which finds whatever a lost doorbell left behind."""


class Directory(Protocol):
    """Who people are. Answers are those of now, so revoking a role works at once."""

    def by_id(self, principal_id: str) -> Principal | None:
        """The principal with this id."""

    def by_identity(self, kind: str, value: str) -> Principal | None:
        """The principal that a channel knows as `value`; `kind` is `entra`, `jira`, …"""

    def with_roles(self, roles: Sequence[str]) -> Sequence[Principal]:
        """Everybody who holds at least one of `roles`, ordered by id."""

    def everybody(self) -> Sequence[Principal]:
        """Everybody there is, ordered by id."""


class Schemas(Protocol):
    """What the tools of a workflow accept, to be shown."""

    def schema(self, workflow: str, tool: str) -> JsonObject | None:
        """The JSON Schema of the tool's arguments as the tool takes them; None if unknown."""


class ToolCatalog(Schemas, Protocol):
    """What the tools of a workflow accept."""

    def schema_version(self, workflow: str, tool: str) -> str | None:
        """Names what the tool takes and fills in, here and now; None if unknown."""

    def schema_versions(self) -> frozenset[str]:
        """Those of all tools here."""

    async def effective(self, workflow: str, tool: str, arguments: JsonObject) -> Effective | None:
        """What the tool's body would receive for `arguments`; None if the tool is unknown.

        Raises InvalidArgumentsError with a reason by argument. Runs the validators of the tool's
        parameters, for as long as their limit lets them, not the tool.
        """

    async def checked(self, workflow: str, tool: str, arguments: JsonObject) -> Checked | None:
        """What the tool's check and preview say of a call with these effective arguments; None if
        the tool is unknown.

        Runs code of the workflow's, for as long as its limit lets it. Raises
        PreconditionFailedError; CheckFailedError if they cannot say anything.
        """

    def input_roles(self, workflow: str, executor: str) -> tuple[str, ...]:
        """Who answers this user proxy's free-text questions; () for the policy's default."""


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
    openings: tuple[Opening, ...] = ()
    """Who has read all of the current revision, where it did not fit where it was asked."""

    def has_read(self, principal: Principal | None) -> bool:
        """Whether this person has read all of the current revision."""
        return principal is not None and any(o.principal_id == principal.id for o in self.openings)

    @property
    def is_over(self) -> bool:
        """Whether what is shown now will not change any more."""
        status = self.request.status
        if self.request.kind is RequestKind.INPUT:
            return status is not RequestStatus.PENDING
        return status not in _OPEN


class Channel(Protocol):
    """A place where people see requests. At-least-once: a message may be posted twice after a
    crash, so an update or a click must be understood whichever copy it comes from."""

    name: str

    async def post(self, delivery: Delivery, view: RequestView) -> JsonObject:
        """Show the request and return the outside reference by which to update it.

        Raises UnavailableError to be called again later; UnreachableError if people must undo a
        refusal first; NotFoundError if the target can never be reached (the reason is shown to
        operators, and the delivery is abandoned).
        """

    async def update(self, delivery: Delivery, view: RequestView) -> None:
        """Make what `delivery.reference` shows match `view`. Idempotent.

        Raises as `post`; NotFoundError if the message is gone.
        """

    def busy_s(self, delivery: Delivery) -> float:
        """Seconds until anything can be sent to where it is shown, if that is known already; 0 to
        try. Pure memory: it is asked inside a transaction, in any thread."""

    async def say(self, conversation: Conversation, notice: Notice) -> JsonObject | None:
        """Post a text into a conversation. Raises as `post`.

        Where `notice.reference` names a message, that becomes `notice.before` with the text behind
        it, instead of another message. Returns the reference of the message in which it stands now;
        None where messages cannot be changed.
        """

    def over(self, delivery: Delivery, view: RequestView) -> bool:
        """Whether what is shown there now will not change any more. Pure."""

    def targets(
        self,
        request: Request,
        session: Session,
        approvers: Sequence[Principal],
        conversation: Conversation | None,
    ) -> Sequence[str]:
        """Where to show the request: `conversation:<key>` or `person:<id>`. Pure: it is called
        inside a transaction. `conversation` is the one in which the session began."""

    async def check(self) -> Sequence[CheckResult]:
        """Look at what a deployment can get wrong there. Raises UnavailableError or
        ConfigurationError if that cannot be seen."""


class TicketOrder(Value):
    """A ticket to be opened: one for each revision and stage of a request."""

    key: str
    """`approvals.tickets.order_key`; the ticket carries it, so that `find` finds it."""
    view: RequestView
    approvers: tuple[Principal, ...]
    """Who may answer, ordered by id; each has an identity of the connector's kind."""


KnownTickets = Callable[[Sequence[str]], Awaitable[Sequence[TicketRef]]]
"""Those of these ticket ids in which somebody can still decide."""


class TicketConnector(Protocol):
    """A system in which people decide by answering a ticket.

    Every `text` is plain: the connector escapes it, so that nothing in it becomes markup.

    Any method may raise UnavailableError: nothing was done, come again, perhaps after
    `retry_after_s`. Writes are never repeated inside. What was written and not answered raises
    UnansweredError: look with `find` (or read the ticket) before writing again.
    """

    name: str
    """`jira`, `servicenow`: the channel, the kind of identity, and the `Via` of votes."""
    poll_every_s: float
    index_lag_s: float
    """How long a ticket may exist before `find` sees it; 0 where reads follow writes at once."""
    languages: Sequence[str]
    """Codes of the languages in which people write in its tickets."""
    changes_words: Sequence[str]
    """More words by which they ask for changes."""

    async def check(self) -> Sequence[CheckResult]:
        """Look at everything a deployment can get wrong; never raises for what it reports."""

    async def find(self, key: str) -> Sequence[FoundTicket]:
        """Tickets that carry this order key, the first made first. Reads an index that may be
        behind by `index_lag_s`."""

    async def open_ticket(self, order: TicketOrder) -> TicketRef:
        """Make the ticket, without looking whether there is one.

        Raises InvalidError if the system refuses what we send (a required field, an unknown
        assignee): the text says which setting to change. Raises UnansweredError.
        """

    async def adopt(self, order: TicketOrder, ref: TicketRef) -> TicketRef:
        """Make a ticket that is there already what the order says: its text, who may answer.

        Completes what an attempt that died has begun, and restores a text that somebody changed.
        Idempotent. Raises as `open_ticket`, and NotFoundError if it is gone.
        """

    async def fetch_decisions(self, since: str | None, known: KnownTickets) -> TicketPage:
        """Read what has changed since the cursor of an earlier page, in one query whatever the
        number of tickets; without a cursor, every ticket that is still open.

        `known` says of what was read which tickets wait, so that their text can be compared. May
        return tickets again that have not changed, and tickets that are not ours.
        """

    async def fetch_one(self, ref: TicketRef) -> Observation | None:
        """Read one ticket, whatever any index says; None if it is gone or hidden from us."""

    async def comment(self, ref: TicketRef, text: str, *, key: str) -> None:
        """Write to the people in the ticket, once for each `key`; like `ask_again` and `close` also
        if this process does it several times at once. Raises NotFoundError."""

    async def ask_again(self, ref: TicketRef, act: TicketAct, text: str, *, counted: bool) -> None:
        """Say `text`, and make the ticket answerable again after `act`: it did not count, or it
        did (`counted`) and more people have to answer. Idempotent. Raises NotFoundError."""

    async def close(self, ref: TicketRef, outcome: TicketOutcome, text: str) -> None:
        """Say `text` (unless it is empty) and bring the ticket to where `outcome` belongs, as far
        as its workflow lets us. Idempotent. Raises NotFoundError."""

    def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> WebhookHint | None:
        """The ticket that a delivery is about; None if it is about nothing that concerns us.

        Raises InvalidWebhookError unless the raw body is signed with our secret; also if we have
        no secret.
        """

    def decide(self, observation: Observation) -> Sequence[TicketVote | TicketRefusal]:
        """What the acts mean, oldest first; nothing at all means: still pending. Pure."""

    async def close_client(self) -> None:
        """Let go of connections and threads."""


TicketConnectors = Mapping[str, TicketConnector]


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


Channels = Mapping[str, Channel]
