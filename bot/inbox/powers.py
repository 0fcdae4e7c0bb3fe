"""Powers: what the reader of a request's page can do with it now."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from countersign.approvals.models import (
    HindsightKind,
    Principal,
    RequestKind,
    RequestStatus,
    Verdict,
)
from countersign.approvals.ports import RequestView
from countersign.approvals.rules.authority import reason_against_undoing
from countersign.approvals.rules.delegation import reason_in_view
from countersign.approvals.rules.rollout.who import (
    can_be_wrong,
    is_in_shadow,
    reason_against_marking,
    reason_against_recording,
)

REVOCABLE = (RequestStatus.APPROVED,)


@dataclass(frozen=True)
class Powers:
    """What the reader can do with a request now."""

    vote: bool
    why_not: str
    edit: bool
    withdraw: bool
    revoke: bool
    resolve: bool
    undo: bool
    record: bool
    """Say what they did by hand."""
    mark: bool
    """Say that it was wrong."""


def powers_of(
    view: RequestView, reader: Principal, now: datetime, administrators: Collection[str] = ()
) -> Powers:
    """What is offered. Whether it counts is judged when it is done."""
    request = view.request
    pending = request.status is RequestStatus.PENDING
    mine = [v for v in view.votes if v.revision == request.revision and v.principal_id == reader.id]
    why_not = (reason_in_view(view, reader) or "") if pending else ""
    approved = any(v.verdict is not Verdict.REJECT for v in mine)
    is_tool = request.kind is RequestKind.TOOL
    return Powers(
        vote=pending and not why_not,
        why_not=why_not,
        edit=pending and not why_not and is_tool and all(stage.edits for stage in request.stages),
        withdraw=pending and bool(mine),
        revoke=request.status in REVOCABLE and is_tool and approved,
        resolve=request.status is RequestStatus.IN_DOUBT,
        undo=_may_undo(view, reader, now),
        record=_may_record(view, reader, administrators),
        mark=_may_mark(view, reader, administrators),
    )


def _may_undo(view: RequestView, reader: Principal, now: datetime) -> bool:
    offer = view.undoable
    if offer is None or offer.until is None or offer.until <= now:
        return False
    return reason_against_undoing(reader, view.request) is None


def _may_record(view: RequestView, reader: Principal, administrators: Collection[str]) -> bool:
    if not is_in_shadow(view.request) or _said(view, HindsightKind.BY_HAND):
        return False
    return reason_against_recording(reader, view.request, administrators) is None


def _may_mark(view: RequestView, reader: Principal, administrators: Collection[str]) -> bool:
    if not can_be_wrong(view.request) or _said(view, HindsightKind.WRONG):
        return False
    return reason_against_marking(reader, view.request, administrators) is None


def _said(view: RequestView, kind: HindsightKind) -> bool:
    return any(each.kind is kind for each in view.hindsights)


def versions_of(view: RequestView, powers: Powers) -> Mapping[str, str]:
    """What the parts with forms stand for, each as a short text: equal as long as a page that is
    open shows the same, whatever was typed into it. Of no meaning beyond that."""
    request = view.request
    questions = [(each.id, each.status, each.answer) for each in view.questions]
    return {
        "forms": _short(request.id, request.revision, request.digest, request.status, powers),
        "questions": _short(powers.vote, questions),
    }


def _short(*parts: object) -> str:
    return sha256(repr(parts).encode()).hexdigest()[:16]
