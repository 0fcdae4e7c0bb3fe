"""The card of a request that waits: read it, then approve, edit or reject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from countersign.approvals.decisions.editing import Edit
from countersign.approvals.forms.display import Shown
from countersign.approvals.forms.fields import fields
from countersign.approvals.forms.wording import in_words
from countersign.approvals.models import JsonObject, Request
from countersign.approvals.ports import RequestView
from countersign.bot.teams.arguments import Space, changes_of, changes_table
from countersign.bot.teams.asked import asking, questions
from countersign.bot.teams.checked import checked
from countersign.bot.teams.deciders import details, steps, votes, who_decides
from countersign.bot.teams.elements import (
    banner,
    button,
    card,
    words,
)
from countersign.bot.teams.inputs import INPUT_PREFIX, input_elements, nothing_to_edit
from countersign.bot.teams.parts import (
    Look,
    action_data,
    asked_again,
    budgets,
    deciding_line,
    not_everything,
    paused,
    position,
    rollout,
    same_calls,
    top,
    what,
    why,
)
from countersign.bot.teams.together import all_buttons, together
from countersign.bot.teams.undos import undo_of

COMMENT_LIMIT = 2000
ONLY_THIS = "this"
"""What is chosen where no grant is given; Teams draws no choice of an empty value."""


@dataclass(frozen=True)
class Note:
    """A word to the one who clicked. `final`: they cannot go on from here, so no buttons."""

    text: str
    style: Literal["attention", "warning", "accent"] = "attention"
    final: bool = False
    page: str = ""
    """Where they go on, by a button of its own in the place of Approve."""


@dataclass(frozen=True)
class Typed:
    """What the clicker has typed, kept when the card comes back; and what is wrong with it."""

    values: Mapping[str, Any] = field(default_factory=dict)
    comment: str = ""
    problems: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Drawn:
    """A card, and whether all of the call is on it."""

    card: JsonObject
    complete: bool


def approval_card(
    view: RequestView,
    look: Look,
    space: Space,
    shown: Sequence[Shown],
    note: Note | None = None,
    typed: Typed | None = None,
) -> Drawn:
    """The pending card; `shown` are the arguments of the call. Edit goes on with what was typed.

    Where it does not show all of them, Approve is offered only once somebody has read them.
    """
    request = view.request
    table, found = what(view, shown, space), checked(view, space)
    complete = table.complete and found.complete
    body = [
        *_noted(note),
        *top(f"Approval needed: {in_words(request.tool)}", request),
        *undo_of(view),
        *deciding_line(view, shown),
        *paused(view),
        *asked_again(request),
        *same_calls(request),
        *budgets(request),
        *rollout(request),
        *position(view),
        *table.elements,
        *changes_of(view, space).elements,
        *found.elements,
        *(() if look.within else together(view)),
        *(() if complete else not_everything(view, look)),
        *why(view),
        *questions(view),
        *(() if note and note.final else asking(view, look)),
        *votes(view),
        *who_decides(view),
    ]
    spoken = f"Approval needed. {request.risk.capitalize()} risk: {in_words(request.tool)}."
    taking_back = [_withdraw_button(request, look)] if _has_votes(view) else []
    if note and note.final:
        buttons = [*taking_back, refresh_button(request, look)]
        return Drawn(card(body, buttons, spoken=spoken), complete)
    required_for = "to approve and to reject" if _asks_for_comment(request) else "to reject"
    body.append(comment_input(typed, required_for=required_for))
    offered = complete or any(view.has_read(person) for person in view.eligible)
    if offered and view.offers:
        body.append(_grants(view))
    page = note.page if note else ""
    actions = _buttons(request, look, typed.values if typed else {}, approve=offered, page=page)
    whole = complete and offered and not page
    actions += [] if look.within else all_buttons(view, look.flavour, approve=whole)
    actions += taking_back
    return Drawn(card(body, actions, spoken=spoken), complete)


def _noted(note: Note | None) -> list[JsonObject]:
    return [banner(f"⚠ {note.text}", note.style)] if note else []


def _grants(view: RequestView) -> JsonObject:
    """A choice beside Approve: this one, or later ones as well."""
    alike = "" if not view.alike else f" with the same {', '.join(map(in_words, view.alike))}"
    only = {"title": "Only this one", "value": ONLY_THIS}
    more = [{"title": offer.title, "value": offer.key} for offer in view.offers]
    return {
        "type": "Input.ChoiceSet",
        "id": "grant",
        "style": "compact",
        "label": f"Approve later calls{alike} as well, without asking again?",
        "choices": [only, *more],
        "value": ONLY_THIS,
    }


def comment_input(
    typed: Typed | None, *, required_for: str, hint: str = "The agents read what you write here"
) -> JsonObject:
    """The field for a comment, which says what it is required for."""
    return {
        "type": "Input.Text",
        "id": "comment",
        "label": f"Reason or comment (required {required_for})" if required_for else "Comment",
        "placeholder": hint,
        "isMultiline": True,
        "maxLength": COMMENT_LIMIT,
        "value": typed.comment if typed else "",
        "separator": True,
    }


def _asks_for_comment(request: Request) -> bool:
    return any(request.stages[number].comment_required for number in request.open_stages)


def _buttons(
    request: Request, look: Look, kept: Mapping[str, Any], *, approve: bool, page: str
) -> list[JsonObject]:
    data = action_data(request)
    yes = [button(look.flavour, "approve", "Approve", data, style="positive")]
    if all(stage.edits for stage in request.stages):
        yes.append(button(look.flavour, "edit", "Edit", {**data, **_kept(kept)}))
    reject = button(look.flavour, "reject", "Reject", data, style="destructive")
    if page:
        prove = {"type": "Action.OpenUrl", "title": "Approve with a proof", "url": page}
        return [prove, *(yes[1:] if approve else ()), reject]
    return [*(yes if approve else ()), reject]


def _kept(values: Mapping[str, Any]) -> JsonObject:
    """What was typed, as the data of a button."""
    return {f"{INPUT_PREFIX}{name}": value for name, value in values.items()}


def refresh_button(request: Request, look: Look) -> JsonObject:
    """Shows the request as it is now; changes nothing."""
    data = action_data(request)
    return button(look.flavour, "refresh", "Show how it stands now", data, associatedInputs="none")


def _has_votes(view: RequestView) -> bool:
    return any(vote.revision == view.request.revision for vote in view.votes)


def _withdraw_button(request: Request, look: Look) -> JsonObject:
    """For whoever has voted; others are told that they have nothing to take back."""
    data, title = action_data(request), "Take back my vote"
    return button(look.flavour, "withdraw", title, data, associatedInputs="none")


def back_button(request: Request, look: Look) -> JsonObject:
    """Leads back to the card of the request, which keeps what was typed."""
    return button(look.flavour, "back", "Back", action_data(request))


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
        *top(f"Edit what will run: {in_words(request.tool)}", request),
        words("What you approve here runs with your values; the agents are told what you changed."),
        *(form or [nothing_to_edit()]),
        comment_input(typed, required_for="to approve" if _asks_for_comment(request) else ""),
        *details(view),
    ]
    data = action_data(request)
    actions = [
        button(look.flavour, "save", "Approve with changes", data, style="positive"),
        back_button(request, look),
    ]
    spoken = f"Edit the arguments of {in_words(request.tool)}, then approve with changes."
    return card(body, actions, spoken=spoken)


_GO_ON = {
    False: "Nothing is decided yet. If you go on, your approval counts, and they are asked too.",
    True: "Nothing is decided yet. If you go on, it is asked as you have changed it.",
}
_CONFIRM = {False: "Approve with changes", True: "Ask with changes"}
"""By whether the edit counts as no approval of whoever makes it."""


def review_card(view: RequestView, look: Look, edit: Edit, typed: Typed) -> JsonObject:
    """The third step: what was changed, and who has to decide it as well, before it counts."""
    request, after = view.request, edit.after
    changes = changes_table(request.arguments, after.arguments, Space(), view.arguments_schema)
    body = [
        banner(f"⚠ {edit.others}", "warning"),
        *top(f"Review your changes: {in_words(request.tool)}", after),
        words(_GO_ON[edit.held]),
        *changes.elements,
        *steps(edit.steps),
        comment_input(typed, required_for="to approve" if _asks_for_comment(after) else ""),
    ]
    data = {**action_data(request), **_kept(typed.values)}
    actions = [
        button(
            look.flavour, "confirm", _CONFIRM[edit.held], {**data, "foreseen": after.digest},
            style="positive",
        ),
        button(look.flavour, "edit", "Edit", data),
    ]  # fmt: skip
    return card(body, actions, spoken=f"{edit.others} Go on, or change your values.")


def _ids(elements: list[JsonObject]) -> set[str]:
    return {str(element.get("id")) for element in elements}
