"""The card of a request that waits: read it, then approve, edit or reject."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from approvals.fields import fields
from approvals.models import JsonObject, Request
from approvals.ports import RequestView
from approvals.wording import in_words
from bot.teams.arguments import Space
from bot.teams.elements import banner, button, card, label, plain, words
from bot.teams.inputs import INPUT_PREFIX, input_elements, nothing_to_edit
from bot.teams.parts import (
    Look,
    position,
    small_print,
    top,
    votes,
    what,
    who_asks,
    why,
)

COMMENT_LIMIT = 2000


@dataclass(frozen=True)
class Note:
    """A word to the one who clicked. `final`: they cannot go on from here, so no buttons."""

    text: str
    style: Literal["attention", "warning", "accent"] = "attention"
    final: bool = False


@dataclass(frozen=True)
class Typed:
    """What the clicker has typed, kept when the card comes back; and what is wrong with it."""

    values: Mapping[str, Any] = field(default_factory=dict)
    comment: str = ""
    problems: Mapping[str, str] = field(default_factory=dict)


def action_data(request: Request) -> JsonObject:
    """All that a button carries; every use of it is checked against the store."""
    return {"request": request.id, "digest": request.digest}


def approval_card(
    view: RequestView,
    look: Look,
    space: Space,
    note: Note | None = None,
    typed: Typed | None = None,
) -> JsonObject:
    """The pending card."""
    request = view.request
    body = [
        *(_noted(note)),
        *top("Approval needed", request),
        who_asks(view),
        *position(view),
        *what(view, space, look),
        *why(request),
        *votes(view),
        *small_print(view),
    ]
    spoken = f"Approval needed. {request.risk.capitalize()} risk: {in_words(request.tool)}."
    if note and note.final:
        return card(body, [refresh_button(request, look)], spoken=spoken)
    body.append(_comment(typed, required_for="to reject"))
    return card(body, _buttons(request, look), spoken=spoken)


def _noted(note: Note | None) -> list[JsonObject]:
    return [banner(f"⚠ {note.text}", note.style)] if note else []


def _comment(typed: Typed | None, *, required_for: str) -> JsonObject:
    return {
        "type": "Input.Text",
        "id": "comment",
        "label": f"Reason or comment (required {required_for})" if required_for else "Comment",
        "placeholder": "The agents read what you write here",
        "isMultiline": True,
        "maxLength": COMMENT_LIMIT,
        "value": typed.comment if typed else "",
        "separator": True,
    }


def _buttons(request: Request, look: Look) -> list[JsonObject]:
    data = action_data(request)
    return [
        button(look.flavour, "approve", "Approve", data, style="positive"),
        button(look.flavour, "edit", "Edit", data),
        button(look.flavour, "reject", "Reject", data, style="destructive"),
    ]


def refresh_button(request: Request, look: Look) -> JsonObject:
    """Shows the request as it is now; changes nothing."""
    data = action_data(request)
    return button(look.flavour, "refresh", "Show how it stands now", data, associatedInputs="none")


def edit_card(
    view: RequestView, look: Look, note: Note | None = None, typed: Typed | None = None
) -> JsonObject:
    """The second step: every argument as an input. What was typed wins over what is stored."""
    request, typed = view.request, typed or Typed()
    form: list[JsonObject] = []
    for each in fields(view.arguments_schema, request.arguments):
        shown = typed.values.get(each.name, request.arguments.get(each.name))
        form += input_elements(each, shown, typed.problems.get(each.name))
    own = {name for name in typed.problems if f"{INPUT_PREFIX}{name}" not in _ids(form)}
    body = [
        *_noted(note),
        *(banner(f"⚠ {name}: {typed.problems[name]}", "attention") for name in sorted(own)),
        *top("Edit what will run", request),
        who_asks(view),
        words("What you approve here runs with your values; the agents are told what you changed."),
        *(form or [nothing_to_edit()]),
        _comment(typed, required_for=""),
        label("Request"),
        plain(f"{request.id}, digest {request.digest[:12]} (a new one is made of your values)"),
    ]
    data = action_data(request)
    actions = [
        button(look.flavour, "save", "Approve with changes", data, style="positive"),
        button(look.flavour, "back", "Back", data, associatedInputs="none"),
    ]
    spoken = f"Edit the arguments of {in_words(request.tool)}, then approve with changes."
    return card(body, actions, spoken=spoken)


def _ids(elements: list[JsonObject]) -> set[str]:
    return {str(element.get("id")) for element in elements}
