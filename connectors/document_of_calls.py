"""The document of a ticket that asks about several calls. Pure."""

from __future__ import annotations

from collections import Counter

from countersign.approvals.forms.display import shown_arguments
from countersign.approvals.forms.together import branch_of, comes_to, waiting
from countersign.approvals.forms.wording import cut, cut_visibly, in_words, visible
from countersign.approvals.models import Request, RequestStatus, Risk
from countersign.approvals.ports import TicketOrder
from countersign.approvals.read_links import ReadLinks
from countersign.connectors.comments.numbered import HOW
from countersign.connectors.document import (
    ALL_VALUES_LIMIT,
    TITLE_LIMIT,
    Document,
    Part,
    Row,
    document,
)

OF_EACH = (
    "Changed by",
    "Asked again",
    "Rollout",
    "Budget",
    "Same call",
    "Branch",
    "Risk",
    "Rule",
    "Request",
    "Digest",
)
"""Facts that are of one call; all others are the same of all of them."""
BESIDE = "Proposed with it"
LISTED, LISTED_LIMIT, LISTED_MOST = 200, 22_000, 300
"""Calls that are listed in a line each, and characters of all these lines and of one of them."""
NOT_ASKED = "This one is not asked here any more."
UNREAD_CALLS = (
    "Not all calls are shown whole here, so an approval in this ticket does not count. They can be "
    "turned down here, all of them:"
)
OTHERWISE = f"What you set is for all calls. To decide them differently, first {HOW}."


def document_of(
    order: TicketOrder, links: ReadLinks | None, place: str, *, budget: int = ALL_VALUES_LIMIT
) -> Document:
    """What the ticket for this order says, of one call or of several; see `document`."""
    if not order.calls:
        return document(order, links, place, budget=budget)
    view, calls = order.view, order.calls
    shown: list[tuple[Part, bool]] = [
        _part(order, number, each, links, place, budget // len(calls))
        for number, each in enumerate(calls, start=1)
    ]
    requester = "an unknown person" if view.requester is None else view.requester.name
    lead = document(order.model_copy(update={"calls": ()}), links, place, budget=budget)
    total = comes_to(waiting(calls), view.reversibility)
    agents = tuple(dict.fromkeys(each.agent for each in calls))
    want = f"{' and '.join(agents)} {'want' if agents[1:] else 'wants'}"
    return Document(
        title=_title(calls),
        lead=visible(
            f"{want} to make {len(calls)} calls, on behalf of {requester}. Nothing has "
            f"run. Each runs once, with exactly these arguments, if it is approved, and none "
            f"before all of them are decided. {total}".rstrip()
        ),
        arguments=(),
        complete=all(complete for _, complete in shown),
        read_it=_read_it(calls[0], links),
        why="",
        before=(),
        facts=tuple(row for row in lead.facts if row.name not in (*OF_EACH, BESIDE)),
        parts=tuple(part for part, _ in shown),
        listed=_listed(calls),
    )


def _part(
    order: TicketOrder,
    number: int,
    request: Request,
    links: ReadLinks | None,
    place: str,
    budget: int,
) -> tuple[Part, bool]:
    """A call, and whether all of it is there."""
    title = f"{number}. {in_words(request.tool)}{branch_of(request)}"
    asked = order.view.request
    if request.status is not RequestStatus.PENDING or request.step != asked.step:
        return Part(number=number, title=title, why=NOT_ASKED), True
    alike = len({each.tool for each in order.calls}) == 1  # or else labels would come and go
    view = order.view.model_copy(
        update={
            "request": request,
            "arguments_schema": order.view.arguments_schema if alike else None,
            "siblings": (),
            "pauses": (),
        }
    )
    alone = order.model_copy(update={"view": view, "calls": ()})
    said = document(alone, links, place, budget=budget)
    return (
        Part(
            number=number,
            title=title,
            arguments=said.arguments,
            notes=said.notes,
            before=said.before,
            why=said.why,
            facts=tuple(row for row in said.facts if row.name in OF_EACH),
        ),
        said.complete,
    )


def _title(calls: tuple[Request, ...]) -> str:
    counted = Counter(in_words(each.tool) for each in calls)
    names = [f"{name} ({n})" if n > 1 else name for name, n in counted.items()]
    risk = max((each.risk for each in calls), key=list(Risk).index)
    title = f"Approve {len(calls)} calls ({risk} risk)"
    for number, name in enumerate(names):
        longer = f"{title}{', ' if number else ': '}{' '.join(visible(name).split())}"
        if len(longer) > TITLE_LIMIT - 1:
            return f"{title}…"
        title = longer
    return title


def _read_it(request: Request, links: ReadLinks | None) -> str:
    page = "" if links is None else links.together(request)
    if not page:
        return f"Decide them with `countersign requests decide-together {request.id}`."
    return f"Read and decide them here: {page}"


def _listed(calls: tuple[Request, ...]) -> tuple[Row, ...]:
    shown = calls[:LISTED]
    room = min(LISTED_MOST, LISTED_LIMIT // len(shown) - 40)
    rows = []
    for number, each in enumerate(shown, start=1):
        values = shown_arguments(each.arguments, first=each.show_first)
        text = "; ".join(f"{one.label}: {one.text}" for one in values)
        said = text if each.status is RequestStatus.PENDING else NOT_ASKED
        name = f"{number}. {cut(in_words(each.tool), 40)}{branch_of(each)}"
        rows.append(Row(name=name, text=cut_visibly(" ".join(visible(said).split()), room)))
    if calls[LISTED:]:
        rows.append(Row(name="", text=f"… and {len(calls) - LISTED:,} more calls"))
    return tuple(rows)
