"""Who may administer: asked before anything is held, archived or erased."""

from __future__ import annotations

import structlog

from countersign.approvals.audit.canonical import well_formed
from countersign.approvals.errors import InvalidError, NotAuthorisedError
from countersign.approvals.models import Actor, Principal
from countersign.approvals.rules.pausing import MAX_REASON, reason_against_administering
from countersign.approvals.rules.policies import Policies

log = structlog.get_logger(__name__)


def admin_of(policies: Policies, actor: Actor) -> Principal:
    """The person, who may administer. Raises NotAuthorisedError."""
    roles = policies.current.administrators
    against = reason_against_administering(actor.principal, roles)
    if against is not None or actor.principal is None:
        log.warning("administration refused", identity=actor.identity, via=actor.via)
        raise NotAuthorisedError(against or "You are not known here.")
    return actor.principal


def why(reason: str) -> str:
    """A reason that says something. Raises InvalidError."""
    reason = well_formed(reason).strip()
    if not 1 <= len(reason) <= MAX_REASON:
        raise InvalidError(f"Say why, in 1 to {MAX_REASON} characters.")
    return reason
