"""Pausing: who may pause what, and what is in the scope of a pause."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, TypeAlias

from countersign.approvals.forms.sentences import nearest
from countersign.approvals.models import (
    Domains,
    Pause,
    PauseKind,
    PauseScope,
    Principal,
    Request,
    RequestKind,
    RequestStatus,
    Session,
    Subject,
    domains_of,
)
from countersign.approvals.rules.subjects import subject_of

MAX_REASON = 500
Known: TypeAlias = Mapping[PauseKind, frozenset[str]]
"""The names of what can be paused, by kind."""


class Pausable(Protocol):
    """What is known of a workflow."""

    @property
    def name(self) -> str:
        """By which it is started."""

    @property
    def tools(self) -> Sequence[str]:
        """What its agents may call."""

    @property
    def agents(self) -> Sequence[str]:
        """Their names."""


def known_in(workflows: Iterable[Pausable]) -> Known:
    """All that can be paused where these workflows are."""
    found = list(workflows)
    return {
        PauseKind.TOOL: frozenset(tool for each in found for tool in each.tools),
        PauseKind.WORKFLOW: frozenset(each.name for each in found),
        PauseKind.AGENT: frozenset(agent for each in found for agent in each.agents),
    }


def reason_against_scope(scope: PauseScope, known: Known) -> str | None:
    """Why this cannot be paused; None if it can."""
    if scope.kind is PauseKind.ALL:
        return "Everything has no name; leave it out." if scope.name else None
    names = known.get(scope.kind, frozenset())
    if scope.name in names:
        return None
    meant = nearest(scope.name, names)
    hint = f"did you mean {meant}?" if meant else f"there are {', '.join(sorted(names)) or 'none'}."
    return f"There is no {scope.kind} {scope.name!r} here; {hint}"


def reason_against_administering(person: Principal | None, roles: Sequence[str]) -> str | None:
    """Why this person may not pause, resume or revoke what is not theirs; None if they may."""
    if person is None:
        return "You are not known here. Ask an administrator to add you to `people`."
    if not person.roles.intersection(roles):
        return f"This needs the role {' or '.join(roles)}."
    return None


def among(
    pauses: Iterable[Pause], request: Request, session: Session, domains: Domains
) -> tuple[Pause, ...]:
    """Those of these pauses in whose scope a request is; none, if it is no call of a tool. What
    belongs to a domain is as the policy says now."""
    if request.kind is not RequestKind.TOOL:
        return ()
    return tuple(pause for pause in pauses if is_in(pause.scope, request, session, domains))


def is_in(scope: PauseScope, request: Request, session: Session, domains: Domains) -> bool:
    """Whether a call is in a scope."""
    return covers(scope, subject_of(request, session), domains)


def covers(scope: PauseScope, subject: Subject, domains: Domains) -> bool:
    """`is_in`, of what a call is."""
    match scope.kind:
        case PauseKind.TOOL:
            return subject.tool == scope.name
        case PauseKind.WORKFLOW:
            return subject.workflow == scope.name
        case PauseKind.AGENT:
            return subject.agent == scope.name
        case PauseKind.DOMAIN:
            return scope.name in domains_of(subject, domains)
    return True  # of everything


def waits(request: Request) -> bool:
    """Whether the end of a pause is something to wait for."""
    return request.status in (RequestStatus.PENDING, RequestStatus.APPROVED)


def words_of(
    pauses: Iterable[Pause], request: Request, session: Session, domains: Domains
) -> str | None:
    """Who paused a call that waits, since when and why; None if nobody has."""
    held = among(pauses, request, session, domains) if waits(request) else ()
    return "; ".join(pause.words for pause in held) or None
