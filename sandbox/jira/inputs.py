"""The `fields` and `update` of a request, read field by field as the site reports them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from countersign.sandbox.jira.catalog import FIELDS
from countersign.sandbox.jira.fields import UNKNOWN, Forms
from countersign.sandbox.jira.refusals import BAD_PAYLOAD, FieldError, JiraError

EDITABLE = tuple(name for name in FIELDS if name not in ("project", "issuetype"))
_LISTS = ("labels", "users")


@dataclass
class Wanted:
    """What a request asks for, and what is wrong with it."""

    values: dict[str, Any] = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)

    def check(self) -> None:
        """Raise JiraError 400 if anything is wrong: nothing is done by halves."""
        if self.errors:
            raise JiraError(400, errors=self.errors)


def body_of(body: Any, *allowed: str) -> dict[str, Any]:
    """The body as a mapping with these keys only. Raises JiraError 400."""
    if not isinstance(body, dict) or set(body) - set(allowed):
        raise JiraError(400, BAD_PAYLOAD)
    return body


def read(
    body: Mapping[str, Any], forms: Forms, current: Mapping[str, Any], settable: Collection[str]
) -> Wanted:
    """The values that `fields` and `update` lead to, starting from `current`."""
    wanted = Wanted()
    fields, update = ({} if body.get(k) is None else body[k] for k in ("fields", "update"))
    if not isinstance(fields, dict) or not isinstance(update, dict):
        raise JiraError(400, BAD_PAYLOAD)
    for name in set(fields) & set(update):
        wanted.errors[name] = f"Field '{name}' cannot appear in both 'fields' and 'update'"
    for name, value in fields.items():
        _set(wanted, forms, name, value, settable)
    for name, operations in update.items():
        if name == "comment":
            _comments(wanted, forms, operations)
        elif name not in wanted.errors:
            _operate(wanted, forms, name, operations, current, settable)
    return wanted


def _set(wanted: Wanted, forms: Forms, name: str, value: Any, settable: Collection[str]) -> None:
    if name not in settable:
        wanted.errors[name] = UNKNOWN.format(name)
        return
    try:
        wanted.values[name] = forms.parse(FIELDS[name], value)
    except FieldError as error:
        wanted.errors[name] = str(error)


def _comments(wanted: Wanted, forms: Forms, operations: Any) -> None:
    try:
        for operation in operations:
            text = forms.parse_text(operation["add"]["body"])
            if not text.strip():
                raise FieldError("Comment body can not be empty!")
            wanted.comments.append(text)
    except FieldError as error:
        wanted.errors["comment"] = str(error)
    except (KeyError, TypeError):
        wanted.errors["comment"] = "Operation value must be a string"


def _operate(
    wanted: Wanted,
    forms: Forms,
    name: str,
    operations: Any,
    current: Mapping[str, Any],
    settable: Collection[str],
) -> None:
    if name not in settable:
        wanted.errors[name] = UNKNOWN.format(name)
        return
    kind = FIELDS[name].kind
    value = current.get(name)
    try:
        for verb, operand in _pairs(operations):
            if verb == "set":
                value = forms.parse(FIELDS[name], operand)
            elif verb in ("add", "remove") and kind in _LISTS:
                (entry,) = forms.parse(FIELDS[name], [operand])
                rest = [kept for kept in value or [] if kept != entry]
                value = sorted([*rest, entry]) if verb == "add" else rest
            else:
                raise FieldError(f"Field with id '{name}' does not support operation '{verb}'")
    except FieldError as error:
        wanted.errors[name] = str(error)
        return
    wanted.values[name] = value


def _pairs(operations: Any) -> list[tuple[str, Any]]:
    if not isinstance(operations, list) or not all(
        isinstance(operation, dict) and len(operation) == 1 for operation in operations
    ):
        raise FieldError("Operation value must be an array of operations")
    return [pair for operation in operations for pair in operation.items()]
