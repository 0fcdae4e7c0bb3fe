"""The parts that approval and outcome cards share: what, who asks, why, who decides, details."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from countersign.approvals.forms.display import (
    Shown,
    deciding,
    set_by_workflow,
    shown_arguments,
    shown_facts,
    table_text,
    value_text,
)
from countersign.approvals.forms.wording import cut_visibly, people_in_words, visible
from countersign.approvals.models import (
    JsonObject,
    Preview,
    Request,
    RequestStatus,
    Risk,
    Verdict,
    Vote,
)
from countersign.approvals.ports import RequestView
from countersign.approvals.rules.repeats import in_sentence
from countersign.bot.teams.arguments import (
    ArgumentsTable,
    Space,
    arguments_table,
    value_cell,
)
from countersign.bot.teams.elements import (
    Flavour,
    button,
    facts,
    heading,
    label,
    moment,
    plain,
    row,
    runs,
    sentence,
    words,
)

DIGEST_SHOWN = 12
RATIONALE_LIMIT = 1500
REASON_LIMIT = 300
NAME_LIMIT = 80
VOTES_SHOWN = 5
PREVIEW_ROWS, PREVIEW_COLUMNS, PREVIEW_CELL = 12, 5, 120

_RISK: dict[Risk, tuple[str, str]] = {
    Risk.HIGH: ("⚠ High risk", "attention"),
    Risk.MEDIUM: ("● Medium risk", "warning"),
    Risk.LOW: ("○ Low risk", "emphasis"),
}


@dataclass(frozen=True)
class Look:
    """How to draw for one place: the kind of buttons, and whether there is a page to read."""

    flavour: Flavour
    readable: bool = False
    """Whether links to the page that shows all of a request can be made."""
    full_width: bool = False
    """Teams can use the whole width of the chat; the Playground warns about it on every card."""


def action_data(request: Request) -> JsonObject:
    """All that a button carries; every use of it is checked against the store."""
    return {"request": request.id, "digest": request.digest}


def shown_of(view: RequestView) -> tuple[Shown, ...]:
    """The arguments as people read them: those that decide first."""
    request = view.request
    return shown_arguments(
        request.arguments,
        view.arguments_schema,
        first=request.show_first,
        defaulted=request.defaulted,
    )


def top(title: str, request: Request, *, risk: bool = True) -> list[JsonObject]:
    """The heading, and the risk in words on a background."""
    if not risk:
        return [heading(title, size="Large")]
    name, style = _RISK[request.risk]
    mark = {"type": "Container", "style": style, "items": [words(name, weight="Bolder")]}
    return [
        {
            "type": "ColumnSet",
            "columns": [
                {
                    "type": "Column",
                    "width": "stretch",
                    "verticalContentAlignment": "Center",
                    "items": [heading(title, size="Large")],
                },
                {"type": "Column", "width": "auto", "items": [mark]},
            ],
        }
    ]


def deciding_line(view: RequestView, shown: Sequence[Shown]) -> list[JsonObject]:
    """The values that decide, each behind its label and whole or visibly cut."""
    request = view.request
    named = deciding(request.arguments, shown, request.show_first)
    inlines: list[JsonObject] = []
    for each in named:
        between = " · " if inlines else ""
        name = cut_visibly(each.label, NAME_LIMIT)
        inlines += [{"type": "TextRun", "text": between}] if between else []
        inlines += runs(f"{name} ")
        inlines += runs(each.text, weight="Bolder")
    return [{"type": "RichTextBlock", "inlines": inlines, "spacing": "Small"}] if inlines else []


def position(view: RequestView) -> list[JsonObject]:
    """Which of the calls proposed together this is; nothing for a single one."""
    if not view.siblings:
        return []
    total = len(view.siblings) + 1
    at = 1 + sum(sibling.position < view.request.position for sibling in view.siblings)
    pending = sum(sibling.status is RequestStatus.PENDING for sibling in view.siblings)
    others = f" {pending} of the others not decided yet." if pending else " All others are decided."
    rule = "Nothing runs before all are decided."
    return [words(f"**{at} of {total} proposed together.** {rule}{others}", spacing="Small")]


def asked_again(request: Request) -> list[JsonObject]:
    """Why it is asked anew, if an earlier approval was asked for already."""
    if not request.asked_again:
        return []
    return [sentence(("bold", "Asked again: "), ("plain", cut_visibly(request.asked_again, 500)))]


def same_calls(request: Request) -> list[JsonObject]:
    """Where this very call stands beside it, has run or was refused in the session."""
    return [
        sentence(("bold", "⚠ "), ("plain", cut_visibly(in_sentence(same), 300)))
        for same in request.same_calls
    ]


def what(view: RequestView, shown: Sequence[Shown], space: Space) -> ArgumentsTable:
    """The arguments, and what the workflow sets beside them."""
    table = arguments_table(shown, space)
    injected = set_by_workflow(view.request.injected)
    if not injected:
        return table
    beside = arguments_table(injected, space, prefix="set")
    own = table.elements if shown else ()
    return ArgumentsTable((*own, *beside.elements), table.complete and beside.complete)


def checked(view: RequestView, space: Space) -> ArgumentsTable:
    """What the tool itself found and says would happen; nothing where it says nothing."""
    request, complete = view.request, True
    elements: list[JsonObject] = []
    if request.facts:
        found = arguments_table(shown_facts(request.facts), space, prefix="fact")
        elements += [label("As checked when it was asked"), *found.elements]
        complete = found.complete
    if request.preview is not None:
        preview = _preview(request.preview, space)
        elements += [label("What would happen"), *preview.elements]
        complete = complete and preview.complete
    return ArgumentsTable(tuple(elements), complete)


def _preview(preview: Preview, space: Space) -> ArgumentsTable:
    small = len(preview.rows) <= PREVIEW_ROWS and all(
        len(cells) <= PREVIEW_COLUMNS and all(len(cell) <= PREVIEW_CELL for cell in cells)
        for cells in preview.rows
    )
    if preview.kind == "table" and small and space.columns:
        lines = []
        for index, cells in enumerate(preview.rows):
            weight = "Default" if index else "Bolder"
            texts = [plain(visible(cell), weight=weight) for cell in cells]
            lines.append(row([[text] for text in texts], (1,) * len(texts)))
        return ArgumentsTable(tuple(lines), complete=True)
    text = table_text(preview.rows) if preview.kind == "table" else visible(preview.text)
    cell = value_cell(text, space, "preview")
    return ArgumentsTable(tuple(map(_monospace, cell.elements)), cell.complete)


def _monospace(element: JsonObject) -> JsonObject:
    if "items" in element:
        return {**element, "items": [_monospace(each) for each in element["items"]]}
    if "inlines" in element:
        styled = [{**inline, "fontType": "Monospace"} for inline in element["inlines"]]
        return {**element, "inlines": styled}
    return element


def not_everything(view: RequestView, look: Look) -> list[JsonObject]:
    """Says that the card is too small for this call, and where to read all of it."""
    request = view.request
    pending = request.status is RequestStatus.PENDING
    if not look.readable:
        how = f" Run `countersign requests show {request.id}` to read all of it"
        how += (
            f", and decide it with `countersign decide {request.id}` or the API."
            if pending
            else "."
        )
        return [words(f"⚠ **Not everything fits on this card.**{how}", spacing="Small")]
    text = "⚠ **Not everything fits on this card.**"
    if pending:
        text += " Whoever has read all of it on its page can approve it here."
    elements = [words(text, spacing="Small")]
    readers = [person for person in view.eligible if view.has_read(person)]
    if readers and pending:
        elements.append(sentence("Read by ", ("bold", people_in_words(readers)), "."))
    return [*elements, {"type": "ActionSet", "actions": [read_button(request, look)]}]


def read_button(request: Request, look: Look, title: str = "Read all of it") -> JsonObject:
    """Asks for a link to the page with all of it, for whoever clicks."""
    data = action_data(request)
    return button(look.flavour, "read", title, data, associatedInputs="none")


def why(view: RequestView) -> list[JsonObject]:
    """Who asks for whom, and the agent's own reason, marked as its words."""
    request = view.request
    said = request.rationale.strip()
    asker = view.requester.name if view.requester else request.requester
    asked = sentence(
        "Asked by the agent ",
        ("bold", cut_visibly(request.agent, NAME_LIMIT)),
        " for ",
        ("bold", cut_visibly(asker, NAME_LIMIT)),
        ". Why, in its words:" if said else ". It gave no reason.",
    )
    # In quotes if it has several lines: they must not pass for other parts of the card.
    reason = {**plain(cut_visibly(value_text(said), RATIONALE_LIMIT)), "spacing": "Small"}
    return [{**asked, "spacing": "Medium"}, *([reason] if said else ())]


def who_decides(view: RequestView) -> list[JsonObject]:
    """Who can decide, by name, until when, and what happens if nobody does; and the details."""
    request = view.request
    if request.status is not RequestStatus.PENDING:
        return details(view)
    if request.expires_at is None:
        text = "It waits until somebody decides; nothing runs before."
    else:
        text = f"Until {moment(request.expires_at)}; if nobody does, it does not run."
    said = [_deciders(view)] if 0 <= request.stage < len(request.stages) else []
    said.append(words(text, spacing="None", isSubtle=True))
    toggle, folded = details(view)
    columns = [
        {"type": "Column", "width": "stretch", "items": said},
        {
            "type": "Column",
            "width": "auto",
            "items": [toggle],
            "verticalContentAlignment": "Center",
        },
    ]
    return [
        {"type": "ColumnSet", "separator": True, "spacing": "Medium", "columns": columns},
        folded,
    ]


def _deciders(view: RequestView) -> JsonObject:
    request = view.request
    stage = request.stages[request.stage]
    roles = " or ".join(stage.roles)
    who = people_in_words(view.eligible) if view.eligible else f"Nobody else with the role {roles}"
    given = sum(vote.stage == request.stage for vote in _counted(view))
    after = f", step {request.stage + 1} of {len(request.stages)}" if request.stages[1:] else ""
    if stage.quorum > 1:
        after = f" ({given} of {stage.quorum} approvals so far{after})"
    can = " can decide" if stage.quorum == 1 else f" can decide; {stage.quorum} have to"
    return sentence(("bold", who), f"{can}{after}.")


def details(view: RequestView) -> list[JsonObject]:
    """The rule and the names of it all elsewhere, folded away."""
    request = view.request
    reason = f": {request.reason}" if request.reason else ""
    roles = [" or ".join(stage.roles) for stage in request.stages]
    revision = f", revision {request.revision}" if request.revision > 1 else ""
    rows: list[tuple[str, JsonObject]] = [
        ("Tool", plain(cut_visibly(request.tool, NAME_LIMIT))),
        ("Rule", plain(cut_visibly(f"{request.rule_id}{reason}", REASON_LIMIT))),
        *(
            [("Who may decide", plain(cut_visibly(", then ".join(roles), REASON_LIMIT)))]
            * bool(roles)
        ),
        ("Workflow", plain(f"{view.session.workflow}, session {view.session.id}")),
        ("Request", plain(f"{request.id}{revision}")),
        ("Digest", plain(request.digest[:DIGEST_SHOWN], monospace=True)),
        ("Policy", plain(request.policy_version[:DIGEST_SHOWN], monospace=True)),
    ]
    toggle = {
        "type": "Action.ToggleVisibility",
        "title": "Details",
        "targetElements": ["details"],
    }
    return [
        {"type": "ActionSet", "actions": [toggle], "spacing": "Small"},
        {"type": "Container", "id": "details", "isVisible": False, "items": facts(rows)},
    ]


def _counted(view: RequestView) -> list[Vote]:
    revision = view.request.revision
    return [v for v in view.votes if v.revision == revision and v.verdict is not Verdict.REJECT]


def votes(view: RequestView) -> list[JsonObject]:
    """Who has voted so far, if that alone did not decide it."""
    cast = [vote for vote in view.votes if vote.revision == view.request.revision]
    if not cast or view.request.status is not RequestStatus.PENDING:
        return []
    return [
        label("Votes so far"),
        *(
            plain(f"{vote.name}: {vote.verdict}, {vote.at:%Y-%m-%d %H:%M} UTC")
            for vote in cast[-VOTES_SHOWN:]
        ),
    ]
