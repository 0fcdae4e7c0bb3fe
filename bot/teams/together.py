"""Parts of a card on the calls that wait together with this one: what they are, and all at once."""

from __future__ import annotations

from countersign.approvals.forms.display import shown_arguments, shown_facts
from countersign.approvals.forms.together import branch_of, comes_to, digest_of, waiting
from countersign.approvals.forms.wording import in_words
from countersign.approvals.models import JsonObject, Request
from countersign.approvals.ports import RequestView
from countersign.bot.teams.elements import Flavour, button, sentence, words
from countersign.bot.teams.parts import action_data

ROOM = 3_000
"""Characters of all other calls that a card shows whole; with more it does not decide them."""


def together(view: RequestView) -> list[JsonObject]:
    """What all that waits comes to, and every other call with all that is known of it."""
    calls = waiting([view.request, *view.siblings])
    if len(calls) < 2:
        return []
    said = comes_to(calls, view.reversibility)
    elements = [words(said, spacing="Medium")] if said else []
    if shows_others(view):
        elements += [
            sentence(
                ("bold", f"Also {in_words(each.tool).lower()}{branch_of(each)}: "),
                ("plain", _text(each)),
            )
            for each in _others(view)
        ]
    return elements


def shows_others(view: RequestView) -> bool:
    """Whether the card shows all of every other call that waits, so that all can be approved."""
    others = _others(view)
    return (
        bool(others)
        and not any(each.preview or each.injected or each.asked_again for each in others)
        and sum(len(_text(each)) for each in others) <= ROOM
    )


def all_buttons(view: RequestView, flavour: Flavour, *, approve: bool) -> list[JsonObject]:
    """Decide all that waits together: approve it, exactly as shown, where it is and that can be
    offered; turn it down, also what there was no room for."""
    calls = waiting([view.request, *view.siblings])
    if len(calls) < 2:
        return []
    data = {**action_data(view.request), "all": digest_of(calls)}
    no = button(flavour, "reject_all", f"Reject all {len(calls)}", data)
    if not approve or not shows_others(view) or any(_asks_for_words(each) for each in calls):
        return [no]
    return [button(flavour, "approve_all", f"Approve all {len(calls)}", data), no]


def _others(view: RequestView) -> tuple[Request, ...]:
    return tuple(each for each in waiting(view.siblings) if each.id != view.request.id)


def _text(request: Request) -> str:
    shown = shown_arguments(
        request.arguments, first=request.show_first, defaulted=request.defaulted
    )
    parts = [f"{each.label}: {each.whole}" for each in shown]
    parts += [f"{each.label} (as checked): {each.whole}" for each in shown_facts(request.facts)]
    notes = [note for each in shown for note in each.notes]
    return "; ".join([*parts, *notes])


def _asks_for_words(request: Request) -> bool:
    return any(request.stages[number].comment_required for number in request.open_stages)
