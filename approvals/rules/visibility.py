"""Visibility: who may read what, where calls belong to domains.

What belongs to no domain is read by everybody who is known, as without domains. What does is read
by whoever asked, those who may decide it (at any of its stages), readers of one of its domains, and
administrators.
"""

from __future__ import annotations

from collections.abc import Sequence

from countersign.approvals.models import (
    Domains,
    Principal,
    Request,
    Session,
    Subject,
    domains_of,
)
from countersign.approvals.rules.approvers import is_asked_by
from countersign.approvals.rules.authority import ADMIN_ROLE
from countersign.approvals.rules.subjects import subject_of


def may_see(person: Principal, request: Request, session: Session, domains: Domains) -> bool:
    """Whether this person may read a request."""
    subject = subject_of(request, session)
    among = domains_of(subject, domains)
    if not among or _sees(person, session, among) or person.id == request.requester:
        return True
    own = person.about(subject, domains)
    return any(is_asked_by(own, stage) for stage in request.stages)


def may_see_session(
    person: Principal, session: Session, requests: Sequence[Request], domains: Domains
) -> bool:
    """Whether this person may read a session, with what was said in it: only whoever may read all
    of its `requests`."""
    among = domains_of(Subject("", "", session.workflow), domains)
    if among and not requests and not _sees(person, session, among):
        return False
    return all(may_see(person, request, session, domains) for request in requests)


def beside(
    request: Request, session: Session, others: Sequence[Request], domains: Domains
) -> tuple[Request, ...]:
    """Those `others` of its checkpoint that may be shown to whoever is shown this request: what
    belongs to no domain, or to all those that it belongs to."""
    among = domains_of(subject_of(request, session), domains)
    found = ((each, domains_of(subject_of(each, session), domains)) for each in others)
    return tuple(each for each, its in found if not its or (among and among <= its))


def in_the_same(
    request: Request, session: Session, others: Sequence[Request], domains: Domains
) -> tuple[Request, ...]:
    """Those `others` of its session that belong to exactly the domains that it belongs to: each of
    them may be shown wherever another one is."""
    among = domains_of(subject_of(request, session), domains)
    return tuple(each for each in others if domains_of(subject_of(each, session), domains) == among)


def _sees(person: Principal, session: Session, among: frozenset[str]) -> bool:
    return bool(person.id == session.owner or ADMIN_ROLE in person.roles or person.domains & among)
