"""What takes back a call that has run: in full below its outcome, and asked for in a modal."""

from __future__ import annotations

from collections.abc import Sequence

from countersign.approvals.forms.display import shown_arguments
from countersign.approvals.forms.undos import attempt_words
from countersign.approvals.forms.wording import cut_visibly, in_words
from countersign.approvals.models import JsonObject, UndoState
from countersign.approvals.ports import RequestView
from countersign.connectors.slack.markup import label, rows, section

UNDO = "undo"
WORDS_SHOWN, MOST_ATTEMPTS, MOST_VALUES, VALUE_SHOWN = 600, 3, 20, 500
ELSEWHERE = "⚠ Not all of it fits here. Undo it on the page of the request, where all of it stands."
_MARKS = {
    UndoState.UNDONE: "↩",
    UndoState.IN_DOUBT: "?",
    UndoState.UNDER_WAY: "…",
    UndoState.NOT_UNDONE: "✗",
}


def undone(view: RequestView) -> tuple[Sequence[JsonObject], bool]:
    """The newest attempts; else the call that would take it back, and until when that is offered.
    Whether the button may stand below: nobody asks for what they cannot read."""
    blocks = [
        section(cut_visibly(f"{_MARKS[each.state]} {attempt_words(each)}", WORDS_SHOWN))
        for each in view.undos[-MOST_ATTEMPTS:]
    ]
    offer, complete = view.undoable, False
    if offer is not None and offer.until is not None:
        shown = shown_arguments(offer.arguments)
        texts = [(each.label, cut_visibly(each.text, VALUE_SHOWN)) for each in shown[:MOST_VALUES]]
        complete = [each.text for each in shown] == [text for _, text in texts]
        until = f"{offer.until:%Y-%m-%d %H:%M} UTC"
        said = f"{in_words(offer.tool)} takes it back, if nothing has changed; until {until}, with:"
        blocks += [section(said), *rows(texts), *([] if complete else [section(ELSEWHERE)])]
    return ((label("Undo"), *blocks) if blocks else ()), complete


def why_not(view: RequestView) -> str:
    """Why it cannot be asked for from its message; "" if it can."""
    if view.undoable is None:
        return "Nothing takes this back any more: it is undone, or that is under way."
    return "" if undone(view)[1] else ELSEWHERE
