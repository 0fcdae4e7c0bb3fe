"""The document of a ticket: all that a manager needs to decide, in the order they need it. Pure.

A connector writes it in its system's markup. Nothing that agents or people control is shown
without `visible`, and each connector escapes it for its own markup.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from countersign.approvals.audit.canonical import short
from countersign.approvals.forms.changers import changers
from countersign.approvals.forms.display import (
    Shown,
    deciding,
    set_by_workflow,
    shown_arguments,
    shown_facts,
)
from countersign.approvals.forms.on_call import on_call_words
from countersign.approvals.forms.rollouts import standing_words
from countersign.approvals.forms.times import moment, then, zone_of
from countersign.approvals.forms.together import branch_of, comes_to, failed_branches, waiting
from countersign.approvals.forms.values import cell_text, table_text, value_text
from countersign.approvals.forms.wording import (
    cut,
    cut_visibly,
    in_words,
    visible,
)
from countersign.approvals.models import (
    JsonObject,
    Preview,
    Request,
    RequestStatus,
    StageProgress,
    Value,
)
from countersign.approvals.ports import RequestView, TicketOrder
from countersign.approvals.read_links import ReadLinks
from countersign.approvals.rules.budgets.words import lines
from countersign.approvals.rules.deciding import step_in_words
from countersign.approvals.rules.repeats import in_sentence

TITLE_LIMIT = 150
"""Below the 255 characters of a Jira summary and the 160 of a ServiceNow short description."""
VALUE_LIMIT, ALL_VALUES_LIMIT, ROWS_LIMIT = 4_000, 12_000, 40
"""Characters of one argument, characters of all of them, and how many arguments."""
UNREAD = "Not everything fits here."
BEFORE_APPROVAL = (
    "An approval counts only from somebody who has read all of it and confirmed that on its page "
    "first; any other one is answered with a link to the page, and asked again."
)
NAME_LIMIT = 100
WHY_LIMIT = 3_000


class Row(Value):
    """A name and what stands beside it."""

    name: str
    text: str
    key: str = ""
    """What an argument is called in a comment that asks for changes."""
    table: tuple[tuple[str, ...], ...] = ()
    """The same as `text` where that is a whole table: its cells, the first row is the head."""


class Part(Value):
    """One call of several that a ticket asks about."""

    number: int
    title: str
    arguments: tuple[Row, ...] = ()
    notes: tuple[Row, ...] = ()
    before: tuple[Row, ...] = ()
    why: str = ""
    facts: tuple[Row, ...] = ()
    """What is known of this call only."""


class Document(Value):
    """The text of a ticket, without any markup."""

    title: str
    """One line."""
    lead: str
    arguments: tuple[Row, ...]
    complete: bool
    """Whether the arguments and the notes are all there, whole. Else nobody is asked to approve it
    by this text, and the connector says `read_it`; also where it has to shorten the rows further.
    """
    read_it: str
    """How to read all of it."""
    why: str
    before: tuple[Row, ...]
    """What the agent had proposed, where a person changed it since."""
    facts: tuple[Row, ...]
    notes: tuple[Row, ...] = ()
    """What else there is to know: what the tool found and says it would do."""
    parts: tuple[Part, ...] = ()
    """Its calls, in order, where it asks about several: instead of arguments, notes and why."""
    listed: tuple[Row, ...] = ()
    """The same calls in a line each, for where there is no room for more."""


def document(
    order: TicketOrder, links: ReadLinks | None, place: str, *, budget: int = ALL_VALUES_LIMIT
) -> Document:
    """What the ticket for this order says, with arguments of about `budget` characters in all.

    `links` lead to the page with all of it, `place` is where this ticket stands.
    """
    view = order.view
    request = view.request
    who = "an unknown person" if view.requester is None else view.requester.name
    shown = _shown(request, request.arguments, view.arguments_schema)
    rows, complete = _rows(shown, budget)
    notes, noted = _notes(request, budget // 4)
    before = _shown(request, request.proposed_arguments or {}, view.arguments_schema, marks=False)
    return Document(
        title=_title(view, shown),
        lead=visible(
            f"{request.agent} wants to run {in_words(request.tool)} ({request.tool}), on behalf "
            f"of {who}. Nothing has run. It runs once, with exactly these arguments, if it is "
            "approved here."
        ),
        arguments=rows,
        complete=complete and noted,
        read_it=_read_it(request, links, place),
        why=_why(request.rationale.strip()),
        before=_rows(before, budget // 4)[0],
        facts=tuple(_facts(view, order)),
        notes=notes,
    )


def _why(said: str) -> str:
    return cut_visibly(value_text(said), WHY_LIMIT) if said else "The agent gave no reason."


def _read_it(request: Request, links: ReadLinks | None, place: str) -> str:
    if links is None:
        return (
            f"Read all of it with `countersign requests show {request.id}` and decide it through "
            "the API."
        )
    return f"Read all of it here, and confirm that: {links.for_ticket(request, place)}"


def _shown(
    request: Request, arguments: JsonObject, schema: JsonObject | None, *, marks: bool = True
) -> tuple[Shown, ...]:
    """The arguments, and what the workflow sets beside them."""
    shown = shown_arguments(
        arguments,
        schema,
        first=request.show_first,
        defaulted=request.defaulted if marks else (),
    )
    return (*shown, *set_by_workflow(request.injected)) if marks else shown


def _title(view: RequestView, shown: tuple[Shown, ...]) -> str:
    """What would happen, with the values that decide; each ends where its quotes do."""
    request = view.request
    title = f"Approve {in_words(request.tool)} ({request.risk} risk)"
    own = [each for each in shown if each.name in request.arguments]
    for number, each in enumerate(deciding(request.arguments, own, request.show_first)):
        label = cut(each.label, NAME_LIMIT)
        said = f"{label[:1].lower()}{label[1:]} {each.text}"
        longer = f"{title}{', ' if number else ': '}{_one_line(said)}"
        if len(longer) > TITLE_LIMIT - 1:
            return f"{title}…"
        title = longer
    return title


def _one_line(text: str) -> str:
    return " ".join(visible(text).split())


def _rows(shown: tuple[Shown, ...], budget: int) -> tuple[tuple[Row, ...], bool]:
    """As many arguments as fit into `budget` characters, and whether that is all of them, whole."""
    rows: list[Row] = []
    left, complete = budget, len(shown) <= ROWS_LIMIT
    for each in shown[:ROWS_LIMIT]:
        name = _name(each)
        title = cut_visibly(name, NAME_LIMIT)
        text = cut_visibly(each.text, max(min(VALUE_LIMIT, left), 40))
        complete = complete and (text, title) == (each.text, name)
        left -= len(text)
        rows.append(Row(name=title, text=" ".join((text, each.mark)).rstrip(), key=each.name))
        rows += [Row(name="", text=note) for note in each.notes]
    if len(shown) > ROWS_LIMIT:
        missing = len(shown) - ROWS_LIMIT
        rows.append(Row(name="", text=f"… {missing:,} more arguments"))
    return tuple(rows), complete


def _name(shown: Shown) -> str:
    """The label, and what to write in a comment where that is something else."""
    same = shown.label.casefold() == shown.name.casefold()
    return shown.label if same else f"{shown.label} ({visible(shown.name)})"


def _notes(request: Request, budget: int) -> tuple[tuple[Row, ...], bool]:
    """What the tool's check and preview say, and whether that is all of it."""
    said = [(f"Checked: {each.label}", each.text) for each in shown_facts(request.facts)]
    if request.preview is not None:
        said.append(("What would happen", _preview_text(request.preview)))
    rows: list[Row] = []
    left, complete = budget, True
    for name, text in said:
        title, shown = cut_visibly(name, NAME_LIMIT), cut_visibly(text, max(left, 40))
        complete = complete and (title, shown) == (name, text)
        left -= len(shown)
        rows.append(Row(name=title, text=shown))
    preview = request.preview
    if preview is not None and preview.kind == "table" and complete:
        cells = tuple(tuple(map(cell_text, line)) for line in preview.rows)
        rows[-1] = rows[-1].model_copy(update={"table": cells})
    return tuple(rows), complete


def _preview_text(preview: Preview) -> str:
    if preview.kind == "table":
        return table_text(preview.rows)
    return visible(preview.text)


def _then(request: Request) -> str:
    said = then(request)
    return "nothing runs" if said == "it does not run" else said


def _needed(view: RequestView) -> int:
    """How many people the stages that are open together ask."""
    request = view.request
    return sum(request.stages[number].quorum for number in request.open_stages)


def _told(view: RequestView) -> Sequence[StageProgress]:
    """Every stage, where there is more than one."""
    return view.steps if view.request.stages[1:] else ()


def _facts(view: RequestView, order: TicketOrder) -> list[Row]:
    request = view.request
    people = ", ".join(visible(person.name) for person in order.approvers)
    first, last = request.open_stages[0] + 1, request.open_stages[-1] + 1
    which = f"step {first}" if first == last else f"steps {first} to {last}, in any order"
    count = " of: " if (needed := _needed(view)) > 1 else ""
    tier = f" ({which} of {len(request.stages)})" if request.stages[1:] else ""
    deadline = (
        "no deadline"
        if request.expires_at is None
        else f"{moment(request.expires_at, zone_of(request))}; then {_then(request)}"
    )
    changed = changers(request)
    rows = [
        *([Row(name="Changed by", text=_one_line(changed))] if changed else ()),
        Row(name="Who decides", text=f"{needed if count else ''}{count}{people}{tier}"),
        *(
            Row(name=f"Step {each.number + 1}", text=_one_line(step_in_words(each)))
            for each in _told(view)
        ),
        *(Row(name="On call", text=_one_line(on_call_words(each))) for each in view.on_call),
        Row(name="Decide by", text=deadline),
        Row(name="Risk", text=str(request.risk)),
        Row(name="Rule", text=_one_line(f"{request.rule_id}: {request.reason}")),
        Row(name="Workflow", text=f"{view.session.workflow}, session {view.session.id}"),
        Row(name="Request", text=f"{request.id}, revision {request.revision}"),
        Row(name="Digest", text=f"{short(request.digest)} (SHA-256 {request.digest})"),
    ]
    if request.same_calls:
        said = " ".join(cut(in_sentence(same), 300) for same in request.same_calls)
        rows.insert(0, Row(name="Same call", text=_one_line(said)))
    for pause in view.held:
        rows.insert(0, Row(name="Paused", text=_one_line(cut(pause.words, 700))))
    if request.budgets:
        said = "; ".join(cut(line, 300) for line in lines(request.budgets))
        rows.insert(0, Row(name="Budget", text=_one_line(said)))
    if standing := standing_words(request):
        rows.insert(0, Row(name="Rollout", text=_one_line(standing)))
    if request.asked_again:
        rows.insert(0, Row(name="Asked again", text=_one_line(cut(request.asked_again, 500))))
    others = [r for r in view.siblings if r.status is RequestStatus.PENDING]
    if others:
        counted = Counter(f"{in_words(r.tool)}{branch_of(r)}" for r in others)
        names = ", ".join(f"{name} ({n} calls)" if n > 1 else name for name, n in counted.items())
        total = comes_to(waiting([request, *others]), view.reversibility)
        said = f"{names}. Nothing of it runs before every call is decided. {total}".strip()
        rows.insert(2, Row(name="Proposed with it", text=_one_line(said)))
    if request.parallel is not None:
        rows.insert(2, Row(name="Branch", text=request.parallel.branch))
    for failed in failed_branches(request):
        rows.insert(0, Row(name="Failed beside it", text=_one_line(cut(failed, 500))))
    return rows
