"""Outcomes of tickets of several calls: nothing is over before each of them is decided. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from countersign.approvals.forms.together import branch_of
from countersign.approvals.forms.wording import cut_visibly, in_words
from countersign.approvals.models import Delivery, Request, RequestStatus
from countersign.approvals.ports import RequestView
from countersign.approvals.ports.channels import is_over
from countersign.approvals.tickets import TicketOutcome
from countersign.connectors.receipts import receipt_url
from countersign.connectors.ticketing.outcome import OUTCOMES, is_current, said_of

_WORDS, _LEAST, _MOST = 12_000, 120, 1_500
"""Characters of what came of all calls, and of one of them."""
_APPROVED = (TicketOutcome.IN_DOUBT, TicketOutcome.FAILED, TicketOutcome.EXECUTED)
"""Ends of an approved call; the first that one of them has is the end of all."""
_RUNNING = TicketOutcome.APPROVED


def outcome_of_all(
    delivery: Delivery, view: RequestView, calls: Sequence[Request], pages_url: str = ""
) -> tuple[TicketOutcome, str] | None:
    """Where the ticket belongs and what it says; None while an answer to one of its calls is still
    wanted. What came of each is said once all are over, with receipts if there are pages below
    `pages_url`."""
    if any(is_current(delivery, each) for each in calls):
        return None
    ends = {_end(each) for each in calls}
    if len(ends) == 1:
        (end,) = ends
    elif ends <= {_RUNNING, *_APPROVED}:
        end = _RUNNING if _RUNNING in ends else next(e for e in _APPROVED if e in ends)
    else:
        end = TicketOutcome.MIXED
    if _RUNNING in ends:
        return end, _not_run(delivery, view, calls)
    room = max(_LEAST, min(_MOST, _WORDS // len(calls)))
    lines = [
        _line(number, each, said_of(delivery, _alone(view, each)), room, pages_url)
        for number, each in enumerate(calls, start=1)
    ]
    return end, "\n\n".join(lines)


def decided_elsewhere(
    delivery: Delivery, view: RequestView, calls: Sequence[Request]
) -> list[tuple[str, str]]:
    """What has been decided, or was changed, of a ticket that still waits for others, by a key for
    each: but for what people have decided in it."""
    found = []
    for number, each in enumerate(calls, start=1):
        here = each.decision is not None and str(each.decision.via) == delivery.channel
        if is_current(delivery, each) or here:
            continue
        said = said_of(delivery, _alone(view, each))
        key = f"call:{number}:{each.revision}:{each.status}"
        found.append((key, _line(number, each, said, _MOST, "")))
    return found


def _not_run(delivery: Delivery, view: RequestView, calls: Sequence[Request]) -> str:
    """Why approved calls do not run now; "" if they do."""
    approved = [each for each in calls if each.status is RequestStatus.APPROVED]
    if not approved or not (view.session.error or view.pauses):
        return ""
    return said_of(delivery, _alone(view, approved[0]))


def _end(request: Request) -> TicketOutcome:
    if request.status is RequestStatus.PENDING:
        return TicketOutcome.SUPERSEDED
    return OUTCOMES[request.status]


def _alone(view: RequestView, request: Request) -> RequestView:
    return view.model_copy(update={"request": request, "undos": view.undos_of(request)})


def _line(number: int, request: Request, said: str, room: int, pages_url: str) -> str:
    name = f"{number}. {in_words(request.tool)}{branch_of(request)}"
    url = receipt_url(pages_url, request) if is_over(request) else ""
    receipt = f"\nReceipt: {url}" if url else ""
    return f"{name}: {cut_visibly(said, room)}{receipt}"
