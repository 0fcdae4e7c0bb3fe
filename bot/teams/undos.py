"""Parts of cards on undos: what can be taken back, what became of that, and what this undoes."""

from __future__ import annotations

from countersign.approvals.forms.undos import attempt_words, takes_back
from countersign.approvals.forms.wording import cut_visibly, in_words
from countersign.approvals.models import JsonObject, Request, UndoState
from countersign.approvals.ports import RequestView
from countersign.bot.teams.elements import Flavour, banner, button, label, moment, plain, words
from countersign.bot.teams.parts import action_data

WORDS_SHOWN = 600
MOST_ATTEMPTS = 3
"""On a card; its page has all of them."""


def undo_of(view: RequestView) -> list[JsonObject]:
    """Which call this one takes back, and who asked for that."""
    text = takes_back(view.session)
    return [banner(f"↩ {cut_visibly(text, WORDS_SHOWN)}", "accent")] if text else []


def undone(view: RequestView) -> list[JsonObject]:
    """The newest attempts to take it back, and until when it is offered."""
    elements = [
        plain(cut_visibly(f"{_MARKS[each.state]} {attempt_words(each)}", WORDS_SHOWN))
        for each in view.undos[-MOST_ATTEMPTS:]
    ]
    offer = view.undoable
    if offer is not None and offer.until is not None:
        elements += [
            words(f"{in_words(offer.tool)} takes it back, if nothing has changed. Offered until:"),
            words(moment(offer.until), isSubtle=True, spacing="None"),
        ]
    return [label("Undo"), *elements] if elements else []


_MARKS = {
    UndoState.UNDONE: "↩",
    UndoState.IN_DOUBT: "?",
    UndoState.UNDER_WAY: "…",
    UndoState.NOT_UNDONE: "✗",
}


def undo_button(request: Request, flavour: Flavour) -> JsonObject:
    """Asks for it; whether it counts is judged when it is pressed."""
    return button(flavour, "undo", "Undo", action_data(request))
