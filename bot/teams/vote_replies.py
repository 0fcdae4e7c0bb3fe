"""What the one who clicked sees of it."""

from __future__ import annotations

from dataclasses import dataclass

from countersign.approvals.errors import AlreadyUsedError, PreconditionFailedError, UnprovenError
from countersign.approvals.models import JsonObject
from countersign.approvals.ports import RequestView
from countersign.bot.teams.approval import Note, Typed
from countersign.bot.teams.cards import edit_form, request_card
from countersign.bot.teams.clicks import Click, TamperedError
from countersign.bot.teams.outcome import decided_by
from countersign.bot.teams.parts import Look
from countersign.connectors.receiving import VoteOutcome, VoteResult


@dataclass(frozen=True)
class Reply:
    """What the one who clicked sees.

    `aside` is the same in one sentence, when the card is not for everybody: it is said instead of
    shown where a card cannot be shown to one person alone.
    """

    card: JsonObject
    aside: str = ""
    decided: bool = False
    """Whether this click has decided it."""


def corrected(outcome: VoteOutcome, click: Click, view: RequestView, look: Look) -> Reply:
    """The form as they filled it in, with what is wrong with it."""
    note, problems = Note(outcome.reason), dict(outcome.problems)
    if problems:
        note = _correct(problems)
    elif outcome.result is VoteResult.UNCHANGED:
        note = Note(outcome.reason, "accent")
    elif isinstance(outcome.error, PreconditionFailedError):
        note = Note(f"With these values it makes no sense: {outcome.reason} Nothing was decided.")
    typed = Typed(click.typed, click.comment, problems)
    return Reply(edit_form(view, look, note=note, typed=typed))


def _correct(problems: dict[str, str]) -> Note:
    count = f"{len(problems)} values do" if len(problems) > 1 else "One value does"
    return Note(f"{count} not fit. Nothing was decided.")


def after_vote(outcome: VoteOutcome, click: Click, view: RequestView, look: Look) -> Reply:
    """The request as it stands now, with what the click did, or why it did not."""
    typed = Typed(comment=click.comment)
    match outcome.result:
        case VoteResult.DECIDED:
            return Reply(request_card(view, look), decided=True)
        case VoteResult.COUNTED:
            note = Note("Your vote is counted. More people have to decide.", "accent", final=True)
            return Reply(request_card(view, look, note=note), aside=note.text)
        case VoteResult.REVISED:
            text = "Not decided yet: read below why your values are asked again, and who decides."
            return Reply(request_card(view, look, note=Note(text, "warning")))
        case VoteResult.LOST | VoteResult.EXPIRED:
            note = Note(f"{_too_late(view, outcome)} Your click changed nothing.", "warning")
            return Reply(request_card(view, look, note=note))
        case VoteResult.REFUSED if isinstance(outcome.error, UnprovenError):
            text = f"{outcome.reason} Nothing was decided."
            note = Note(text, "warning", page=outcome.error.page)
            return Reply(request_card(view, look, note=note, typed=typed))
        case VoteResult.REFUSED:
            note = Note(f"You cannot decide this. {outcome.reason}", final=True)
            return Reply(request_card(view, look, note=note), aside=note.text)
        case VoteResult.UNREAD:
            note = Note(f"{outcome.reason} Nothing was decided.")
            return Reply(request_card(view, look, note=note, typed=typed))
        case VoteResult.STALE:
            text = "This card was out of date. Nothing was decided; this is how it stands now."
            return Reply(request_card(view, look, note=Note(text, "warning"), typed=typed))
        case VoteResult.INVALID if isinstance(outcome.error, TamperedError):
            note = Note(outcome.reason, final=True)
            return Reply(request_card(view, look, note=note), aside=note.text)
        case VoteResult.INVALID:
            return Reply(request_card(view, look, note=Note(outcome.reason), typed=typed))
    return nothing_decided(outcome.reason, click, view, look)


def nothing_decided(why: str, click: Click, view: RequestView, look: Look) -> Reply:
    """Why nothing was decided, on the request as it stands."""
    note = Note(f"{why} Nothing was decided.")
    return Reply(request_card(view, look, note=note, typed=Typed(comment=click.comment)))


def _too_late(view: RequestView, outcome: VoteOutcome) -> str:
    decision = view.request.decision
    if decision is None or isinstance(outcome.error, AlreadyUsedError):
        return outcome.reason
    at = f"{decision.at:%Y-%m-%d %H:%M:%S} UTC"
    return f"This was decided before you clicked, by {decided_by(decision)}, at {at}."
