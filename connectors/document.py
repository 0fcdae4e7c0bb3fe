"""What a ticket says: all that a manager needs to decide, in the order they need it. Pure.

A connector writes it in its system's markup. Nothing that agents or people control is shown
without `visible`, and each connector escapes it for its own markup.
"""

from __future__ import annotations

from approvals.canonical import short
from approvals.models import RequestStatus, Value
from approvals.ports import RequestView, TicketOrder
from approvals.wording import cut, in_words, value_text, visible

TITLE_LIMIT = 150
"""Below the 255 characters of a Jira summary and the 160 of a ServiceNow short description."""
VALUE_LIMIT, ALL_VALUES_LIMIT, ROWS_LIMIT = 4_000, 12_000, 40
"""Characters of one argument, characters of all of them, and how many arguments."""
NAME_LIMIT = 100
WHY_LIMIT = 3_000


class Row(Value):
    """A name and what stands beside it."""

    name: str
    text: str


class Document(Value):
    """The text of a ticket, without any markup."""

    title: str
    """One line."""
    lead: str
    arguments: tuple[Row, ...]
    shortened: str
    """Where the whole of it can be read; empty if everything is shown."""
    why: str
    before: tuple[Row, ...]
    """What the agent had proposed, where a person changed it since."""
    facts: tuple[Row, ...]


def document(order: TicketOrder, public_url: str, *, budget: int = ALL_VALUES_LIMIT) -> Document:
    """What the ticket for this order says, with arguments of about `budget` characters in all.

    A system that takes less text than comes of it in its markup asks again with a smaller budget.
    """
    view = order.view
    request = view.request
    who = "an unknown person" if view.requester is None else view.requester.name
    rows, complete = _rows(request.arguments, budget)
    before, all_before = _rows(request.proposed_arguments or {}, budget // 4)
    link = f"{public_url}/api/v1/requests/{request.id}"
    return Document(
        title=cut(_one_line(_title(view)), TITLE_LIMIT),
        lead=visible(
            f"{request.agent} wants to run {in_words(request.tool)} ({request.tool}), on behalf "
            f"of {who}. Nothing has run. It runs once, with exactly these arguments, if it is "
            "approved here."
        ),
        arguments=rows,
        shortened="" if complete and all_before else link,
        why=cut(visible(request.rationale.strip()), WHY_LIMIT) or "The agent gave no reason.",
        before=before,
        facts=tuple(_facts(view, order)),
    )


def _title(view: RequestView) -> str:
    risk = f" ({view.request.risk} risk)"
    said = ", ".join(
        f"{name} {value_text(value)}"
        for name, value in view.request.arguments.items()
        if not isinstance(value, dict | list)
    )
    return f"Approve {in_words(view.request.tool)}{risk}: {said}".rstrip(": ")


def _one_line(text: str) -> str:
    return " ".join(visible(text).split())


def _rows(arguments: dict[str, object], budget: int) -> tuple[tuple[Row, ...], bool]:
    """As many arguments as fit into `budget` characters, and whether that is all of them, whole."""
    rows: list[Row] = []
    left, complete = budget, len(arguments) <= ROWS_LIMIT
    for name, value in list(arguments.items())[:ROWS_LIMIT]:
        title, text = cut(visible(name), NAME_LIMIT), value_text(value)
        shown = cut(text, max(min(VALUE_LIMIT, left), 40))
        complete = complete and (shown, title) == (text, visible(name))
        left -= len(shown)
        rows.append(Row(name=title, text=shown))
    return tuple(rows), complete


def _facts(view: RequestView, order: TicketOrder) -> list[Row]:
    request = view.request
    stage = request.stages[request.stage]
    people = ", ".join(person.name for person in order.approvers)
    count = f"{stage.quorum} of: " if stage.quorum > 1 else ""
    tier = f" (step {request.stage + 1} of {len(request.stages)})" if request.stages[1:] else ""
    deadline = (
        "no deadline"
        if request.expires_at is None
        else f"{request.expires_at:%Y-%m-%d %H:%M} UTC; then nothing runs"
    )
    rows = [
        Row(name="Who decides", text=f"{count}{people}{tier}"),
        Row(name="Decide by", text=deadline),
        Row(name="Risk", text=str(request.risk)),
        Row(name="Rule", text=_one_line(f"{request.rule_id}: {request.reason}")),
        Row(name="Workflow", text=f"{view.session.workflow}, session {view.session.id}"),
        Row(name="Request", text=f"{request.id}, revision {request.revision}"),
        Row(name="Digest", text=f"{short(request.digest)} (SHA-256 {request.digest})"),
    ]
    others = [r for r in view.siblings if r.status is RequestStatus.PENDING]
    if others:
        names = ", ".join(in_words(r.tool) for r in others)
        said = f"{names}. Nothing of it runs before every call is decided."
        rows.insert(2, Row(name="Proposed with it", text=_one_line(said)))
    return rows
