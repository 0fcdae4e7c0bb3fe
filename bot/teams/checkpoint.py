"""The card of several calls that wait together: what each of them is, what they come to, and one
decision on all of them. Each leads to a view of its own, in which it is decided alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

from countersign.approvals.forms.display import Shown, shown_arguments
from countersign.approvals.forms.together import (
    CLASSES,
    branch_of,
    comes_to,
    digest_of,
    failed_branches,
    name_of,
    named_by,
    waiting,
)
from countersign.approvals.forms.wording import cut_visibly, in_words
from countersign.approvals.models import JsonObject, Request, RequestStatus, Risk, Undone
from countersign.approvals.ports import RequestView
from countersign.approvals.rules.deciding import stages_in_words
from countersign.bot.teams.approval import Drawn, Note, Typed, comment_input
from countersign.bot.teams.arguments import ArgumentsTable
from countersign.bot.teams.calls import ROOMY, call_line, call_whole, reason_of
from countersign.bot.teams.cards import CARD_LIMIT_BYTES, size_bytes, wide
from countersign.bot.teams.deciders import REASON_LIMIT, folded, who_decides
from countersign.bot.teams.elements import banner, button, card, heading, plain, sentence, words
from countersign.bot.teams.outcome import state
from countersign.bot.teams.parts import NAME_LIMIT, Look, action_data, paused, top
from countersign.connectors.receipts import prefix_of

Draw = Callable[[int, Request, Sequence[Shown], Sequence[Undone], str, Look], ArgumentsTable]
MOST_LISTED = 30
"""Calls of one card; of more it shows the first ones, and leads to the page with all."""
FIRST = 10
RULES_SHOWN = 3
_URGENT = (
    RequestStatus.PENDING,
    RequestStatus.IN_DOUBT,
    RequestStatus.FAILED,
    RequestStatus.REJECTED,
    RequestStatus.EXPIRED,
)
"""What is listed first where not all can be."""


def checkpoint_card(
    view: RequestView,
    calls: str,
    look: Look,
    *,
    note: Note | None = None,
    typed: Typed | None = None,
) -> JsonObject:
    """The card of the calls of this name as they stand; `view` is of the first that waits."""
    return _fitting(view, calls, look, note, typed).card


def shows_all_calls(view: RequestView, calls: str, look: Look) -> bool:
    """Whether the card shows all of every call of it that waits, so that all can be approved."""
    return _fitting(view, calls, look, None, None).complete


def members_of(view: RequestView, calls: str) -> tuple[Request, ...]:
    """The calls of this name, in order."""
    return named_by(calls, [view.request, *view.siblings])


def checkpoint_title(view: RequestView, calls: str) -> str:
    """`Approval needed: 3 calls`; also what a notification shows of the card."""
    members = members_of(view, calls)
    open_now, tools = waiting(members), {each.tool for each in members}
    what = f"{len(members)} calls"
    what += f" of {in_words(next(iter(tools))).lower()}" if len(tools) == 1 else ""
    if len(open_now) == len(members):
        return f"Approval needed: {what}"
    return f"Approval needed: {len(open_now)} of {what}" if open_now else f"Decided: {what}"


def checkpoint_state(view: RequestView, calls: str) -> JsonObject:
    """How they stand, without what was asked: for more people than are shown the calls."""
    title = checkpoint_title(view, calls)
    return card([heading(title), words(_standing(members_of(view, calls)))], [], spoken=title)


def _fitting(
    view: RequestView, calls: str, look: Look, note: Note | None, typed: Typed | None
) -> Drawn:
    members = members_of(view, calls)
    many = len(members)
    most = many if many <= MOST_LISTED else FIRST
    kinds = {(each.tool, branch_of(each)) for each in members}
    line: Draw = partial(call_line, unnamed=len(kinds) == 1)
    ways: list[tuple[Draw, int]] = [(call_whole, many)] if many <= ROOMY else []
    for draw, listed in [*ways, *((line, listed) for listed in range(most, -1, -1))]:
        drawn = _card(view, members, draw, listed, look, note, typed)
        if size_bytes(drawn.card) <= CARD_LIMIT_BYTES:
            break
    return drawn


def _card(
    view: RequestView,
    members: Sequence[Request],
    draw: Draw,
    listed: int,
    look: Look,
    note: Note | None,
    typed: Typed | None,
) -> Drawn:
    open_now, calls = waiting(members), name_of(members)
    lines, complete = _lines(view, members, draw, listed, look)
    title = checkpoint_title(view, calls)
    body = [
        *([banner(f"⚠ {note.text}", note.style)] if note else []),
        *top(title, _riskiest(members), risk=bool(open_now)),
        *_money(view, members),
        *_asked(view, members),
        *paused(view),
        *(banner(f"⚠ {cut_visibly(e, 500)}", "warning") for e in failed_branches(view.request)),
        *lines,
        *([] if complete or not open_now else [_not_all(view, members, look)]),
        *(who_decides(view, _details(view, members)) if open_now else _details(view, members)),
    ]
    actions: list[JsonObject] = []
    if open_now and not (note and note.final):
        body.append(comment_input(typed, required_for=_required(open_now)))
        actions = _buttons(open_now, calls, look, approve=complete)
    page = _page(view, look)
    if page and not (complete and open_now):
        actions.insert(0, _link(f"Read all {len(members)} on a page", page))
    data = {**action_data(view.request), "calls": calls}
    if not _are_over(members):
        again = button(
            look.flavour, "refresh", "Show how they stand now", data, associatedInputs="none"
        )
        actions += [] if actions and not (note and note.final) else [again]
    return Drawn(wide(card(body, actions, spoken=f"{title}."), look), complete)


def _lines(
    view: RequestView, members: Sequence[Request], draw: Draw, listed: int, look: Look
) -> tuple[list[JsonObject], bool]:
    """Each call that is listed, and whether all of every one that waits is shown."""
    calls, numbers = name_of(members), {each.id: n for n, each in enumerate(members, start=1)}
    urgent = sorted(members, key=lambda e: _URGENT.index(e.status) if e.status in _URGENT else 9)
    chosen = sorted(urgent[:listed], key=lambda each: each.position)
    reasons = {each.rationale.strip() for each in members}
    once = len(reasons) == 1 and draw is not call_whole and waiting(members)
    same = "".join(reasons) if once else ""
    elements: list[JsonObject] = [reason_of(same)] if same else []
    complete = True
    for each in chosen:
        schema = view.arguments_schema if each.tool == view.request.tool else None
        shown = shown_arguments(
            each.arguments, schema, first=each.show_first, defaulted=each.defaulted
        )
        drawn = draw(numbers[each.id], each, shown, view.undos_of(each), calls, look)
        elements += drawn.elements
        complete = complete and (drawn.complete or each.status is not RequestStatus.PENDING)
    left = len(members) - len(chosen)
    complete = complete and len(waiting(chosen)) == len(waiting(members))
    if left:
        said = f"… and **{left:,} more**" if chosen else f"**{left:,} calls**"
        elements.append(words(f"{said}, for which this card has no room.", spacing="Medium"))
    return elements, complete


def _money(view: RequestView, members: Sequence[Request]) -> list[JsonObject]:
    """What those that wait come to; the worst class of any, also of what waits elsewhere."""
    open_now, everything = waiting(members), waiting([view.request, *view.siblings])
    alone = len(everything) == len(open_now)
    said = comes_to(open_now, view.reversibility if alone and len(open_now) > 1 else None)
    if not alone and view.reversibility is not None:
        also = f"Of all {len(everything)} that wait together {CLASSES[view.reversibility]}."
        said = f"{said} {also}".strip()
    return [words(said, weight="Bolder", spacing="Small")] if said and open_now else []


def _asked(view: RequestView, members: Sequence[Request]) -> list[JsonObject]:
    """Who asks for whom, where they stand, and what of the checkpoint is shown elsewhere."""
    asker = view.requester.name if view.requester else view.request.requester
    agents = sorted({each.agent for each in members})
    by = "the agent " if len(agents) == 1 else "the agents "
    asked = sentence(
        f"Proposed together by {by}",
        ("bold", cut_visibly(", ".join(agents), NAME_LIMIT)),
        " for ",
        ("bold", cut_visibly(asker, NAME_LIMIT)),
        " in ",
        ("bold", cut_visibly(in_words(view.session.workflow), NAME_LIMIT)),
        ".",
    )
    elements = [{**asked, "spacing": "Small"}]
    open_now = waiting(members)
    if open_now:
        rule = "Nothing runs before all are decided."
        if len(open_now) < len(members):
            rule = f"{_standing(members)} {rule}"
        rule += " Press a call to decide it alone, to change it or to ask about it."
        elements.append(words(rule, spacing="Small", isSubtle=True))
    else:
        elements.append(words(f"**{_standing(members)}**", spacing="Small"))
    shown = {each.id for each in members}
    others = [each for each in waiting([view.request, *view.siblings]) if each.id not in shown]
    if others:
        few = "1 more call waits" if len(others) == 1 else f"{len(others)} more calls wait"
        text = f"{few} with these, on other terms or shown before: on a card of their own."
        elements.append(words(text, spacing="Small"))
    return elements


def _standing(members: Sequence[Request]) -> str:
    """`2 wait · 1 ✓ Approved`."""
    open_now = waiting(members)
    counts = Counter(state(each)[0] for each in members if each not in open_now)
    parts = [f"{len(open_now)} wait{'s' if len(open_now) == 1 else ''}"] if open_now else []
    return " · ".join([*parts, *(f"{count} {name}" for name, count in counts.items())]) + "."


def _not_all(view: RequestView, members: Sequence[Request], look: Look) -> JsonObject:
    text = "⚠ **Not everything fits on this card,** so not all is approved on it. "
    if _page(view, look):
        text += "The page with all of it shows every call, and takes one decision on all."
    else:
        text += (
            "Open each call, or decide all with "
            f"`countersign requests decide-together {view.request.id} approve`."
        )
    return words(text, spacing="Medium")


def _required(open_now: Sequence[Request]) -> str:
    asks = any(e.stages[n].comment_required for e in open_now for n in e.open_stages)
    return "to approve and to reject" if asks else "to reject"


def _buttons(
    open_now: Sequence[Request], calls: str, look: Look, *, approve: bool
) -> list[JsonObject]:
    first, *more = open_now
    data = {**action_data(first), "all": digest_of(open_now), "calls": calls}
    which = f"all {len(open_now)}" if more else "the last one"
    no = button(look.flavour, "reject_all", f"Reject {which}", data, style="destructive")
    if not approve:
        return [no]
    yes = button(look.flavour, "approve_all", f"Approve {which}", data, style="positive")
    return [yes, no]


def _are_over(members: Sequence[Request]) -> bool:
    alive = {RequestStatus.PENDING, RequestStatus.APPROVED, RequestStatus.EXECUTING}
    return not any(each.status in alive for each in members)


def _page(view: RequestView, look: Look) -> str:
    """The page of the inbox with all of it; "" where nobody can read pages."""
    prefix = prefix_of(look.pages_url)
    return f"{prefix}{view.request.id}/together" if prefix else ""


def _link(title: str, url: str) -> JsonObject:
    return {"type": "Action.OpenUrl", "title": title, "url": url}


def _riskiest(members: Sequence[Request]) -> Request:
    return max(members, key=lambda each: list(Risk).index(each.risk))


def _details(view: RequestView, members: Sequence[Request]) -> list[JsonObject]:
    request = view.request
    rules = {each.rule_id: f": {each.reason}" if each.reason else "" for each in members}
    said = [
        *(f"Rule {rule}{reason}" for rule, reason in [*rules.items()][:RULES_SHOWN]),
        f"Asked: {stages_in_words(request.stages)}",
        f"Session {view.session.id}, checkpoint {request.checkpoint_id}",
    ]
    return folded([plain(cut_visibly(each, REASON_LIMIT)) for each in said])
