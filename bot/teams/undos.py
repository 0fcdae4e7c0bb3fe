"""Parts of cards on undos: what can be taken back, what became of that, and what this undoes."""

from __future__ import annotations

from collections.abc import Sequence

from countersign.approvals.forms.display import shown_arguments
from countersign.approvals.forms.undos import attempt_words, takes_back
from countersign.approvals.forms.wording import cut_visibly, in_words
from countersign.approvals.models import JsonObject, Request, Undone, UndoState
from countersign.approvals.ports import RequestView
from countersign.bot.teams.arguments import ArgumentsTable, Space, arguments_table
from countersign.bot.teams.elements import Flavour, banner, button, label, moment, plain, words
from countersign.bot.teams.parts import action_data

WORDS_SHOWN = 600
MOST_ATTEMPTS = 3
"""On a card; its page has all of them."""


def undo_of(view: RequestView) -> list[JsonObject]:
    """Which call this one takes back, and who asked for that."""
    text = takes_back(view.session)
    return [banner(f"↩ {cut_visibly(text, WORDS_SHOWN)}", "accent")] if text else []


def attempts(undos: Sequence[Undone]) -> list[JsonObject]:
    """What became of the newest attempts to take a call back."""
    return [
        plain(cut_visibly(f"{_MARKS[each.state]} {attempt_words(each)}", WORDS_SHOWN))
        for each in undos[-MOST_ATTEMPTS:]
    ]


def undone(view: RequestView, space: Space) -> ArgumentsTable:
    """The newest attempts to take it back; else the call that would, in full, and until when it is
    offered. Complete if the button may stand below: nobody asks for what they cannot read."""
    elements = attempts(view.undos)
    offer, complete = view.undoable, False
    if offer is not None and offer.until is not None:
        table = arguments_table(shown_arguments(offer.arguments), space, prefix="undo")
        complete = table.complete
        elements += [
            words(f"{in_words(offer.tool)} takes it back, if nothing has changed, with:"),
            *table.elements,
            words("Offered until:", isSubtle=True),
            words(moment(offer.until), isSubtle=True, spacing="None"),
        ]
        if not complete:
            elements.append(words(f"⚠ **Not all of it fits on this card.** {_ELSEWHERE}"))
    return ArgumentsTable((label("Undo"), *elements) if elements else (), complete)


_ELSEWHERE = "Undo it on the page of the request, where all of it stands."
_MARKS = {
    UndoState.UNDONE: "↩",
    UndoState.IN_DOUBT: "?",
    UndoState.UNDER_WAY: "…",
    UndoState.NOT_UNDONE: "✗",
}


def undo_button(request: Request, flavour: Flavour) -> JsonObject:
    """Asks for it; whether it counts is judged when it is pressed."""
    return button(flavour, "undo", "Undo", action_data(request))
