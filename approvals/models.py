"""The values of the domain: frozen, closed, and the same from the wire to the store."""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Literal, NewType, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import CoreSchema, core_schema

SessionId = NewType("SessionId", str)
RequestId = NewType("RequestId", str)
CheckpointId = NewType("CheckpointId", str)
PrincipalId = NewType("PrincipalId", str)
DeliveryId = NewType("DeliveryId", str)
ConversationKey = NewType("ConversationKey", str)

JsonObject: TypeAlias = dict[str, Any]

_SYSTEM_NAME = re.compile(r"[a-z][a-z0-9_]{0,19}")


class Value(BaseModel):
    """Base of every value: immutable, and an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SessionStatus(StrEnum):
    """Where a session stands. Only `running` and `waiting` sessions can go on."""

    RUNNING = "running"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class RequestStatus(StrEnum):
    """Where a request stands; `approvals.rules.lifecycle` holds the allowed moves."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    EXECUTING = "executing"
    EXECUTED = "executed"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"


class RequestKind(StrEnum):
    """What waits: a tool call, or free text that a user proxy asks of a person."""

    TOOL = "tool"
    INPUT = "input"


class Verdict(StrEnum):
    """One person's answer to one revision of a request."""

    APPROVE = "approve"
    REJECT = "reject"
    MODIFY = "modify"


class Effect(StrEnum):
    """What policy says of a tool call."""

    ALLOW = "allow"
    DENY = "deny"
    REQUIRE_APPROVAL = "require_approval"
    SHADOW = "shadow"


class OnError(StrEnum):
    """What it means that a tool raised an exception which it has not declared harmless."""

    FAILED = "failed"
    IN_DOUBT = "in_doubt"


class Risk(StrEnum):
    """How much harm a call can do, in the words shown on the card."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Via(str):
    """Through what a decision reached us: `api`, `cli`, `policy`, `clock`, or the name of a system.

    A system that is not there any more keeps its name in what was decided through it.
    """

    __slots__ = ()

    API: ClassVar[Via]
    CLI: ClassVar[Via]
    POLICY: ClassVar[Via]
    CLOCK: ClassVar[Via]

    def __new__(cls, name: str) -> Self:
        """The name, checked. Raises ValueError for what can be no name."""
        if not _SYSTEM_NAME.fullmatch(name):
            raise ValueError(
                f"{name!r} is no name of a system: up to 20 of a-z, 0-9 and _, a letter first"
            )
        return super().__new__(cls, name)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> CoreSchema:
        """Text in JSON; see pydantic, "Custom types"."""
        return core_schema.no_info_after_validator_function(cls, core_schema.str_schema())


Via.API, Via.CLI, Via.POLICY, Via.CLOCK = map(Via, ("api", "cli", "policy", "clock"))


class Outcome(StrEnum):
    """What became of a tool call, as the agents are told."""

    EXECUTED = "executed"
    EXECUTED_WITH_CHANGES = "executed_with_changes"
    FAILED = "failed"
    NOT_EXECUTED = "not_executed"


class Cause(StrEnum):
    """Why a tool call was not executed."""

    REJECTED = "rejected"
    EXPIRED = "expired"
    DENIED_BY_POLICY = "denied_by_policy"
    DRIFT = "drift"
    IN_DOUBT = "in_doubt"
    SHADOW = "shadow"
    INVALID_ARGUMENTS = "invalid_arguments"
    CANCELLED = "cancelled"
    NO_APPROVER = "no_approver"
    """Nobody who may decide it is left; it was not asked."""
    LIMIT = "limit"
    PRECONDITION = "precondition"
    """The tool's own check says that it makes no sense now, or could not say anything."""


class DeliveryStatus(StrEnum):
    """Where a delivery stands; `live` means that somebody can still decide on it."""

    PENDING = "pending"
    LIVE = "live"
    CLOSED = "closed"
    UNREACHABLE = "unreachable"
    """Whoever it is for cannot be reached until people undo a refusal: the app was uninstalled,
    blocked, removed, or never installed."""
    ABANDONED = "abandoned"


class Stage(Value):
    """One tier of approvers: `quorum` different people who hold one of `roles`."""

    roles: tuple[str, ...] = Field(min_length=1)
    quorum: int = Field(default=1, ge=1)
    same_person: bool = False
    """Whether an approval of an earlier stage counts here, too, if its person holds a role."""


class Preview(Value):
    """What a tool says beforehand of what a call would do."""

    kind: Literal["text", "table", "diff"] = "text"
    text: str = ""
    rows: tuple[tuple[str, ...], ...] = ()
    """Of a table; the first row is its head."""


class AfterRejection(StrEnum):
    """What becomes of a call that a person has refused in the same session, unchanged."""

    ANSWER = "answer"
    """It is refused with that person's words, and nobody is asked."""
    ASK = "ask"


class Checked(Value):
    """What a tool's own check and preview say of one call, before it runs."""

    facts: JsonObject | None = None
    """Of the world: simple values by name. Another one at the claim means: ask again."""
    preview: Preview | None = None

    def signed(self) -> JsonObject:
        """What of it is signed with the call: all that there is."""
        signed: JsonObject = {}
        if self.facts is not None:
            signed["facts"] = self.facts
        if self.preview is not None:
            signed["preview"] = self.preview.model_dump(mode="json")
        return signed


class ToolCall(Value):
    """A call that an agent proposes. `call_id` is unique within its session."""

    session_id: SessionId
    call_id: str
    tool: str
    arguments: JsonObject
    agent: str
    """The agent that proposed the call."""
    executor: str
    """The user proxy that would run it."""
    rationale: str = ""
    schema_version: str = ""
    """Of the tool: what its body makes of these arguments."""
    checked: Checked = Checked()
    """Shown, and so signed, with the call."""


class Injected(Value):
    """An argument that the workflow sets, not the agent: a dependency, a context."""

    name: str
    value: str | None = None
    """As text; None where it cannot be written."""


class Effective(Value):
    """A call's arguments as the tool's body will receive them."""

    arguments: JsonObject
    """Complete: defaults filled in, models and validators applied, dumped back to JSON."""
    defaulted: tuple[str, ...] = ()
    """JSON pointers (RFC 6901) into `arguments` of what was not given: the tool's defaults."""
    injected: tuple[Injected, ...] = ()
    schema_version: str
    """Of the tool: another one may mean something else by the same arguments."""


class Ruling(Value):
    """What policy says of one call, and by which rule."""

    effect: Effect
    rule_id: str
    reason: str
    risk: Risk = Risk.MEDIUM
    stages: tuple[Stage, ...] = ()
    deadline_s: float | None = None
    channels: tuple[str, ...] = ()
    show_first: tuple[str, ...] = ()
    """The arguments that decide: they are shown before the others."""
    on_error: OnError | None = None
    """None: in doubt where people were asked, else failed."""
    tool_timeout_s: float | None = None
    valid_for_s: float | None = None
    """How long an approval holds before its call has begun."""
    after_rejection: AfterRejection = AfterRejection.ANSWER


class Proposal(Value):
    """A call as the gate hands it in; `problem` says why it cannot even be asked."""

    call: ToolCall
    kind: RequestKind = RequestKind.TOOL
    problem: str | None = None
    offered: bool = True
    """Whether the agent was shown the tool. If not, it may not call it, whatever policy says."""
    idempotent: bool = False
    traceparent: str | None = None
    """The span in which the call is proposed."""
    defaulted: tuple[str, ...] = ()
    written: JsonObject | None = None
    """What the agent wrote, where that is not what the body will receive."""
    injected: tuple[Injected, ...] = ()
    unmet: str | None = None
    """Why the tool's own check says that it makes no sense now."""


class Principal(Value):
    """A person or service, with the identities by which channels know it."""

    id: PrincipalId
    name: str
    roles: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()
    identities: dict[str, str] = Field(default_factory=dict)
    """Channel name (`entra`, `email`, `jira`, `servicenow`) to the id in it, lower case."""


class Actor(Value):
    """Who acts, as the channel itself authenticated them; `principal` is None for strangers."""

    principal: Principal | None
    via: Via
    identity: str
    """How the channel knows them, e.g. `entra:0000…20`; recorded on the ledger."""


class Vote(Value):
    """One person's verdict on one revision."""

    request_id: RequestId
    revision: int
    principal_id: PrincipalId
    name: str
    stage: int
    verdict: Verdict
    via: Via
    identity: str
    at: datetime
    comment: str = ""
    also: tuple[int, ...] = ()
    """Later stages for which it counts as well, where the rule lets one person count for both."""


class Opening(Value):
    """That a person says to have read all of one revision, on the page that shows it."""

    request_id: RequestId
    revision: int
    principal_id: PrincipalId
    at: datetime


class Decision(Value):
    """What the votes (or policy, or the clock) add up to."""

    verdict: Verdict
    by: str
    """Principal id, `policy`, or `clock`."""
    by_name: str
    via: Via
    at: datetime
    comment: str = ""
    digest: str = ""
    """The digest that was decided on; checked again before the tool runs."""


class Finding(Value):
    """What a person found in the target system, about a call of which nobody else could say."""

    happened: bool
    """Whether the call took effect."""
    note: str
    by: PrincipalId
    by_name: str
    via: Via
    at: datetime


class Result(Value):
    """What became of a call, typed so that agents neither loop nor claim success."""

    outcome: Outcome
    content: str = ""
    """The tool's return value or error text, as the agents read it."""
    characters: int | None = None
    """Of all of it, where `content` is only its head; see `approvals.decisions.long_results`."""
    cause: Cause | None = None
    retry: bool = False
    """Whether proposing it again can make sense."""
    message: str = ""
    finding: Finding | None = None
    """By whom it is known, where the tool never said."""


class SameCall(Value):
    """Another request of the session for the very same call, as it stood when this was asked."""

    request_id: RequestId
    status: RequestStatus
    at: datetime
    """When it was decided; when it was proposed, if it is not."""
    by: str = ""
    """The name of the person who decided; "" if that was a rule, or nobody yet."""
    comment: str = ""
    changed: bool = False
    """Whether a person had changed its arguments."""


class Request(Value):
    """One call (or question) that waits, waited, or was ruled on without people."""

    id: RequestId
    session_id: SessionId
    checkpoint_id: CheckpointId
    position: int
    kind: RequestKind
    call_id: str
    tool: str
    arguments: JsonObject
    """The arguments of the current revision, as the body will receive them."""
    proposed_arguments: JsonObject | None = None
    """What the agent proposed, when a person changed it."""
    agent: str
    executor: str
    rationale: str
    risk: Risk
    rule_id: str
    reason: str
    policy_version: str
    revision: int
    digest: str
    stages: tuple[Stage, ...]
    stage: int
    channels: tuple[str, ...] = ("teams",)
    """Where it is shown."""
    status: RequestStatus
    requester: PrincipalId
    idempotent: bool
    created_at: datetime
    expires_at: datetime | None
    decision: Decision | None = None
    execution_token: str
    """Unique per request; goes to the tool as its idempotency key."""
    executing_epoch: int | None = None
    result: Result | None = None
    traceparent: str | None = None
    """The span in which it was proposed (W3C Trace Context); what follows belongs to its trace."""
    schema_version: str = ""
    """Of the tool when it was asked; "" in requests of the form before there was one."""
    defaulted: tuple[str, ...] = ()
    """JSON pointers into `arguments` of what nobody gave: the tool's defaults."""
    written: JsonObject | None = None
    """What the agent wrote, where the body would receive something else."""
    injected: tuple[Injected, ...] = ()
    show_first: tuple[str, ...] = ()
    valid_for_s: float | None = None
    """How long an approval holds before its call has begun."""
    facts: JsonObject | None = None
    """What the tool's check of the world found when it was asked."""
    preview: Preview | None = None
    asked_again: str = ""
    """Why this revision had to be asked, where that is neither the agent nor an edit."""
    call_hash: str = ""
    """SHA-256 of the canonical tool and arguments: the same call has the same."""
    same_calls: tuple[SameCall, ...] = ()
    """The newest few of the session, proposed before this one or beside it."""
    ledger_seq: int = 0
    """Where its proposal stands in the session's ledger; 0 in requests that do not say."""

    @property
    def checked(self) -> Checked:
        """What the tool's check and preview said."""
        return Checked(facts=self.facts, preview=self.preview)

    @property
    def modified(self) -> bool:
        """Whether a person changed what the agent proposed."""
        return self.proposed_arguments is not None


class Session(Value):
    """One run of a workflow for an owner."""

    id: SessionId
    workflow: str
    workflow_version: str
    task: str
    owner: PrincipalId
    status: SessionStatus
    conversation: ConversationKey | None
    created_at: datetime
    updated_at: datetime
    checkpoint_id: CheckpointId | None = None
    answer: str | None = None
    error: str | None = None
    cause: str | None = None
    """Why it ended."""


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


class Delivery(Value):
    """A request shown in one place of one channel."""

    id: DeliveryId
    request_id: RequestId
    channel: str
    target: str
    """`conversation:<key>`, `person:<principal id>`, or `ticket:<revision>.<stage>`."""
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
    """When we last asked for a ticket without hearing whether it was made."""


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


class LedgerEntry(Value):
    """One link of a session's chain; `hash` covers all the rest and the link before."""

    session_id: SessionId
    seq: int
    at: datetime
    kind: str
    body: JsonObject
    prev_hash: str
    hash: str
