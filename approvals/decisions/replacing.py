"""Replacing: a request as it is now, unless somebody was first."""

from __future__ import annotations

from countersign.approvals.errors import AlreadyDecidedError, IntegrityError, MovedOnError
from countersign.approvals.models import Request
from countersign.approvals.ports import Unit
from countersign.approvals.store import requests as request_rows


def decide(unit: Unit, before: Request, after: Request) -> None:
    """Write what people or a deadline decided. Raises AlreadyDecidedError with who was first."""
    if not request_rows.replace(unit, (before, after)):
        current = request_rows.get(unit.connection, before.id)
        raise AlreadyDecidedError(current.id, current.status, current.decision)


def replace(unit: Unit, before: Request, after: Request) -> None:
    """Write what nobody else writes meanwhile. Raises IntegrityError if somebody did, MovedOnError
    if the unit has not looked."""
    if not request_rows.replace(unit, (before, after)):
        if unit.left is not None:
            raise MovedOnError(f"Request {before.id} is not as its run has left it.")
        raise IntegrityError(f"Request {before.id} changed while it was being written.")
