"""The message of a request as it stands: what would run, who decides, and the buttons. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from countersign.approvals.audit.canonical import short
from countersign.approvals.forms.canaries import TITLE, is_canary
from countersign.approvals.forms.display import set_by_workflow, shown_arguments
from countersign.approvals.forms.fields import fields
from countersign.approvals.forms.values import value_text
from countersign.approvals.forms.wording import cut_visibly, in_words, visible
from countersign.approvals.models import (
    JsonObject,
    Request,
    RequestId,
    RequestKind,
    RequestStatus,
    Value,
    Verdict,
)
from countersign.approvals.ports import RequestView, TicketOrder
from countersign.connectors.document import Document, Row, document
from countersign.connectors.slack.asked import questions
from countersign.connectors.slack.markup import (
    button,
    buttons,
    fits,
    header,
    label,
    rows,
    section,
    small,
)
from countersign.connectors.slack.question import question, title
from countersign.connectors.slack.retracting import retracting
from countersign.connectors.slack.undos import UNDO, undone
from countersign.connectors.ticketing.outcome import decided_words

NAME = "slack"
VALUE_LIMIT, RESULT_LIMIT = 4_000, 1_500
BUDGETS = ((40, 8_000), (40, 5_000), (40, 2_500), (20, 1_000), (8, 400), (3, 120))
"""How many arguments, and how many characters of all of them: the first that fits."""
VOTES_SHOWN = 5
APPROVE, REJECT, CHANGE, ASK, OPEN = "approve", "reject", "change", "ask", "open"
_SMALL = ("Rule", "Workflow", "Request")
MARKS = {
    RequestStatus.APPROVED: "✓ Approved",
    RequestStatus.EXECUTING: "✓ Approved, running",
    RequestStatus.EXECUTED: "✓ Approved and done",
    RequestStatus.FAILED: "✗ Approved, but it failed",
    RequestStatus.IN_DOUBT: "? In doubt",
    RequestStatus.REJECTED: "✗ Rejected",
    RequestStatus.EXPIRED: "✗ Expired",
    RequestStatus.CANCELLED: "⊘ Cancelled",
}
_SENSE = {
    RequestStatus.APPROVED: "It runs once nothing stands in its way any more.",
    RequestStatus.FAILED: "The agents were told.",
    RequestStatus.IN_DOUBT: "It is not known whether it ran; nothing is tried again.",
    RequestStatus.REJECTED: "It did not run. The agents were told why.",
    RequestStatus.EXPIRED: "Nobody decided in time. It did not run.",
    RequestStatus.CANCELLED: "It did not run.",
}


class Bound(Value):
    """What a button or a modal carries: which revision of which request was shown."""

    request: RequestId
    digest: str
    """Of the revision; of a button for all calls of a message, of all that waited."""
    calls: str = ""
    """Names the calls that the message shows, as `Delivery.calls`."""


def bound(request: Request, calls: str = "", digest: str = "") -> str:
    """As the value of a button: letters, digits and marks that Slack gives back as they are."""
    more = {"calls": calls} if calls else {}
    return json.dumps({"request": request.id, "digest": digest or request.digest, **more})


@dataclass(frozen=True)
class Drawn:
    """A message."""

    text: str
    """What a notification shows: words of ours."""
    blocks: tuple[JsonObject, ...]
    complete: bool
    """Whether all of the call is there, so that it may be approved by this message."""


def drawn(view: RequestView, page: Callable[[Request], str]) -> Drawn:
    """The request as it stands now; `page` is where all of it can be read and decided, "" if there
    is no such page."""
    if view.request.kind is RequestKind.INPUT:
        request = view.request
        return Drawn(title(request), tuple(question(view, bound(request))), complete=True)
    for count, budget in BUDGETS:
        made = _drawn(view, page(view.request), count, budget)
        if fits(made.blocks):
            break
    return made


def _drawn(view: RequestView, page: str, count: int, budget: int) -> Drawn:
    request = view.request
    is_open = request.status is RequestStatus.PENDING
    order = TicketOrder(key=request.id, view=view, approvers=view.eligible)
    text = document(order, None, NAME, budget=budget)
    arguments, whole = arguments_of(view, count, budget)
    whole = whole and text.complete
    top = _asks(text) if is_open else _ended(view)
    heading = "What exactly would run" if is_open else _title_of_arguments(request)
    blocks = [
        *top,
        label(heading),
        *rows(arguments),
        *_titled("What the tool says", text.notes if is_open else ()),
        *_titled("What the agent had proposed", text.before),
        label("Why, in the agent's words"),
        section(cut_visibly(text.why, VALUE_LIMIT if budget > 1_000 else budget)),
        *(_votes(view) if is_open else ()),
        *questions(view.questions, budget),
        *(_decides(text) if is_open else ()),
        small(_details(text, request)),
        *undone(view)[0],
        *_actions(view, page, whole),
    ]
    return Drawn(notification(view), tuple(blocks), whole)


def _details(text: Document, request: Request) -> list[str]:
    """The rule, and the names of it all elsewhere."""
    return [*details_of(text), f"Digest: {short(request.digest)}"]


def details_of(text: Document, names: Sequence[str] = _SMALL) -> list[str]:
    """Facts in small print."""
    return [f"{row.name}: {row.text}" for row in text.facts if row.name in names]


def notification(view: RequestView) -> str:
    """A line without anybody else's words."""
    request = view.request
    if is_canary(request):
        return f"⊘ {TITLE}: {in_words(request.tool)}"
    if request.status is RequestStatus.PENDING:
        return f"Approval needed: {in_words(request.tool)}"
    return f"{MARKS[request.status]}: {in_words(request.tool)}"


def _asks(text: Document) -> Iterator[JsonObject]:
    yield header(text.title)
    yield section(text.lead)
    before = [row for row in text.facts if row.name in _WARNINGS]
    yield from (section(f"⚠ {row.name}: {row.text}") for row in before)


_WARNINGS = ("Paused", "Asked again", "Same call", "Proposed with it")


def _decides(text: Document) -> Iterator[JsonObject]:
    """Who, until when, and what else there is to weigh."""
    apart = (*_SMALL, "Digest", *_WARNINGS)
    yield {"type": "divider"}
    yield from rows([(row.name, row.text) for row in text.facts if row.name not in apart])


def arguments_of(view: RequestView, count: int, budget: int) -> tuple[list[tuple[str, str]], bool]:
    """As many as fit, and whether that is all of them, whole."""
    request = view.request
    shown = (
        *shown_arguments(
            request.arguments,
            view.arguments_schema,
            first=request.show_first,
            defaulted=request.defaulted,
        ),
        *set_by_workflow(request.injected),
    )
    found: list[tuple[str, str]] = []
    left, whole = budget, len(shown) <= count
    for each in shown[:count]:
        text = cut_visibly(each.text, max(min(VALUE_LIMIT, left), 40))
        whole = whole and text == each.text
        left -= len(text)
        notes = "".join(f"\n{note}" for note in each.notes)
        found.append((each.label, f"{text} {each.mark}".rstrip() + notes))
    if len(shown) > count:
        found.append(("", f"… {len(shown) - count:,} more arguments"))
    return found or [("Arguments", "It takes none.")], whole


def _titled(title: str, of: Sequence[Row]) -> Iterator[JsonObject]:
    if of:
        yield label(title)
        yield from rows([(row.name, row.text) for row in of])


def _votes(view: RequestView) -> Iterator[JsonObject]:
    cast = [vote for vote in view.votes if vote.revision == view.request.revision]
    if cast:
        yield label("Votes so far")
        lines = [
            f"{visible(vote.name)}: {_VERDICTS[vote.verdict]}, {vote.at:%Y-%m-%d %H:%M} UTC"
            for vote in cast[-VOTES_SHOWN:]
        ]
        yield section("\n".join(lines))


_VERDICTS = {
    Verdict.APPROVE: "approved",
    Verdict.MODIFY: "approved with changes",
    Verdict.REJECT: "rejected",
}


def _actions(view: RequestView, page: str, whole: bool) -> Iterator[JsonObject]:
    request = view.request
    leads = button(OPEN, "Open the page", url=page) if page else None
    back = retracting(view, bound(request))
    if request.status is not RequestStatus.PENDING:
        undo = [button(UNDO, "Undo…", value=bound(request))] if undone(view)[1] else []
        if found := [*undo, *back, *([leads] if leads else ())]:
            yield buttons(*found)
        return
    if not whole:
        yield section(f"⚠ Not everything fits here, so it cannot be decided here. {_where(view)}")
        if page:
            yield buttons(button(OPEN, "Read all of it and decide", url=page, style="primary"))
        return
    value = bound(request)
    made = [button(APPROVE, "Approve", value=value, style="primary")]
    if _is_editable(view):
        made.append(button(CHANGE, "Change…", value=value))
    made += [
        button(ASK, "Ask first…", value=value),
        button(REJECT, "Reject…", value=value, style="danger"),
        *back,
        *([leads] if leads else ()),
    ]
    yield buttons(*made)


def _where(view: RequestView) -> str:
    return (
        "The page shows all of it, and there it is decided; or run `countersign requests show "
        f"{view.request.id}`."
    )


def _is_editable(view: RequestView) -> bool:
    form = fields(view.arguments_schema, view.request.arguments)
    return bool(form) and all(stage.edits for stage in view.request.stages)


def _title_of_arguments(request: Request) -> str:
    finding = None if request.result is None else request.result.finding
    if finding is not None and not finding.happened:
        return "What was proposed"
    match request.status:
        case RequestStatus.EXECUTED | RequestStatus.FAILED:
            return "What exactly ran"
        case RequestStatus.APPROVED | RequestStatus.EXECUTING:
            return "What exactly will run"
        case RequestStatus.IN_DOUBT:
            return "What may have run"
    return "What was proposed"


def _ended(view: RequestView) -> Iterator[JsonObject]:
    """How it was decided, and what came of it."""
    request = view.request
    yield header(notification(view))
    decision, result = request.decision, request.result
    sense = _SENSE.get(request.status, "")
    who = "" if is_canary(request) else visible(decided_words(request))
    yield section(f"{who} {sense}".strip())
    found = []
    if decision is not None and decision.by and decision.comment.strip():
        title = "Reason" if request.status is RequestStatus.REJECTED else "Comment"
        found.append((title, cut_visibly(value_text(decision.comment.strip()), RESULT_LIMIT)))
    if result is not None and result.finding is not None:
        happened = "It took effect" if result.finding.happened else "It did not take effect"
        note = cut_visibly(value_text(result.finding.note), RESULT_LIMIT)
        found.append((f"{happened}, {visible(result.finding.by_name)} found", note))
    content = "" if result is None else visible(result.content or result.message).strip()
    if content and content != (decision.comment if decision else ""):
        found.append(
            ("What it was" if is_canary(request) else "Result", cut_visibly(content, RESULT_LIMIT))
        )
    yield from rows(found)
