"""The message of several calls that were proposed together: what each is, with its own buttons, and
below them those that decide all. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from countersign.approvals.forms.together import (
    branch_of,
    comes_to,
    digest_of,
    named_by,
    totals_in_words,
    waiting,
)
from countersign.approvals.forms.wording import cut_visibly, in_words, visible
from countersign.approvals.models import (
    JsonObject,
    Question,
    Request,
    RequestId,
    RequestStatus,
)
from countersign.approvals.ports import RequestView, TicketOrder
from countersign.connectors.document import document
from countersign.connectors.slack.asked import questions
from countersign.connectors.slack.markup import (
    BLOCKS,
    button,
    buttons,
    fits,
    header,
    label,
    rows,
    section,
    small,
)
from countersign.connectors.slack.message import (
    APPROVE,
    ASK,
    BUDGETS,
    CHANGE,
    MARKS,
    NAME,
    OPEN,
    REJECT,
    Drawn,
    arguments_of,
    bound,
    details_of,
)
from countersign.connectors.slack.retracting import REVOKE, WITHDRAW, is_revocable
from countersign.connectors.slack.undos import UNDO, undone
from countersign.connectors.ticketing.outcome import decided_words

APPROVE_ALL, REJECT_ALL = "approve_all", "reject_all"
TITLE_LIMIT, LINE_LIMIT, RESULT_LIMIT, WHY_LIMIT = 100, 100, 300, 600
LISTED = BLOCKS - 8
"""Calls in a line each, where there is no room for more of them."""
Asked = Mapping[RequestId, Sequence[Question]]
NOBODY: Asked = {}


class Together(NamedTuple):
    """A message of several calls."""

    drawn: Drawn
    whole: frozenset[RequestId]
    """Those of which it shows all."""


def members_of(view: RequestView) -> tuple[Request, ...]:
    """The calls that the message of this view shows, in order; none of a message of one call."""
    found = named_by(view.calls, [view.request, *view.siblings])
    return found if len(found) > 1 else ()


def together(view: RequestView, page: Callable[[Request], str], asked: Asked = NOBODY) -> Together:
    """Its calls as they stand now; `page` is as `message.drawn` has it, `asked` are the questions
    about each."""
    calls = members_of(view)
    for count, budget in BUDGETS:
        made = _together(view, calls, page, asked, count, budget // len(calls))
        if fits(made.drawn.blocks):
            return made
    return _listed(view, calls, page)


def _together(
    view: RequestView,
    calls: Sequence[Request],
    page: Callable[[Request], str],
    asked: Asked,
    count: int,
    budget: int,
) -> Together:
    blocks, whole = list(_top(view, calls)), set[RequestId]()
    for number, each in enumerate(calls, start=1):
        alone = _alone(view, calls, each, asked.get(each.id, ()))
        if each.status is not RequestStatus.PENDING:
            blocks += _ended(view, alone, number)
            continue
        made, complete = _waits(view, alone, number, count, budget)
        blocks += made
        whole |= {each.id} if complete else set()
    blocks += _bottom(view, calls, page(calls[0]), whole)
    open_now = waiting(calls)
    shown = all(each.id in whole for each in open_now)
    return Together(Drawn(title(calls), tuple(blocks), shown), frozenset(whole))


def title(calls: Sequence[Request]) -> str:
    """A line without anybody else's words."""
    open_now = waiting(calls)
    if len(open_now) == len(calls):
        return f"Approval needed: {len(calls)} calls"
    if open_now:
        return f"Approval needed: {len(open_now)} of {len(calls)} calls"
    return f"Decided: {len(calls)} calls"


def _top(view: RequestView, calls: Sequence[Request]) -> Iterator[JsonObject]:
    yield header(title(calls))
    open_now = waiting(calls)
    if not open_now:
        return
    agents = " and ".join(dict.fromkeys(each.agent for each in calls))
    who = "an unknown person" if view.requester is None else view.requester.name
    total = comes_to(open_now, view.reversibility) or totals_in_words(open_now)
    yield section(
        visible(
            f"Proposed together by {agents}, on behalf of {who}. Nothing of it runs before each "
            f"call is decided. {total}".strip()
        )
    )
    yield from (section(f"⚠ {visible(pause.words)}") for pause in view.held)


def _alone(
    view: RequestView, calls: Sequence[Request], request: Request, asked: Sequence[Question]
) -> RequestView:
    """The view of one of them, with what is known of it here."""
    same = len({each.tool for each in calls}) == 1
    return view.model_copy(
        update={
            "request": request,
            "siblings": (),
            "calls": "",
            "votes": (),
            "questions": tuple(asked),
            "undos": view.undos_of(request),
            "arguments_schema": view.arguments_schema if same else None,
        }
    )


def _name(number: int, request: Request) -> str:
    return cut_visibly(f"{number}. {in_words(request.tool)}{branch_of(request)}", TITLE_LIMIT)


def _waits(
    view: RequestView, alone: RequestView, number: int, count: int, budget: int
) -> tuple[list[JsonObject], bool]:
    """A call that people are asked about, and whether all of it is there."""
    request = alone.request
    order = TicketOrder(key=request.id, view=alone, approvers=view.eligible)
    text = document(order, None, NAME, budget=budget)
    arguments, whole = arguments_of(alone, count, budget)
    whole = whole and text.complete
    value = bound(request, view.calls)
    noted = [(row.name, row.text) for row in (*text.notes, *text.before)]
    facts = [row for row in text.facts if row.name in ("Asked again", "Same call")]
    made = [
        {"type": "divider"},
        label(_name(number, request)),
        *(section(f"⚠ {row.name}: {row.text}") for row in facts),
        *rows([*arguments, *noted, ("Why", cut_visibly(text.why, min(WHY_LIMIT, budget)))]),
        *questions(alone.questions, budget),
    ]
    if not whole:
        made.append(section("⚠ Not all of it fits here, so it is approved on the page."))
    actions = [button(APPROVE, "Approve", value=value)] if whole else []
    if whole and request.arguments and all(stage.edits for stage in request.stages):
        actions.append(button(CHANGE, "Change…", value=value))
    actions += [
        button(ASK, "Ask first…", value=value),
        button(REJECT, "Reject…", value=value),
    ]
    if sum(stage.quorum for stage in request.stages) > 1:
        actions.append(button(WITHDRAW, "Take back my vote", value=value))
    return [*made, buttons(*actions)], whole


def _ended(view: RequestView, alone: RequestView, number: int) -> Iterator[JsonObject]:
    """A call that is decided, and what came of it."""
    request = alone.request
    yield {"type": "divider"}
    yield label(_name(number, request))
    result = request.result
    said = [_state(request)]
    if request.decision is not None and request.decision.comment.strip():
        said.append(f"“{visible(request.decision.comment.strip())}”")
    content = "" if result is None else visible(result.content or result.message).strip()
    if content and content != (request.decision.comment if request.decision else ""):
        said.append(content)
    yield section(cut_visibly(" ".join(said), RESULT_LIMIT))
    yield from undone(alone)[0]
    value = bound(request, view.calls)
    actions = [button(UNDO, "Undo…", value=value)] if undone(alone)[1] else []
    if is_revocable(alone):
        actions.append(button(REVOKE, "Revoke the approval…", value=value))
    if actions:
        yield buttons(*actions)


def _bottom(
    view: RequestView, calls: Sequence[Request], page: str, whole: set[RequestId]
) -> Iterator[JsonObject]:
    """Who decides, until when, and the buttons for all that wait."""
    open_now = waiting(calls)
    first = open_now[0] if open_now else calls[0]
    order = TicketOrder(
        key=first.id,
        view=view.model_copy(update={"request": first, "siblings": ()}),
        approvers=view.eligible,
    )
    text = document(order, None, NAME, budget=100)
    shared = ("Who decides", "Decide by", "On call")
    yield {"type": "divider"}
    if open_now:
        yield from rows([(row.name, row.text) for row in text.facts if row.name in shared])
    yield small(details_of(text, ("Workflow",)))
    leads = button(OPEN, "Open the page", url=f"{page}/together") if page else None
    value = bound(first, view.calls, digest_of(open_now)) if open_now else ""
    actions = []
    if len(open_now) > 1 and all(each.id in whole for each in open_now):
        if not any(_asks_for_words(each) for each in open_now):
            many = f"Approve all {len(open_now)}"
            actions.append(button(APPROVE_ALL, many, value=value, style="primary"))
    if len(open_now) > 1:
        many = f"Reject all {len(open_now)}…"
        actions.append(button(REJECT_ALL, many, value=value, style="danger"))
    if found := [*actions, *([leads] if leads else ())]:
        yield buttons(*found)


def _listed(
    view: RequestView, calls: Sequence[Request], page: Callable[[Request], str]
) -> Together:
    """The calls in a line each, to be decided on their page; or all turned down."""
    shown = calls if len(calls) <= LISTED else calls[: LISTED - 1]
    lines = [_line(number, each) for number, each in enumerate(shown, start=1)]
    more = [f"… and {len(calls) - len(shown)} more."] if len(shown) < len(calls) else []
    where = page(calls[0])
    said = f"⚠ They do not fit here; decide them {'on their page' if where else 'elsewhere'}."
    for room in (len(lines), len(lines) // 2, 10, 3):
        kept = lines[:room]
        left = [] if room >= len(lines) else [f"… and {len(calls) - room} more."]
        blocks = [
            *_top(view, calls),
            *(section(line) for line in (*kept, *(left or more))),
            section(said),
            *_bottom(view, calls, where, set()),
        ]
        if fits(blocks):
            break
    return Together(Drawn(title(calls), tuple(blocks), complete=False), frozenset())


def _line(number: int, request: Request) -> str:
    said = "; ".join(f"{name}: {value}" for name, value in request.arguments.items())
    if request.status is not RequestStatus.PENDING:
        said = _state(request)
    return cut_visibly(f"{_name(number, request)}: {' '.join(visible(said).split())}", LINE_LIMIT)


def _state(request: Request) -> str:
    """`✓ Approved and done. Approved by Alex through Slack, …`, and nothing twice."""
    mark, words = MARKS[request.status], visible(decided_words(request))
    sign, _, what = mark.partition(" ")
    return f"{sign} {words}" if words.startswith(what) else f"{mark}. {words}"


def _asks_for_words(request: Request) -> bool:
    return any(request.stages[number].comment_required for number in request.open_stages)
