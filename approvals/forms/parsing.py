"""Form parsing: what a person typed, as the JSON value that the tool's schema asks for.

Cards send strings only ("900", "true"). Nothing is guessed and no digit is lost: a text that is
not exactly a value of the field's kind is refused with the reason.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal
from typing import Any

from countersign.approvals import strict_json
from countersign.approvals.forms.fields import Field
from countersign.approvals.models import JsonObject

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


class _Absent:
    """The argument is left out."""


ABSENT = _Absent()


class ProblemError(ValueError):
    """What was typed is not a value of this field; the text is shown beside it."""


def typed_text(value: Any) -> str:
    """A value as the text a person edits."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    indent = 2 if isinstance(value, dict | list) and value else None
    return json.dumps(value, ensure_ascii=False, indent=indent)


def edited_arguments(
    fields: tuple[Field, ...], current: JsonObject, typed: Mapping[str, Any]
) -> tuple[JsonObject, dict[str, str]]:
    """The edited arguments, and the problems by argument name (then the arguments are not whole).

    A field that was not sent, or not touched, keeps its present value exactly.
    """
    edited: JsonObject = {}
    problems: dict[str, str] = {}
    for field in fields:
        before = current.get(field.name, ABSENT)
        if field.name not in typed:
            value = before
        else:
            try:
                value = _edited(field, before, typed[field.name])
            except ProblemError as problem:
                problems[field.name] = str(problem)
                continue
        if value is not ABSENT:
            edited[field.name] = value
    return edited, problems


def _edited(field: Field, before: Any, typed: Any) -> Any:
    if not isinstance(typed, str | bool | int | float):
        raise ProblemError("This cannot be read; type it again.")
    text = _line_breaks(typed if isinstance(typed, str) else json.dumps(typed))
    if before is not ABSENT and text == _line_breaks(typed_text(before)):
        return before
    if text.strip() or (field.kind == "text" and text):
        value = coerced(field, text)
        return before if _same_number(value, before) else value
    return _blank(field, before)


def _same_number(value: Any, before: Any) -> bool:
    """Whether a number came back as it was: clients show 12.0 as 12."""
    numbers = type(value) in {int, float} and type(before) in {int, float}
    return numbers and bool(value == before)


def _line_breaks(text: str) -> str:
    """Text fields of clients send \\n, \\r\\n or \\r as they like."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _blank(field: Field, before: Any) -> Any:
    if field.kind == "text" and isinstance(before, str):
        return ""
    if field.nullable and field.required:
        return None
    if not field.required:
        return ABSENT
    if field.kind == "text":
        return ""
    raise ProblemError("A value is needed.")


def coerced(field: Field, text: str) -> Any:
    """`text` as a value of the field's kind. Raises ProblemError."""
    try:
        return _coerced(field, text)
    except strict_json.InexactError as error:
        raise ProblemError(str(error)) from error


def _coerced(field: Field, text: str) -> Any:
    match field.kind:
        case "text":
            return text
        case "integer":
            number = _number(text)
            if number != number.to_integral_value():
                raise ProblemError("A whole number is needed.")
            return strict_json.exact_integer(number)
        case "number":
            _number(text)
            return strict_json.exact_number(text.strip())
        case "boolean":
            return _boolean(text)
        case "choice":
            return _choice(field, text)
        case "date" | "time":
            return _calendar(field, text.strip())
    return _json(text)


def _number(text: str) -> Decimal:
    if not _NUMBER.fullmatch(text.strip()):
        hint = " Use a point for decimals." if "," in text else ""
        raise ProblemError(f"A number is needed.{hint}")
    return Decimal(text.strip())


def _boolean(text: str) -> bool:
    match text.strip().lower():
        case "true" | "yes":  # as forms send it, and as people read it
            return True
        case "false" | "no":
            return False
    raise ProblemError("Yes or no is needed.")


def _choice(field: Field, text: str) -> Any:
    for choice in field.choices:
        if text == typed_text(choice):
            return choice
    raise ProblemError("Choose one of the list.")


def _calendar(field: Field, text: str) -> str:
    try:
        _ = date.fromisoformat(text) if field.kind == "date" else time.fromisoformat(text)
    except ValueError as error:
        wanted = "A date (YYYY-MM-DD)" if field.kind == "date" else "A time (HH:MM)"
        raise ProblemError(f"{wanted} is needed.") from error
    return text


def _json(text: str) -> Any:
    try:
        return strict_json.read_json(text, exact=True, unique=True)
    except json.JSONDecodeError as error:
        raise ProblemError(
            f"This is not JSON: {error.msg} (line {error.lineno}, column {error.colno})."
        ) from error
    except strict_json.TooDeepError as error:
        raise ProblemError("This JSON is nested too deeply.") from error
    except strict_json.ConstantError as error:
        raise ProblemError(f"{error.name} is not a JSON value.") from error
    except strict_json.TwiceError as error:
        raise ProblemError(f"“{error.name}” is there twice.") from error
