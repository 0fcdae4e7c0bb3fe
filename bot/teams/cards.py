"""The card that shows a request as it stands. The only door to the other card modules."""

from __future__ import annotations

import json
from collections.abc import Callable

from approvals.models import JsonObject, RequestKind, RequestStatus
from approvals.ports import RequestView
from approvals.wording import in_words
from bot.teams.approval import Note, Typed, approval_card, edit_card
from bot.teams.arguments import Space
from bot.teams.elements import card, heading, plain
from bot.teams.outcome import outcome_card
from bot.teams.parts import Look
from bot.teams.question import input_card

CARD_LIMIT_BYTES = 25 * 1024
"""In UTF-16. Teams documents 28 KB for a message (connectors) to 100 KB (bots, newest page)."""
SPACES = (
    Space(),
    Space(value_characters=4_000),
    Space(value_characters=1_500),
    Space(value_characters=0, rows=40),
    Space(value_characters=0, rows=20, folded_characters=120),
    Space(value_characters=0, rows=8, folded_characters=60),
    Space(value_characters=0, rows=0),
)


def request_card(
    view: RequestView, look: Look, *, note: Note | None = None, typed: Typed | None = None
) -> JsonObject:
    """The card for `view` as it stands now, with a word to whoever clicked and their typing."""
    if view.request.kind is RequestKind.INPUT:
        return _wide(input_card(view, look, note, typed), look)
    if view.request.status is RequestStatus.PENDING:
        return fit(lambda space: _wide(approval_card(view, look, space, note, typed), look))
    return fit(lambda space: _wide(outcome_card(view, look, space, note), look))


def edit_form(
    view: RequestView, look: Look, *, note: Note | None = None, typed: Typed | None = None
) -> JsonObject:
    """The form to change the arguments; the pending card with a note if they are too long."""
    form = _wide(edit_card(view, look, note, typed), look)
    if size_bytes(form) <= CARD_LIMIT_BYTES:
        return form
    too_long = Note("These arguments are too long to edit in a card. Use the API.")
    return request_card(view, look, note=too_long, typed=typed)


def _wide(content: JsonObject, look: Look) -> JsonObject:
    return {**content, "msteams": {"width": "Full"}} if look.full_width else content


def notification(view: RequestView) -> str:
    """What a notification shows of the card: words of ours only."""
    request = view.request
    if request.status is not RequestStatus.PENDING:
        return f"{in_words(request.tool)}: {in_words(request.status).lower()}"
    if request.kind is RequestKind.INPUT:
        return "Your reply is needed"
    return f"Approval needed: {in_words(request.tool)}"


def notice_card(title: str, text: str) -> JsonObject:
    """A card that only says something, for a click that leads nowhere."""
    return card([heading(title), plain(text)], [], spoken=title)


def size_bytes(content: JsonObject) -> int:
    """How large the card is on the wire, counted as Teams counts (UTF-16)."""
    return len(json.dumps(content, ensure_ascii=False).encode("utf-16-le"))


def fit(build: Callable[[Space], JsonObject]) -> JsonObject:
    """The most complete card that is small enough; what is left out is said on the card."""
    for space in SPACES:
        content = build(space)
        if size_bytes(content) <= CARD_LIMIT_BYTES:
            break
    return content
