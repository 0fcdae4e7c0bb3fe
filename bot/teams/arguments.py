"""The arguments of a call as a table: in full, long ones folded, what is missing said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from approvals.canonical import canonical_json
from approvals.models import JsonObject
from approvals.wording import cut, value_text
from bot.teams.elements import label, plain, row, words

FOLD_AT_CHARACTERS = 320
FOLD_AT_LINES = 12
NAME_LIMIT = 80
CHANGE_SHARES = (2, 3, 3)


@dataclass(frozen=True)
class Space:
    """How much of the arguments a card may show; see `cards.fit`."""

    rows: int = 60
    value_characters: int = 12_000
    """A longer value is shown by its beginning only."""
    folded_characters: int = FOLD_AT_CHARACTERS


@dataclass(frozen=True)
class ArgumentsTable:
    """The elements, and whether everything is in them."""

    elements: tuple[JsonObject, ...]
    complete: bool


def arguments_table(arguments: JsonObject, space: Space, *, prefix: str = "arg") -> ArgumentsTable:
    """Names beside values. Long values are folded behind "Show all" as far as `space` allows."""
    if not arguments:
        return ArgumentsTable((words("No arguments.", isSubtle=True),), complete=True)
    elements: list[JsonObject] = []
    complete = True
    shown = list(arguments.items())[: space.rows]
    for index, (name, value) in enumerate(shown):
        cell = _value_cell(value, space, f"{prefix}-{index}")
        complete = complete and cell.complete and len(name) <= NAME_LIMIT
        title = plain(cut(name, NAME_LIMIT), weight="Bolder")
        elements.append(row([[title], cell.elements], (1, 2)))
    if len(shown) < len(arguments):
        complete = False
        missing = len(arguments) - len(shown)
        elements.append(words(f"… and **{missing:,} more arguments** that do not fit here."))
    return ArgumentsTable(tuple(elements), complete)


def changes_table(before: JsonObject, after: JsonObject, space: Space) -> ArgumentsTable:
    """What a person changed: each argument that differs, before and after."""
    names = [name for name in {**before, **after} if _signed(before, name) != _signed(after, name)]
    titles = [[words(title, isSubtle=True)] for title in ("Argument", "Before", "After")]
    elements = [label("What was changed"), row(titles, CHANGE_SHARES)]
    complete = len(names) <= space.rows
    for index, name in enumerate(names[: space.rows]):
        cells = [
            _value_cell(side[name], space, f"change-{index}-{at}")
            if name in side
            else ArgumentsTable((words("(not given)", isSubtle=True),), complete=True)
            for at, side in enumerate((before, after))
        ]
        complete = complete and all(cell.complete for cell in cells)
        first = [plain(cut(name, NAME_LIMIT), weight="Bolder")]
        elements.append(row([first, *(cell.elements for cell in cells)], CHANGE_SHARES))
    return ArgumentsTable(tuple(elements), complete)


def _signed(arguments: JsonObject, name: str) -> bytes:
    """As the digest has it: for Python True equals 1, for a person and the tool it does not."""
    return canonical_json(arguments[name]) if name in arguments else b""


def _value_cell(value: Any, space: Space, name: str) -> ArgumentsTable:
    text = value_text(value)
    monospace = not isinstance(value, str)
    if len(text) <= FOLD_AT_CHARACTERS and text.count("\n") < FOLD_AT_LINES:
        return ArgumentsTable((plain(text, monospace=monospace),), complete=True)
    size = f"{len(text):,} characters"
    beginning = cut("\n".join(text.split("\n")[:FOLD_AT_LINES]), space.folded_characters)
    short = plain(f"{beginning} …" if beginning == text else beginning, monospace=monospace)
    if len(text) > space.value_characters:
        note = words(f"Only the beginning of {size}.", isSubtle=True, weight="Bolder")
        return ArgumentsTable((short, note), complete=False)
    return ArgumentsTable(_folded(short, plain(text, monospace=monospace), size, name), True)


def _folded(
    short: JsonObject, full: JsonObject, size: str, name: str
) -> tuple[JsonObject, JsonObject]:
    def toggle(title: str) -> JsonObject:
        targets = [f"{name}-short", f"{name}-full"]
        action = {"type": "Action.ToggleVisibility", "title": title, "targetElements": targets}
        return {"type": "ActionSet", "actions": [action], "spacing": "Small"}

    shortened = words(f"Shortened: {size} in all.", isSubtle=True, spacing="Small")
    return (
        {
            "type": "Container",
            "id": f"{name}-short",
            "items": [short, shortened, toggle("Show all")],
        },
        {
            "type": "Container",
            "id": f"{name}-full",
            "isVisible": False,
            "items": [full, toggle("Show less")],
        },
    )
