"""Undone: an attempt to take back what a call has done, as it stands."""

from __future__ import annotations

from enum import StrEnum

from countersign.approvals.models.base import Value
from countersign.approvals.models.requests import Request, RequestStatus
from countersign.approvals.models.sessions import Session, SessionStatus


class UndoState(StrEnum):
    """What became of an attempt; only after `not_undone` there may be another one."""

    UNDER_WAY = "under_way"
    UNDONE = "undone"
    IN_DOUBT = "in_doubt"
    NOT_UNDONE = "not_undone"


class Undone(Value):
    """The session that takes a call back, and its request once there is one."""

    session: Session
    request: Request | None

    @property
    def state(self) -> UndoState:
        """Where it stands."""
        status = None if self.request is None else self.request.status
        if status is RequestStatus.EXECUTED:
            return UndoState.UNDONE
        if status is RequestStatus.IN_DOUBT:
            return UndoState.IN_DOUBT
        if status in _OVER or self.session.status not in _LIVE:
            return UndoState.NOT_UNDONE
        return UndoState.UNDER_WAY

    @property
    def by(self) -> str:
        """The name of whoever asked for it."""
        return "somebody" if self.session.undoing is None else self.session.undoing.by_name

    @property
    def why_not(self) -> str:
        """Why it did not happen, where that is known."""
        request = self.request
        if request is None:
            return self.session.error or ""
        if request.result is None:
            return request.reason
        return request.result.message or request.result.content


_LIVE = (SessionStatus.RUNNING, SessionStatus.WAITING)
_OVER = frozenset(
    {
        RequestStatus.REJECTED,
        RequestStatus.EXPIRED,
        RequestStatus.CANCELLED,
        RequestStatus.FAILED,
    }
)
