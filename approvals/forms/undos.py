"""What people read of undos: of an attempt beside the call, and of the call beside the attempt."""

from __future__ import annotations

from countersign.approvals.models import Session, Undone, UndoOffer, UndoState


def attempt_words(undone: Undone) -> str:
    """One attempt to take a call back, as a sentence."""
    request = "" if undone.request is None else f" (request {undone.request.id})"
    if undone.state is UndoState.UNDONE:
        return f"Undone for {undone.by}{request}."
    if undone.state is UndoState.IN_DOUBT:
        return f"It is not known whether it was undone for {undone.by}{request}."
    if undone.state is UndoState.UNDER_WAY:
        return f"{undone.by} has it undone{request}; that is under way."
    why = f": {undone.why_not}" if undone.why_not else "."
    return f"Not undone, as {undone.by} asked{request}{why}"


def offered_words(offer: UndoOffer | None) -> str:
    """That a call can be taken back, until when, by whom and where; "" if nothing would."""
    if offer is None or offer.until is None:
        return ""
    return (
        f"It can be undone until {offer.until:%Y-%m-%d %H:%M} UTC by those who could approve it: "
        "its page shows what takes it back."
    )


def takes_back(session: Session) -> str:
    """Which call the request of an undo takes back, and for whom; "" of any other request."""
    if session.undoes is None:
        return ""
    if session.undoing is None:
        return f"This takes back request {session.undoes}."
    act = session.undoing
    return f"This takes back request {session.undoes}, as {act.by_name} asked: {act.reason}"
