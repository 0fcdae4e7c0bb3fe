"""The arguments of a call as a table: in full, long ones folded, what is missing said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from countersign.approvals.audit.canonical import canonical_json
from countersign.approvals.forms.changers import changers
from countersign.approvals.forms.display import Shown, shown_arguments
from countersign.approvals.forms.values import value_text
from countersign.approvals.forms.wording import cut_visibly
from countersign.approvals.models import JsonObject
from countersign.approvals.ports import RequestView
from countersign.bot.teams.elements import (
    label,
    plain,
    row,
    runs,
    sentence,
    words,
)

FOLD_AT_CHARACTERS = 320
FOLD_AT_LINES = 12
NAME_LIMIT, NAMES_LIMIT = 80, 300
CHANGE_SHARES = (2, 3, 3)


@dataclass(frozen=True)
class Space:
    """How much of the arguments a card may show; see `cards.fit`."""

    rows: int = 60
    value_characters: int = 12_000
    """A longer value is shown by its beginning only."""
    folded_characters: int = FOLD_AT_CHARACTERS
    columns: bool = True
    """Whether a table of a preview may stand in columns, which take more than lines do."""


@dataclass(frozen=True)
class ArgumentsTable:
    """The elements, and whether everything is in them."""

    elements: tuple[JsonObject, ...]
    complete: bool


def arguments_table(shown: Sequence[Shown], space: Space, *, prefix: str = "arg") -> ArgumentsTable:
    """Labels beside values. Long values are folded behind "Show all" as far as `space` allows."""
    if not shown:
        return ArgumentsTable((words("No arguments.", isSubtle=True),), complete=True)
    elements: list[JsonObject] = []
    complete = len(shown) <= space.rows
    for index, each in enumerate(shown[: space.rows]):
        cell = value_cell(each.text, space, f"{prefix}-{index}", mark=each.mark)
        notes = [plain(note, weight="Bolder") for note in each.notes]
        complete = complete and cell.complete and len(each.label) <= NAME_LIMIT
        title = plain(cut_visibly(each.label, NAME_LIMIT), isSubtle=True)
        elements.append(row([[title], [*cell.elements, *notes]], (1, 2)))
    if len(shown) > space.rows:
        missing = len(shown) - space.rows
        elements.append(words(f"… and **{missing:,} more arguments** that do not fit here."))
    return ArgumentsTable(tuple(elements), complete)


def changes_table(
    before: JsonObject, after: JsonObject, space: Space, schema: JsonObject | None = None
) -> ArgumentsTable:
    """What a person changed: each argument that differs, before and after."""
    both = shown_arguments({**before, **after}, schema)
    changed = [e for e in both if _signed(before, e.name) != _signed(after, e.name)]
    titles = [[words(title, isSubtle=True)] for title in ("", "Before", "After")]
    elements = [label("What was changed"), row(titles, CHANGE_SHARES)]
    complete = len(changed) <= space.rows
    for index, each in enumerate(changed[: space.rows]):
        cells = [
            value_cell(value_text(side[each.name]), space, f"change-{index}-{at}")
            if each.name in side
            else ArgumentsTable((words("(not given)", isSubtle=True),), complete=True)
            for at, side in enumerate((before, after))
        ]
        complete = complete and all(cell.complete for cell in cells)
        first = [plain(cut_visibly(each.label, NAME_LIMIT), isSubtle=True)]
        elements.append(row([first, *(cell.elements for cell in cells)], CHANGE_SHARES))
    return ArgumentsTable(tuple(elements), complete)


def changes_of(view: RequestView, space: Space) -> ArgumentsTable:
    """What people have changed of what the agent proposed; no elements if nobody has."""
    request = view.request
    if request.proposed_arguments is None:
        return ArgumentsTable((), complete=True)
    before, after = request.proposed_arguments, request.arguments
    found = changes_table(before, after, space, view.arguments_schema)
    who = changers(request)
    by = (sentence("Changed by ", ("bold", cut_visibly(who, NAMES_LIMIT)), "."),) if who else ()
    title, *rows = found.elements
    return ArgumentsTable((title, *by, *rows), found.complete)


def _signed(arguments: JsonObject, name: str) -> bytes:
    """As the digest has it: for Python True equals 1, for a person and the tool it does not."""
    return canonical_json(arguments[name]) if name in arguments else b""


def value_cell(text: str, space: Space, name: str, *, mark: str = "") -> ArgumentsTable:
    """One value: as it is, folded, or by its beginning. `name` is unique on the card."""
    if len(text) <= FOLD_AT_CHARACTERS and text.count("\n") < FOLD_AT_LINES:
        return ArgumentsTable((_marked(text, mark),), complete=True)
    lines = "\n".join(text.split("\n")[:FOLD_AT_LINES])[: space.folded_characters]
    short = _marked(f"{lines}… {len(text) - len(lines):,} more characters", mark)
    if len(text) > space.value_characters:
        return ArgumentsTable((short,), complete=False)
    return ArgumentsTable(_folded(short, _marked(text, mark), name), True)


def _marked(text: str, mark: str) -> JsonObject:
    """A value, and where it comes from in a run of its own."""
    block = plain(text)
    own = (
        [{"type": "TextRun", "text": f" {mark}", "isSubtle": True, "italic": True}] if mark else []
    )
    return {**block, "inlines": [*runs(text), *own]}


def _folded(short: JsonObject, full: JsonObject, name: str) -> tuple[JsonObject, JsonObject]:
    def toggle(title: str) -> JsonObject:
        targets = [f"{name}-short", f"{name}-full"]
        action = {"type": "Action.ToggleVisibility", "title": title, "targetElements": targets}
        return {"type": "ActionSet", "actions": [action], "spacing": "Small"}

    return (
        {"type": "Container", "id": f"{name}-short", "items": [short, toggle("Show all")]},
        {
            "type": "Container",
            "id": f"{name}-full",
            "isVisible": False,
            "items": [full, toggle("Show less")],
        },
    )
