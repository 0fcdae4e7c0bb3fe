"""Values of fields: what may come in, how it is shown, and how the changelog words a change."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from countersign.sandbox.jira import adf
from countersign.sandbox.jira.catalog import (
    FIELDS,
    PRIORITIES,
    SUMMARY_LENGTH,
    TEXT_LENGTH,
    Field,
)
from countersign.sandbox.jira.model import Change
from countersign.sandbox.jira.people import Account, Directory
from countersign.sandbox.jira.refusals import FieldError

UNKNOWN = "Field '{}' cannot be set. It is not on the appropriate screen, or unknown."
"""Jira says the same of a field that is not there and of one that may not be set."""
TOO_LONG = "The entered text is too long. It exceeds the allowed limit of 32,767 characters."


class Forms:
    """Values as one caller writes and reads them: Cloud or Data Center, version 2 or 3."""

    def __init__(self, directory: Directory, *, cloud: bool, version: int = 2) -> None:
        self._directory, self._cloud, self._version = directory, cloud, version

    def parse(self, field: Field, value: Any) -> Any:
        """`value` as the site keeps it. Raises FieldError."""
        if value is None:
            return None
        match field.kind:
            case "line":
                return _line(field, value)
            case "text":
                return self.parse_text(value)
            case "labels":
                return _labels(value)
            case "user":
                return self._user(field, value)
            case "users":
                return self._users(field, value)
            case "date":
                return _date(value)
            case "priority":
                return _priority(value)
            case "option":
                return _option(field, value)
            case _:
                raise FieldError(UNKNOWN.format(field.id))

    def parse_text(self, value: Any) -> str:
        """Long text: a string in version 2, a document in version 3. Raises FieldError."""
        if self._version == 3:
            text = adf.to_text(value)
        elif isinstance(value, str):
            text = value
        else:
            raise FieldError("Operation value must be a string")
        if len(text) > TEXT_LENGTH:
            raise FieldError(TOO_LONG)
        return text

    def text(self, value: str | None) -> Any:
        """Long text in the form of this version."""
        return adf.to_document(value) if self._version == 3 and value is not None else value

    def _user(self, field: Field, value: Any) -> str:
        account = self.account(value)
        if account is None:
            named = value.get("accountId" if self._cloud else "name") if _is_map(value) else None
            if named is None:
                wanted = "accountId" if self._cloud else "name"
                raise FieldError(f"expected Object containing a `{wanted}` property")
            raise FieldError(f"User '{named}' does not exist.")
        return account.account_id

    def _users(self, field: Field, value: Any) -> list[str]:
        if not isinstance(value, list):
            raise FieldError("data was not an array")
        return [self._user(field, entry) for entry in value]

    def account(self, value: Any) -> Account | None:
        """The account a user object names: by id on Cloud, by name on Data Center."""
        if not _is_map(value):
            return None
        if self._cloud:
            return self._directory.get(value.get("accountId") or value.get("id"))
        return self._directory.named(value.get("name"))


def _is_map(value: Any) -> bool:
    return isinstance(value, Mapping)


def _line(field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise FieldError("Operation value must be a string")
    if "\n" in value or "\r" in value:
        raise FieldError(
            f"The {field.name.lower()} is invalid because it contains newline characters."
        )
    if len(value) > SUMMARY_LENGTH:
        raise FieldError(f"{field.name} must be less than {SUMMARY_LENGTH} characters.")
    return value


def _labels(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(label, str) for label in value):
        raise FieldError("data was not an array of strings")
    for label in value:
        if not label or any(character.isspace() for character in label):
            raise FieldError(f"The label '{label}' contains spaces which is invalid.")
        if len(label) > SUMMARY_LENGTH:
            raise FieldError(
                f"The label '{label}' exceeds the limit of {SUMMARY_LENGTH} characters."
            )
    return sorted(set(value))


def _date(value: Any) -> str:
    try:
        return date.fromisoformat(value).isoformat()
    except (TypeError, ValueError) as error:
        raise FieldError("Error parsing date string: " + str(value)) from error


def _priority(value: Any) -> str:
    if _is_map(value):
        if str(value.get("id")) in PRIORITIES:
            return str(value["id"])
        for number, name in PRIORITIES.items():
            if name == value.get("name"):
                return number
    raise FieldError("The priority selected is invalid.")


def _option(field: Field, value: Any) -> str:
    if not _is_map(value) or value.get("value") not in field.options:
        raise FieldError(f"Option value '{value}' is not valid")
    return str(value["value"])


def change_of(field_id: str, before: Any, after: Any, directory: Directory) -> Change:
    """The changelog item of a field that was set from `before` to `after`."""
    field = FIELDS[field_id]
    old_id, old_text = _words(field, before, directory)
    new_id, new_text = _words(field, after, directory)
    return Change(
        field_id=field_id,
        field=field.name if field.custom else field_id,
        custom=field.custom,
        before=old_id,
        before_text=old_text,
        after=new_id,
        after_text=new_text,
    )


def _words(field: Field, value: Any, directory: Directory) -> tuple[str | None, str | None]:
    """The id (only where a field has ids) and the text of a value, as a changelog writes them.

    Source: recorded webhooks of mattermost-plugin-jira, server/testdata (read 2026-11-25):
    labels and text have no ids, labels are joined by spaces.
    """
    if value is None:
        return None, None
    if field.kind == "labels":
        return None, " ".join(value)
    if field.kind == "user":
        account = directory.get(value)
        return value, account.display_name if account else value
    if field.kind == "users":
        names = [found.display_name for found in map(directory.get, value) if found]
        return f"[{', '.join(value)}]", f"[{', '.join(names)}]"
    if field.kind == "priority":
        return value, PRIORITIES[value]
    return None, value
