"""The card that shows a request as it stands. The only door to the other card modules."""

from __future__ import annotations

import json
from collections.abc import Callable

from countersign.approvals.decisions.editing import Edit
from countersign.approvals.forms.told import stands
from countersign.approvals.forms.wording import in_words
from countersign.approvals.models import JsonObject, RequestKind, RequestStatus
from countersign.approvals.ports import RequestView
from countersign.approvals.rules.eligibility import asked, missing
from countersign.bot.teams.approval import (
    Drawn,
    Note,
    Typed,
    approval_card,
    back_button,
    edit_card,
    review_card,
)
from countersign.bot.teams.arguments import Space
from countersign.bot.teams.elements import (
    card,
    heading,
    plain,
    words,
)
from countersign.bot.teams.outcome import outcome_card
from countersign.bot.teams.parts import Look, read_button, shown_of
from countersign.bot.teams.question import input_card

CARD_LIMIT_BYTES = 25 * 1024
"""In UTF-16. Teams documents 28 KB for a message (connectors) to 100 KB (bots, newest page)."""
KEPT = (
    "Your changes are kept, but not approved: Edit goes on with them, Approve approves what is "
    "shown here."
)
NOT_KEPT = "Your changes are too long to be kept here. Nothing was decided."
SPACES = (
    Space(),
    Space(columns=False),
    Space(columns=False, value_characters=4_000),
    Space(columns=False, value_characters=1_500),
    Space(columns=False, value_characters=0, rows=40),
    Space(columns=False, value_characters=0, rows=20, folded_characters=120),
    Space(columns=False, value_characters=0, rows=8, folded_characters=60),
    Space(columns=False, value_characters=0, rows=0),
)


def request_card(
    view: RequestView, look: Look, *, note: Note | None = None, typed: Typed | None = None
) -> JsonObject:
    """The card for `view` as it stands now, with a word to whoever clicked and their typing."""
    if view.request.kind is RequestKind.INPUT:
        return wide(input_card(view, look, note, typed), look)
    if view.request.status is RequestStatus.PENDING:
        return _pending(view, look, note, typed).card
    shown = shown_of(view)
    return _fitting(lambda space: outcome_card(view, look, space, shown, note), look).card


def form_left(view: RequestView, look: Look, typed: Typed) -> JsonObject:
    """The pending card for whoever leaves the form; its Edit leads on with what they changed."""
    if not typed.values:
        return request_card(view, look, typed=typed)
    kept, without = Note(KEPT, "accent"), Typed(comment=typed.comment)
    drawn = _pending(view, look, kept, typed)
    if size_bytes(drawn.card) <= CARD_LIMIT_BYTES and drawn.complete == shows_all(view, look):
        return drawn.card
    return request_card(view, look, note=Note(NOT_KEPT, "warning"), typed=without)


def shows_all(view: RequestView, look: Look) -> bool:
    """Whether the card of a pending request shows the whole call, so that it can be approved."""
    return view.request.kind is RequestKind.INPUT or _pending(view, look, None, None).complete


def _pending(view: RequestView, look: Look, note: Note | None, typed: Typed | None) -> Drawn:
    shown = shown_of(view)
    return _fitting(lambda space: approval_card(view, look, space, shown, note, typed), look)


def read_card(view: RequestView, look: Look, url: str, minutes: int) -> JsonObject:
    """The link to the page that shows all of a request, for the one who asked for it."""
    request = view.request
    text = (
        f"The page behind this link shows everything, for {minutes} minutes and for you alone. "
        "Confirm there that you have read it; then you can approve it on the card."
    )
    actions = [
        {"type": "Action.OpenUrl", "title": "Open the page", "url": url},
        read_button(request, look, "New link"),
        back_button(request, look),
    ]
    return card([heading("Read all of it", size="Large"), words(text)], actions, spoken=text)


def edit_form(
    view: RequestView, look: Look, *, note: Note | None = None, typed: Typed | None = None
) -> JsonObject:
    """The form to change the arguments; the pending card with a note if they are too long."""
    form = wide(edit_card(view, look, note, typed), look)
    if size_bytes(form) <= CARD_LIMIT_BYTES:
        return form
    too_long = Note("These arguments are too long to edit in a card. Use the API.")
    return request_card(view, look, note=too_long, typed=typed and Typed(comment=typed.comment))


def review_form(view: RequestView, look: Look, edit: Edit, typed: Typed) -> JsonObject:
    """Who else decides what was typed into the form; the form again if that is too long."""
    drawn = wide(review_card(view, look, edit, typed), look)
    if size_bytes(drawn) <= CARD_LIMIT_BYTES:
        return drawn
    note = Note(f"{edit.others} These changes are too long to confirm in a card. Use the API.")
    return edit_form(view, look, note=note, typed=typed)


def wide(content: JsonObject, look: Look) -> JsonObject:
    """As wide as its client can show it."""
    return {**content, "msteams": {"width": "Full"}} if look.full_width else content


def notification(view: RequestView) -> str:
    """What a notification shows of the card: words of ours only."""
    request = view.request
    if request.status is not RequestStatus.PENDING:
        return f"{in_words(request.tool)}: {in_words(request.status).lower()}"
    if request.kind is RequestKind.INPUT:
        return "Your reply is needed"
    return f"Approval needed: {in_words(request.tool)}"


def state_card(view: RequestView) -> JsonObject:
    """How a request stands, without what was asked and said: for a conversation with more people
    than it is shown to. It is decided elsewhere."""
    request, title = view.request, notification(view)
    needed = missing(asked(request, view.votes))
    text = stands(request, view.eligible, needed).to(wider_audience=True)
    return card([heading(title), words(text)], [], spoken=title)


def notice_card(title: str, text: str) -> JsonObject:
    """A card that only says something, for a click that leads nowhere."""
    return card([heading(title), plain(text)], [], spoken=title)


def size_bytes(content: JsonObject | str) -> int:
    """How large the card, or a text in it, is on the wire, counted as Teams counts (UTF-16)."""
    return len(json.dumps(content, ensure_ascii=False).encode("utf-16-le"))


def _fitting(build: Callable[[Space], Drawn], look: Look) -> Drawn:
    """The most complete card that is small enough; what is left out is said on the card."""
    for space in SPACES:
        drawn = build(space)
        drawn = Drawn(wide(drawn.card, look), drawn.complete)
        if size_bytes(drawn.card) <= CARD_LIMIT_BYTES:
            break
    return drawn
