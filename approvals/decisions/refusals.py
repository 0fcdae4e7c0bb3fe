"""Refused attempts: they are on the ledger, but not without end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from countersign.approvals.errors import (
    CountersignError,
    ExpiredError,
    NotAuthorisedError,
    TooManyRefusalsError,
)
from countersign.approvals.models import Actor, JsonObject, Request
from countersign.approvals.ports import Unit
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import refusals as refusal_rows

ON_LEDGER = 20
"""Refusals of one person at one request that have entries of their own; others are counted."""
VOTE, RESOLVING, REVOKING = "vote_refused", "settling_refused", "revoking_refused"
ASKING, ANSWERING = "asking_refused", "answering_refused"
UNDOING = "undoing_refused"
RECORDING, MARKING = "recording_refused", "marking_refused"
"""The ledger's kinds."""


@dataclass(frozen=True)
class Refusal:
    """An attempt that is recorded as refused; the transaction stands, the caller is told."""

    error: CountersignError


def refused(
    unit: Unit,
    request: Request,
    actor: Actor,
    reason: str,
    *,
    kind: str = VOTE,
    **more: Any,
) -> NotAuthorisedError:
    """Record it, with `more` of what was tried; returns what they are told."""
    number = refusal_rows.add(unit.connection, request.id, actor.identity)
    if number > ON_LEDGER:
        return TooManyRefusalsError(
            f"{reason} You were refused {number} times at request {request.id}, which is too "
            "often: stop trying, and ask an administrator whether you should be able to decide it."
        )
    body: JsonObject = {
        "request": request.id,
        "by": None if actor.principal is None else actor.principal.id,
        "identity": actor.identity,
        "via": actor.via,
        "reason": reason,
        "number": number,
        **more,
    }
    ledger_rows.append(unit, request.session_id, (kind, body))
    return NotAuthorisedError(reason)


def expired(request: Request) -> ExpiredError:
    """What is told to whoever comes too late."""
    when = "" if request.expires_at is None else f" at {request.expires_at:%Y-%m-%d %H:%M UTC}"
    return ExpiredError(f"Request {request.id} expired{when}. Nothing was run.")
