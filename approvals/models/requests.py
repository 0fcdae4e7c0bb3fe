"""Requests, the votes on them, and what became of their calls."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from countersign.approvals.models.base import (
    CheckpointId,
    JsonObject,
    PrincipalId,
    RequestId,
    SessionId,
    Value,
)
from countersign.approvals.models.budgets import Standing
from countersign.approvals.models.calls import (
    NOT_CHECKED,
    Checked,
    Injected,
    InParallel,
    Preview,
    RequestKind,
    Risk,
    Stage,
)
from countersign.approvals.models.canaries import Canary
from countersign.approvals.models.principals import Proof, Via
from countersign.approvals.models.results import Result
from countersign.approvals.models.timing import Timing
from countersign.approvals.models.undos import UndoOffer


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


class Verdict(StrEnum):
    """One person's answer to one revision of a request."""

    APPROVE = "approve"
    REJECT = "reject"
    MODIFY = "modify"


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
    proof: Proof | None = None
    """That its person was there, where the rule asks for that."""
    on_behalf_of: str = ""
    """The id of whom this person stood in for; "" if they decided for themselves."""

    @property
    def seat(self) -> PrincipalId:
        """Whose place it fills: a person and who stands in for them fill one."""
        return PrincipalId(self.on_behalf_of) or self.principal_id


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


class ChangedBy(Value):
    """That a person changed what an agent proposed, whoever approved it then."""

    by: PrincipalId
    by_name: str
    """With the name of whom they stood in for: `Megan Bowen for Alex Wilber`."""
    via: Via
    at: datetime


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
    changed_by: tuple[ChangedBy, ...] = ()
    """Who did, each once, the last change last; () where a release before did not say."""
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
    digest_salt: str = Field(default="", repr=False)
    """128 random bits in hex that are signed with the call: who has only its digest cannot try out
    what was in it. One for all revisions, so that the digest of an edit can be foreseen. "" in
    requests of the form before there was one."""
    call_hash: str = ""
    """SHA-256 of the canonical tool and arguments: the same call has the same."""
    same_calls: tuple[SameCall, ...] = ()
    """The newest few of the session, proposed before this one or beside it."""
    timing: Timing | None = None
    """What its time brings while it waits, beside its deadline; None: nothing."""
    next_step_at: datetime | None = None
    """When the next of that is due."""
    budgets: tuple[Standing, ...] = ()
    """Where the budgets that it draws on stood with it: when it was asked, and once it has been
    claimed, when that was reserved."""
    seen: JsonObject | None = None
    """What conditions saw of calls before it, and of those beside it."""
    questions: int = 0
    """How many were asked about it."""
    ledger_seq: int = 0
    """Where its proposal stands in the session's ledger; 0 in requests that do not say."""
    undo: UndoOffer | None = None
    """What would take it back, once it was executed."""
    parallel: InParallel | None = None
    """By which of several chats that work side by side it was proposed; None of a chat alone."""
    canary: Canary | None = Field(default=None, exclude=True, repr=False)
    """Of a test. In no answer, page or message before it has ended."""

    @property
    def checked(self) -> Checked:
        """What the tool's check and preview said."""
        if self.facts is None and self.preview is None:
            return NOT_CHECKED
        return Checked(facts=self.facts, preview=self.preview)

    @property
    def step(self) -> int:
        """The first of the stages that are open together now: where `stage` is not parallel, that
        one alone."""
        number = self.stage
        while 0 < number < len(self.stages) and _together(*self.stages[number - 1 : number + 1]):
            number -= 1
        return number

    @property
    def open_stages(self) -> range:
        """The stages that are open together from the first unfilled one on; some may be filled."""
        end = self.stage + 1
        while 0 < end < len(self.stages) and _together(*self.stages[end - 1 : end + 1]):
            end += 1
        return range(self.stage, min(end, len(self.stages)))

    @property
    def modified(self) -> bool:
        """Whether a person changed what the agent proposed."""
        return self.proposed_arguments is not None


def _together(one: Stage, next_one: Stage) -> bool:
    return one.parallel and next_one.parallel
