"""One call on the card of several: a line, or all of it where there are few; and how it stands."""

from __future__ import annotations

from collections.abc import Sequence

from countersign.approvals.forms.display import Shown, set_by_workflow, shown_facts
from countersign.approvals.forms.together import branch_of
from countersign.approvals.forms.values import value_text
from countersign.approvals.forms.wording import cut_visibly, in_words
from countersign.approvals.models import JsonObject, Outcome, Request, RequestStatus, Undone
from countersign.approvals.ports.channels import offered
from countersign.bot.teams.arguments import ArgumentsTable, Space, arguments_table, value_cell
from countersign.bot.teams.elements import button, label, plain, runs, sentence
from countersign.bot.teams.outcome import state
from countersign.bot.teams.parts import Look, asked_again, budgets, same_calls
from countersign.bot.teams.undos import attempts

ROOMY = 4
"""So many calls are shown with every argument on a line of its own."""
LINE = Space(value_characters=700, folded_characters=160)
REASON_SHOWN, RESULT_SHOWN = 300, 240
_TABLE = Space(rows=15, value_characters=2_000)


def call_whole(
    number: int,
    request: Request,
    shown: Sequence[Shown],
    undos: Sequence[Undone],
    calls: str,
    look: Look,
) -> ArgumentsTable:
    """With its arguments as a table, the agent's reason, and a button that opens it."""
    passed = [*shown, *set_by_workflow(request.injected)]
    table = arguments_table(passed, _TABLE, prefix=f"call-{number}")
    found = arguments_table(shown_facts(request.facts), _TABLE, prefix=f"fact-{number}")
    elements: list[JsonObject] = [
        sentence(("bold", _title(number, request)), *_stands(request)),
        *_said(request),
        *table.elements,
        *((label("As checked when it was asked"), *found.elements) if request.facts else ()),
        *_came_of(request, undos),
    ]
    said = request.rationale.strip() if request.status is RequestStatus.PENDING else ""
    elements += [reason_of(said)] if said else []
    title = _leading(number, request, undos)
    elements.append({"type": "ActionSet", "actions": [_open(title, request, calls, look)]})
    complete = table.complete and found.complete and not request.preview
    box = {"type": "Container", "separator": True, "spacing": "Medium", "items": elements}
    return ArgumentsTable((box,), complete)


def call_line(
    number: int,
    request: Request,
    shown: Sequence[Shown],
    undos: Sequence[Undone],
    calls: str,
    look: Look,
    *,
    unnamed: bool = False,
) -> ArgumentsTable:
    """In a few words that lead to its own view; what is long is folded. `unnamed`: the card says
    already which tool all of them are for."""
    passed = [*shown, *set_by_workflow(request.injected)]
    pairs = [f"{each.label}: {each.whole}" for each in passed]
    pairs += [f"Checked: {each.label}: {each.whole}" for each in shown_facts(request.facts)]
    pairs += [note for each in shown for note in each.notes]
    cell = value_cell("; ".join(pairs) or "No arguments.", LINE, f"call-{number}")
    title = f"{number}." if unnamed else _title(number, request)
    head = sentence(("bold", title), *_stands(request))
    head["inlines"][0]["color"] = "Accent"
    first, *rest = cell.elements
    below: list[JsonObject] = [first, *rest]
    if not rest:  # one block takes less room than two
        run, *more = first["inlines"]
        head["inlines"] += [{**run, "text": f"  {run['text']}"}, *more]
        below = []
    box = {
        "type": "Container",
        "separator": True,
        "items": [head, *below, *_said(request), *_came_of(request, undos)],
        "selectAction": _opening(f"Open {number}", request, calls, look),
    }
    return ArgumentsTable((box,), cell.complete and not request.preview)


def _leading(number: int, request: Request, undos: Sequence[Undone]) -> str:
    """What pressing the button is for."""
    if request.status is RequestStatus.PENDING:
        return f"Open {number}, see preview" if request.preview else f"Decide {number} alone"
    return f"Open {number}, to undo it" if offered(request, undos) else f"Open {number}"


def _title(number: int, request: Request) -> str:
    return f"{number}. {in_words(request.tool)}{cut_visibly(branch_of(request), 80)}"


def _stands(request: Request) -> list[tuple[str, str]]:
    """How it was decided, and by whom."""
    if request.status is RequestStatus.PENDING:
        return [("bold", " ⚠ see its preview")] if request.preview else []
    decision = request.decision
    said = f"  {state(request)[0]}"
    if decision is not None and request.status is not RequestStatus.EXPIRED:
        said += f" by {decision.by_name}"
        if comment := decision.comment.strip():
            said += f": “{cut_visibly(value_text(comment), RESULT_SHOWN)}”"
    return [("bold", said)]


def _came_of(request: Request, undos: Sequence[Undone]) -> list[JsonObject]:
    """What the tool has said, and what became of taking that back."""
    result = request.result
    if result is None or result.outcome is Outcome.NOT_EXECUTED:
        return []
    said = (result.content or result.message).strip()
    words = [plain(cut_visibly(said, RESULT_SHOWN), isSubtle=True)] if said else []
    return [*words, *attempts(undos)]


def _said(request: Request) -> list[JsonObject]:
    """What must be seen before it is decided."""
    if request.status is not RequestStatus.PENDING:
        return []
    return [*asked_again(request), *same_calls(request), *budgets(request)]


def reason_of(said: str) -> JsonObject:
    """The agent's own reason, as its words."""
    block = plain(cut_visibly(value_text(said), REASON_SHOWN), isSubtle=True)
    block["inlines"] = [*runs("Why, in the agent's words: ", isSubtle=True), *block["inlines"]]
    return {**block, "spacing": "Small"}


def _open(title: str, request: Request, calls: str, look: Look) -> JsonObject:
    """Leads to its own view."""
    data = {"request": request.id, "within": calls}
    return button(look.flavour, "open", title, data, associatedInputs="none")


def _opening(title: str, request: Request, calls: str, look: Look) -> JsonObject:
    """The same where a line is pressed, in half the room: without a form for clients from before
    Action.Execute, which have the buttons below."""
    action = button(look.flavour, "open", title, {"request": request.id, "within": calls})
    return {name: value for name, value in action.items() if name != "fallback"}
