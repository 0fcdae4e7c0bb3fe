"""What the tool itself found and says would happen, on the card that asks."""

from __future__ import annotations

from countersign.approvals.forms.display import shown_facts
from countersign.approvals.forms.values import table_text
from countersign.approvals.forms.wording import visible
from countersign.approvals.models import (
    JsonObject,
    Preview,
)
from countersign.approvals.ports import RequestView
from countersign.bot.teams.arguments import (
    ArgumentsTable,
    Space,
    arguments_table,
    value_cell,
)
from countersign.bot.teams.elements import (
    label,
    plain,
    row,
)

PREVIEW_ROWS, PREVIEW_COLUMNS, PREVIEW_CELL = 12, 5, 120


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
