"""Clicks on the card of several calls, and on the view of one of them that was opened from it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from countersign.approvals.approvals import Approvals
from countersign.approvals.errors import (
    CountersignError,
    NotFoundError,
    UnavailableError,
    UnprovenError,
    UnreadError,
)
from countersign.approvals.forms.together import waiting
from countersign.approvals.forms.wording import in_words
from countersign.approvals.models import Actor, JsonObject, Request
from countersign.approvals.ports import RequestView
from countersign.approvals.read_links import ReadLinks
from countersign.approvals.records import Records
from countersign.bot.teams.approval import Note, Typed
from countersign.bot.teams.checkpoint import checkpoint_card, members_of, shows_all_calls
from countersign.bot.teams.clicks import EVERYTHING, Click
from countersign.bot.teams.deciding_together import decide_these
from countersign.bot.teams.elements import button
from countersign.bot.teams.outcome import decided_by, state
from countersign.bot.teams.parts import Look, action_data
from countersign.bot.teams.vote_replies import Reply
from countersign.bot.teams.voting import answer
from countersign.connectors.receiving import VoteResult, not_counted

UNREAD = "This card does not show all of every call. Read them on the page with all, or one by one."


async def answer_click(
    approvals: Approvals,
    records: Records,
    click: Click,
    actor: Actor,
    look: Look,
    links: ReadLinks | None = None,
) -> Reply:
    """As `bot.teams.voting.answer`, which answers clicks on cards of one call."""
    calls = click.calls or click.within
    members = await _members(records, click, calls) if calls else ()
    if len(members) < 2:  # also for what no card of ours names
        single = replace(click, verb=_LOOKS.get(click.verb, click.verb), calls="", within="")
        return await answer(approvals, records, single, actor, look, links)
    if click.within:
        return await _on_one(approvals, records, click, actor, look, links, members)
    if click.verb in EVERYTHING:
        return await _on_all(approvals, records, click, actor, look)
    return await _all(records, click, look)


_LOOKS = {"open": "refresh", "list": "refresh"}


async def _members(records: Records, click: Click, calls: str) -> tuple[Request, ...]:
    try:
        view = await records.view(click.request_id)
    except NotFoundError:
        return ()
    members = members_of(view, calls)
    return members if view.request in members else ()


async def _on_one(
    approvals: Approvals,
    records: Records,
    click: Click,
    actor: Actor,
    look: Look,
    links: ReadLinks | None,
    members: tuple[Request, ...],
) -> Reply:
    """A step in the view of one call; whoever has decided it is back on the card of all."""
    calls = click.within
    if click.verb == "list":
        return await _all(records, click, look)
    ids = [each.id for each in members]
    own = replace(click, verb=_LOOKS.get(click.verb, click.verb))
    inner = replace(look, within=calls)
    reply = await answer(approvals, records, own, actor, inner, links)
    after = (await records.view(click.request_id)).request
    if reply.decided:
        number = ids.index(click.request_id) + 1
        return await _all(records, click, look, Note(_told(number, after), "accent"))
    back = button(
        look.flavour, "list", f"Back to all {len(members)}", action_data(after),
        associatedInputs="none",
    )  # fmt: skip
    card = {**reply.card, "actions": [*reply.card.get("actions", ()), back]}
    return replace(reply, card=_carrying(card, calls))


def _told(number: int, request: Request) -> str:
    by = "" if request.decision is None else f" by {decided_by(request.decision)}"
    return f"{number}. {in_words(request.tool)}: {state(request)[0]}{by}."


async def _all(
    records: Records,
    click: Click,
    look: Look,
    note: Note | None = None,
    aside: str = "",
    typed: Typed | None = None,
) -> Reply:
    calls = click.calls or click.within
    view = await _leading(records, click, calls)
    return Reply(checkpoint_card(view, calls, look, note=note, typed=typed), aside=aside)


async def _leading(records: Records, click: Click, calls: str) -> RequestView:
    """The view of the first call that waits, or of the first one."""
    view = await records.view(click.request_id)
    members = members_of(view, calls)
    lead = next(iter(waiting(members)), members[0])
    return view if lead.id == view.request.id else await records.view(lead.id)


async def _on_all(
    approvals: Approvals, records: Records, click: Click, actor: Actor, look: Look
) -> Reply:
    """One decision on all that wait."""
    view = await _leading(records, click, click.calls)
    open_now = waiting(members_of(view, click.calls))
    whole = shows_all_calls(view, click.calls, look)
    try:
        left = await decide_these(approvals, click, actor, view, open_now, UNREAD, whole=whole)
    except UnavailableError:
        raise
    except CountersignError as error:
        if isinstance(error, UnreadError):
            await approvals.refuse(view.request.id, actor, str(error))
        why = _note(error)
        aside = why.text if why.final else ""
        return await _all(records, click, look, why, aside, Typed(comment=click.comment))
    return await _all(records, click, look, Note(left, "warning") if left else None)


def _note(error: CountersignError) -> Note:
    """Why nothing counted."""
    outcome = not_counted(error)
    result = None if outcome is None else outcome.result
    if isinstance(error, UnprovenError):
        return Note(f"{error} Nothing was decided. Open each call to decide it with a proof.")
    if result is VoteResult.REFUSED:
        return Note(f"You cannot decide these. {error}", final=True)
    if result is VoteResult.STALE:
        text = "This card was out of date. Nothing was decided; this is how they stand now."
        return Note(text, "warning")
    return Note(f"{error} Nothing was decided.")


def _carrying(element: Any, calls: str) -> Any:
    """The card with buttons that lead back to it from wherever they lead."""
    if isinstance(element, list):
        return [_carrying(each, calls) for each in element]
    if not isinstance(element, dict):
        return element
    found: JsonObject = {key: _carrying(value, calls) for key, value in element.items()}
    if found.get("type") in _ACTS and "request" in found.get("data", {}):
        found["data"] = {**found["data"], "within": calls}
    return found


_ACTS = frozenset({"Action.Execute", "Action.Submit"})
