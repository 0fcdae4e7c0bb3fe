"""Silence: whether a request may run although nobody has decided it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from countersign.approvals.models import (
    AtDeadline,
    Delivery,
    Request,
    RequestStatus,
    Reversibility,
    Ruling,
)
from countersign.approvals.rules.rulings import UNDOABLE
from countersign.approvals.rules.timing import never_approved, with_timing

ClassOf = Callable[[str], Reversibility]
_MAY_RUN = frozenset({RequestStatus.PENDING, RequestStatus.APPROVED, RequestStatus.EXECUTING})


def is_undoable(requests: Iterable[Request], class_of: ClassOf) -> bool:
    """Whether all that may still run of these can be undone: together they have the highest of
    their classes."""
    return all(class_of(r.tool) in UNDOABLE for r in requests if r.status in _MAY_RUN)


def as_one_batch(requests: Sequence[Request], class_of: ClassOf) -> list[Request]:
    """Requests that are proposed together: none runs by itself if one of them cannot be undone."""
    if is_undoable(requests, class_of):
        return list(requests)
    return [with_timing(request, never_approved(request.timing)) for request in requests]


def is_meant(request: Request) -> bool:
    """Whether its rule said so when it was asked."""
    timing = request.timing
    return timing is not None and timing.rule.at_deadline is AtDeadline.APPROVE


def against_silence(
    request: Request,
    ruling: Ruling,
    batch: Iterable[Request],
    shown: Iterable[Delivery],
    class_of: ClassOf,
) -> str | None:
    """Why a request does not run at its deadline although its rule said so when it was asked; None
    if it does. `ruling` is that of today, `batch` what was proposed with it."""
    if request.modified:
        return "Its arguments were changed by a person"
    if ruling.time.at_deadline is not AtDeadline.APPROVE:
        return "Its rule does not let it run without a decision any more"
    if not is_undoable([request, *batch], class_of):
        return "What was proposed with it cannot be undone"
    if all(delivery.reference is None for delivery in shown):
        return "It was shown to nobody"
    return None
