"""Tool calls, as they are proposed and ruled on."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from countersign.approvals.models.base import JsonObject, PrincipalId, SessionId, Value
from countersign.approvals.models.budgets import Standing
from countersign.approvals.models.time_rules import ANY_TIME, TimeRule


class RequestKind(StrEnum):
    """What waits: a tool call, or free text that a user proxy asks of a person."""

    TOOL = "tool"
    INPUT = "input"


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


class Reversibility(StrEnum):
    """How what a tool did can be undone, from what needs no undoing to what cannot be."""

    READ_ONLY = "read_only"
    REVERSIBLE = "reversible"
    EXTERNALLY_REVERSIBLE = "externally_reversible"
    """Only by somebody else: a recalled mail, a returned payment."""
    IRREVERSIBLE = "irreversible"


def _one_or_more(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_one_or_more)]
"""One name, or a list of them."""


class Stage(Value):
    """One tier of approvers: `quorum` different people of those whom it asks: who hold one of
    `roles`, are in one of `groups`, are named, or are on call when they vote."""

    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    people: tuple[PrincipalId, ...] = ()
    quorum: int = Field(default=1, ge=1)
    parallel: bool = False
    """Whether it is open together with the parallel ones beside it."""
    same_person: bool = False
    """Whether an approval of another stage counts here, too, if it is asked of that person."""
    rejects: int = Field(default=1, ge=1)
    """How many different people have to reject before that is the decision."""
    edits: bool = True
    """Whether its people may change the arguments."""
    comment_required: bool = False
    """Whether an approval needs a comment, as a rejection always does."""
    parties: tuple[str, ...] = Field(default=(), exclude_if=lambda v: not v)
    """With whom the call is, as its arguments say: they decide nothing of it."""
    editors: tuple[PrincipalId, ...] = Field(default=(), exclude_if=lambda v: not v)
    """Who has changed the call, where its rule may keep them out."""
    without_editors: bool = Field(default=False, exclude_if=lambda v: not v)
    """Whether they decide nothing of it."""
    on_call: Names = Field(default=(), exclude_if=lambda v: not v)
    """The schedules whose people it asks: those who are on call at the moment of their vote."""

    @model_validator(mode="after")
    def _asks_somebody(self) -> Self:
        if not (self.roles or self.groups or self.people or self.on_call):
            raise ValueError("a stage needs roles, groups, people or on_call: who may approve it?")
        return self

    def told(self) -> JsonObject:
        """As the ledger and people's programs read it: what is usual is left out."""
        usual = {"roles": list(self.roles), "quorum": self.quorum, "same_person": self.same_person}
        return {**usual, **self.model_dump(mode="json", exclude_defaults=True)}


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


NOT_CHECKED = Checked()
"""Of a tool with neither."""


class InParallel(Value):
    """Where a call was proposed by chats that work side by side."""

    branch: str
    """The chat that proposes it."""
    failed: dict[str, str] = Field(default_factory=dict)
    """The branches that had failed by then, each with why."""


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
    digest_salt: str = Field(default="", repr=False)
    """Signed with the call, so that its digest says nothing to who does not know it; "" before it
    is asked."""


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
    time: TimeRule = ANY_TIME
    after_rejection: AfterRejection = AfterRejection.ANSWER
    step_up_s: float | None = None
    """An approval needs a proof of presence that is not older than this."""
    budgets: tuple[Standing, ...] = ()
    """Where the budgets that the call draws on stand with it."""

    @property
    def edits(self) -> bool:
        """Whether people may change the arguments of what comes under it."""
        return all(stage.edits for stage in self.stages)


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
    parallel: InParallel | None = None
    unmet: str | None = None
    """Why the tool's own check says that it makes no sense now."""
