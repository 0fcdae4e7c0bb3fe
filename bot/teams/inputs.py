"""The inputs of the edit form: one per argument, labelled and prefilled, problems beside them.

None of them tells the client to check it: a client that finds fault holds back every button that
sends what was typed, so nobody could leave the form and keep it. We check, and say what is wrong.
"""

from __future__ import annotations

from typing import Any

from countersign.approvals.forms.display import PLAIN_LABEL, label_of
from countersign.approvals.forms.fields import Field
from countersign.approvals.forms.parsing import typed_text
from countersign.approvals.forms.wording import cut, in_words, visible
from countersign.approvals.models import JsonObject
from countersign.approvals.strict_json import LARGEST_EXACT
from countersign.bot.teams.elements import banner, words

INPUT_PREFIX = "arg_"
MULTILINE_FROM = 60
DESCRIPTION_LIMIT = 200


def input_elements(field: Field, typed: Any, problem: str | None) -> list[JsonObject]:
    """The input for `field` showing `typed` (a value, or what a person typed), and its problem."""
    element = {
        "id": f"{INPUT_PREFIX}{field.name}",
        "label": _label(field),
        **_by_kind(field, typed_text(typed)),
    }
    elements = [banner(f"⚠ {problem}", "attention")] if problem else []
    description = field.schema.get("description")
    if isinstance(description, str) and description.strip():
        hint = cut(" ".join(visible(description).split()), DESCRIPTION_LIMIT)
        element["placeholder"] = hint
    if element["type"] == "Input.Toggle":
        element.pop("placeholder", None)
    return [*elements, element]


def _label(field: Field) -> str:
    # Labels are Markdown in some clients; names in words are letters and digits only.
    name = label_of(field)
    name = name if PLAIN_LABEL.fullmatch(name) else in_words(field.name)
    notes = []
    if field.kind == "json":
        notes.append("JSON")
    if not field.required:
        notes.append("optional")
    return f"{name} ({', '.join(notes)})" if notes else name


def _by_kind(field: Field, text: str) -> JsonObject:
    match field.kind:
        case "integer" | "number":
            return _number_input(text)
        case "boolean":
            return _boolean_input(text)
        case "choice":
            return _choice_input(field, text)
        case "date":
            return {"type": "Input.Date", "value": text}
        case "time":
            return {"type": "Input.Time", "value": text}
        case "json":
            return {"type": "Input.Text", "isMultiline": True, "value": text}
    long = len(text) > MULTILINE_FROM or "\n" in text
    limit = field.schema.get("maxLength")
    bounded = {"maxLength": limit} if isinstance(limit, int) and limit >= len(text) else {}
    return {"type": "Input.Text", "isMultiline": long, "value": text, **bounded}


def _boolean_input(text: str) -> JsonObject:
    if text in {"true", "false"}:
        on_off = {"valueOn": "true", "valueOff": "false"}
        return {"type": "Input.Toggle", "title": "Yes", **on_off, "value": text}
    # A toggle cannot say "not given"; it would send "false" for what nobody touched.
    choices = [{"title": "Yes", "value": "true"}, {"title": "No", "value": "false"}]
    return {"type": "Input.ChoiceSet", "style": "compact", "choices": choices}


def _number_input(text: str) -> JsonObject:
    """A number input, or a text input if what it shows is not a plain number (then it is kept)."""
    try:
        value = float(text) if text.strip() else None
        exact = value is None or (abs(value) <= LARGEST_EXACT and "_" not in text)
    except ValueError:
        exact, value = False, None
    if not exact:
        return {"type": "Input.Text", "value": text}
    whole = value is not None and value.is_integer() and "e" not in text.lower()
    shown = {} if value is None else {"value": int(value) if whole else value}
    return {"type": "Input.Number", **shown}


def _choice_input(field: Field, text: str) -> JsonObject:
    choices = [
        {"title": cut(visible(typed_text(choice)), 100), "value": typed_text(choice)}
        for choice in field.choices
    ]
    shown = {"value": text} if text else {}
    return {"type": "Input.ChoiceSet", "style": "compact", "choices": choices, **shown}


def nothing_to_edit() -> JsonObject:
    """Stands in for the inputs of a call without arguments."""
    return words("This call takes no arguments; there is nothing to edit.")
