"""The parts that approval and outcome cards share: the heading, what, who asks and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from countersign.approvals.forms.display import Shown, deciding, set_by_workflow, shown_arguments
from countersign.approvals.forms.rollouts import standing_words
from countersign.approvals.forms.together import branch_of, failed_branches
from countersign.approvals.forms.values import value_text
from countersign.approvals.forms.wording import cut_visibly, people_in_words
from countersign.approvals.models import (
    JsonObject,
    Pause,
    Request,
    RequestStatus,
    Risk,
)
from countersign.approvals.ports import RequestView
from countersign.approvals.rules.budgets.words import lines
from countersign.approvals.rules.repeats import in_sentence
from countersign.bot.teams.arguments import (
    ArgumentsTable,
    Space,
    arguments_table,
)
from countersign.bot.teams.elements import (
    Flavour,
    banner,
    button,
    heading,
    plain,
    runs,
    sentence,
    words,
)

RATIONALE_LIMIT = 1500
NAME_LIMIT = 80
MOST_BUDGETS = 4
"""On a card; its page has all of them."""

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
    pages_url: str = ""
    """Where people read receipts; "" where nobody can."""
    within: str = ""
    """Names the calls of the card from which the view of one of them was opened."""


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
    """Which of the calls proposed together this is, nothing for a single one; and what of the
    work beside it failed."""
    failed = [
        banner(f"⚠ {cut_visibly(each, 500)}", "warning") for each in failed_branches(view.request)
    ]
    if not view.siblings:
        return failed
    total = len(view.siblings) + 1
    at = 1 + sum(sibling.position < view.request.position for sibling in view.siblings)
    pending = sum(sibling.status is RequestStatus.PENDING for sibling in view.siblings)
    others = f" {pending} of the others not decided yet." if pending else " All others are decided."
    rule = "Nothing runs before all are decided."
    said = f"**{at} of {total} proposed together{branch_of(view.request)}.** {rule}{others}"
    return [words(said, spacing="Small"), *failed]


def asked_again(request: Request) -> list[JsonObject]:
    """Why it is asked anew, if an earlier approval was asked for already."""
    if not request.asked_again:
        return []
    return [sentence(("bold", "Asked again: "), ("plain", cut_visibly(request.asked_again, 500)))]


def paused(view: RequestView) -> list[JsonObject]:
    """That it does not run for now, who said so and why."""
    return [banner(f"⚠ {cut_visibly(_sentence(pause), 700)}", "warning") for pause in view.held]


def _sentence(pause: Pause) -> str:
    text = pause.words[:1].upper() + pause.words[1:].rstrip(".")
    return f"{text}. It can be decided, and runs once that has ended."


def same_calls(request: Request) -> list[JsonObject]:
    """Where this very call stands beside it, has run or was refused in the session."""
    return [
        sentence(("bold", "⚠ "), ("plain", cut_visibly(in_sentence(same), 300)))
        for same in request.same_calls
    ]


def rollout(request: Request) -> list[JsonObject]:
    """Where its rule stands, from what people do to what runs alone."""
    said = standing_words(request)
    return [sentence(("bold", "Rollout "), ("plain", said))] if said else []


def budgets(request: Request) -> list[JsonObject]:
    """Where the budgets stand that it draws on, those first whose limits it passes."""
    found = lines(request.budgets)
    return [
        sentence(
            ("bold", "⚠ Budget " if "; past" in line else "Budget "),
            ("plain", cut_visibly(line, 300)),
        )
        for line in found[:MOST_BUDGETS]
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
    request, act = view.request, view.session.undoing
    said = request.rationale.strip()
    asker = view.requester.name if view.requester else request.requester
    if act is not None:  # the reason stands above
        by, of = (("bold", cut_visibly(name, NAME_LIMIT)) for name in (act.by_name, asker))
        return [
            {**sentence("Asked by ", by, " for ", of, ", not by an agent."), "spacing": "Medium"}
        ]
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
