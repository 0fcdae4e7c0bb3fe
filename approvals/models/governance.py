"""What the governance ledger tells: each kind of entry is one of these, and its body has these
members."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from countersign.approvals.models.base import JsonObject, PrincipalId, RequestId, SessionId, Value
from countersign.approvals.models.given import DelegationId
from countersign.approvals.models.grants import GrantId
from countersign.approvals.models.pauses import PauseId, PauseScope
from countersign.approvals.models.principals import Via
from countersign.approvals.models.rollouts import Phase


class PolicySource(StrEnum):
    """What made a server read the policy by which it rules since."""

    START = "start"
    """The server started with it."""
    FILE = "file"
    """Its file was changed while the server ran."""
    SIGNAL = "signal"
    """Somebody sent SIGHUP to the server."""


class Governance(Value):
    """The body of an entry that belongs to no session."""

    kind: ClassVar[str]


class PolicyChanged(Governance):
    """Another policy rules than before."""

    kind: ClassVar[str] = "policy_changed"

    before: str | None
    """The version that ruled last on this database; None if none is on record."""
    after: str
    source: PolicySource
    file: str
    """The path of the configuration, as the server was given it."""


class PeopleChanged(Governance):
    """A server knows other people from its file than before, or the same with other roles."""

    kind: ClassVar[str] = "people_changed"

    before: str | None
    """SHA-256 of the canonical JSON of the people known last on this database; None if none are on
    record."""
    after: str
    people: JsonObject
    """By id, all that the file says of what they may do, by whom they are known and who decides for
    them."""
    changes: tuple[str, ...]
    """Each as a sentence: `Rita Roe (rita) lost the role manager`."""
    file: str


class DirectoriesChanged(Governance):
    """A server reads people from elsewhere than before, or makes others of them."""

    kind: ClassVar[str] = "directories_changed"

    before: str | None
    """SHA-256 of the canonical JSON of what was read last on this database; None if nothing is on
    record."""
    after: str
    directories: JsonObject
    """By name, all that the file says of what being in a group gives, from where a schedule is
    read, and who is meant by its names."""
    changes: tuple[str, ...]
    """Each as a sentence: `jira: the group finance gives the role controller`."""
    file: str


class PauseBegan(Governance):
    """Somebody paused something."""

    kind: ClassVar[str] = "pause_began"

    pause: PauseId
    scope: PauseScope
    reason: str
    by: PrincipalId
    via: Via
    identity: str
    """How the channel knows them."""


class PauseEnded(Governance):
    """Somebody let it go on."""

    kind: ClassVar[str] = "pause_ended"

    pause: PauseId
    scope: PauseScope
    by: PrincipalId
    via: Via
    identity: str


class GrantGiven(Governance):
    """Somebody gave a grant, or their part of it."""

    kind: ClassVar[str] = "grant_given"

    grant: GrantId
    on_request: RequestId
    tool: str
    rule: str
    by: PrincipalId
    stage: int
    via: Via
    identity: str
    allows: str
    """What it allows from then on, in words; the rows have all of it."""
    complete: bool
    """Whether every stage has given it."""


class GrantUsedUp(Governance):
    """The last call that it allowed begins to run."""

    kind: ClassVar[str] = "grant_used_up"

    grant: GrantId
    session: SessionId
    by_request: RequestId
    uses: int
    total: str


class GrantRevoked(Governance):
    """Somebody ended a grant."""

    kind: ClassVar[str] = "grant_revoked"

    grant: GrantId
    by: PrincipalId
    via: Via
    identity: str


class DelegationGiven(Governance):
    """Somebody lets somebody else decide for them for a time."""

    kind: ClassVar[str] = "delegation_given"

    delegation: DelegationId
    giver: PrincipalId
    delegate: PrincipalId
    starts_at: str
    ends_at: str
    roles: tuple[str, ...]
    """Those of the giver's that it is about; none named: all."""
    reason: str
    via: Via
    identity: str


class DelegationRevoked(Governance):
    """A delegation was taken back."""

    kind: ClassVar[str] = "delegation_revoked"

    delegation: DelegationId
    by: PrincipalId
    via: Via
    identity: str


class SealingKeyChanged(Governance):
    """Checkpoints are signed with another key than before."""

    kind: ClassVar[str] = "sealing_key_changed"

    before: str | None
    """The public key that signed until then; None if none is on record."""
    after: str
    size: int
    """Of the last tree that the key before may have signed."""
    handover: str | None
    """The note that the key before has signed (`approvals.audit.handover`); None of the first."""


class PasskeyAdded(Governance):
    """Somebody added a passkey of theirs."""

    kind: ClassVar[str] = "passkey_added"

    passkey: str
    """The credential's id."""
    key: str
    """The SHA-256 of its public key."""
    name: str
    by: PrincipalId
    via: Via
    identity: str


class PasskeyRemoved(Governance):
    """A passkey counts no longer."""

    kind: ClassVar[str] = "passkey_removed"

    passkey: str
    of: PrincipalId
    by: PrincipalId
    via: Via
    identity: str


class RolloutMoved(Governance):
    """A rule stands at another phase for a tool: somebody has accepted that, or it fell back."""

    kind: ClassVar[str] = "rollout_moved"

    rule: str
    tool: str
    meaning: str
    before: Phase
    after: Phase
    cause: str
    """`promoted` or `demoted` by a person, `regret`, or `changed`: the rule means another thing."""
    reason: str
    by: PrincipalId | None
    """None where nobody moved it: a server began to rule by another policy."""
    via: Via | None
    identity: str
    on_request: RequestId | None
    """Of a regret: which call it was."""
    evidence: JsonObject | None
    """What there was to see then; None where nobody had to look."""
