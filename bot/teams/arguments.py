"""The arguments of a call as a table: in full, long ones folded, what is missing said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from approvals.models import JsonObject
from bot.teams.elements import label, plain, table, words
from bot.teams.safe import cut, value_text, visible

FOLD_AT_CHARACTERS = 320
FOLD_AT_LINES = 8
NAME_LIMIT = 80
SHORT_ENOUGH = 64


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
    rows, complete = [], True
    shown = list(arguments.items())[: space.rows]
    for index, (name, value) in enumerate(shown):
        cell = _value_cell(value, space, f"{prefix}-{index}")
        complete = complete and cell.complete and len(name) <= NAME_LIMIT
        rows.append([[plain(cut(name, NAME_LIMIT), weight="Bolder")], cell.elements])
    elements = [table(rows, (1, 2))]
    if len(shown) < len(arguments):
        complete = False
        missing = len(arguments) - len(shown)
        elements.append(words(f"… and **{missing:,} more arguments** that do not fit here."))
    return ArgumentsTable(tuple(elements), complete)


def changes_table(before: JsonObject, after: JsonObject, space: Space) -> ArgumentsTable:
    """What a person changed: each argument that differs, before and after."""
    names = [
        name
        for name in {**before, **after}
        if before.get(name, _Missing) != after.get(name, _Missing)
    ]
    rows: list[Sequence[Sequence[JsonObject]]] = [
        [[words(title, isSubtle=True)] for title in ("Argument", "Before", "After")]
    ]
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
        rows.append([first, *(cell.elements for cell in cells)])
    return ArgumentsTable((label("What was changed"), table(rows, (2, 3, 3))), complete)


class _Missing:
    """Stands for an argument that is not there; equal to nothing else."""


def _value_cell(value: Any, space: Space, name: str) -> ArgumentsTable:
    text = value_text(value)
    monospace = not isinstance(value, str)
    if len(text) <= FOLD_AT_CHARACTERS and text.count("\n") < FOLD_AT_LINES:
        return ArgumentsTable((plain(text, monospace=monospace),), complete=True)
    size = f"{len(text):,} characters in all"
    beginning = cut("\n".join(text.split("\n")[:FOLD_AT_LINES]), space.folded_characters)
    short = plain(f"{beginning} …" if beginning == text else beginning, monospace=monospace)
    if len(text) > space.value_characters:
        note = words(f"Only the beginning: {size}.", isSubtle=True, weight="Bolder")
        return ArgumentsTable((short, note), complete=False)
    return ArgumentsTable(_folded(short, plain(text, monospace=monospace), size, name), True)


def _folded(
    short: JsonObject, full: JsonObject, size: str, name: str
) -> tuple[JsonObject, JsonObject]:
    def toggle(title: str) -> JsonObject:
        targets = [f"{name}-short", f"{name}-full"]
        action = {"type": "Action.ToggleVisibility", "title": title, "targetElements": targets}
        return {"type": "ActionSet", "actions": [action], "spacing": "Small"}

    more = toggle(f"Show all ({size})")
    return (
        {"type": "Container", "id": f"{name}-short", "items": [short, more]},
        {
            "type": "Container",
            "id": f"{name}-full",
            "isVisible": False,
            "items": [full, toggle("Show less")],
        },
    )


def one_line(value: str, limit: int = SHORT_ENOUGH) -> str:
    """A text on one line, for summaries."""
    return cut(" ".join(visible(value).split()), limit)
