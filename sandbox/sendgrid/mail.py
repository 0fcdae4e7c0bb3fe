"""What `POST /v3/mail/send` refuses, in SendGrid's words.

Sources: "Mail Send Errors" (twilio.com/docs/sendgrid/api-reference/mail-send/errors) and
"Validation Error(s) when Sending Emails Using the Mail Send API" (support.sendgrid.com); read
2026-11-30.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_ADDRESS = re.compile(r"[^\s@,;<>\"]+@[^\s@,;<>\"]+\.[^\s@,;<>\".]+")
MAX_CATEGORIES, MAX_CATEGORY, MAX_CUSTOM_ARGS_BYTES = 10, 255, 10_000


class MailError(Exception):
    """A refusal: the status, the message and the field that it is about."""

    def __init__(self, status: int, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.field = status, message, field


@dataclass(frozen=True)
class Mail:
    """One mail for one personalization."""

    sender: str
    to: tuple[str, ...]
    subject: str
    text: str
    categories: tuple[str, ...]
    custom_args: Mapping[str, str]
    group: int | None


def read(body: Any) -> list[Mail]:
    """The mails that a request asks for. Raises MailError."""
    if not isinstance(body, Mapping):
        raise MailError(400, "Bad Request")
    sender = _address(
        body.get("from"), "from.email", "The from email does not contain a valid address."
    )
    people = body.get("personalizations")
    if not isinstance(people, list) or not people:
        raise MailError(400, "You must have at least one personalization.", "personalizations")
    if len(people) > 1000:
        said = (
            "The personalization block is limited to 1000 personalizations per API request. You "
            f"have provided {len(people)} personalizations."
        )
        raise MailError(400, said, "personalizations")
    text = _content(body.get("content"))
    categories = _categories(body.get("categories", []))
    group = (body.get("asm") or {}).get("group_id")
    return [
        Mail(
            sender,
            _recipients(one, place),
            _subject(one, body, place),
            text,
            categories,
            _custom_args({**body.get("custom_args", {}), **one.get("custom_args", {})}),
            group,
        )
        for place, one in enumerate(people)
    ]


def _address(given: Any, field: str, said: str) -> str:
    found = given.get("email") if isinstance(given, Mapping) else None
    if not isinstance(found, str) or _ADDRESS.fullmatch(found) is None:
        raise MailError(400, said, field)
    return found


def _recipients(one: Mapping[str, Any], place: int) -> tuple[str, ...]:
    at = f"personalizations.{place}"
    if not one.get("to"):
        said = "The to array is required for all personalization objects, and must have at least one email object with a valid email address."  # noqa: E501
        raise MailError(400, said, f"{at}.to")
    seen: set[str] = set()
    found = []
    for kind in ("to", "cc", "bcc"):
        for number, each in enumerate(one.get(kind, [])):
            said = "Does not contain a valid address."
            address = _address(each, f"{at}.{kind}.{number}.email", said)
            if address.lower() in seen:
                said = (
                    "Each email address in the personalization block should be unique between to, "
                    f"cc, and bcc. We found the first duplicate instance of [{address}] in the "
                    f"{at}.{kind} field."
                )
                raise MailError(400, said, at)
            seen.add(address.lower())
            found.append(address)
    return tuple(found)


def _subject(one: Mapping[str, Any], body: Mapping[str, Any], place: int) -> str:
    subject = one.get("subject") or body.get("subject")
    if not isinstance(subject, str) or not subject:
        said = (
            "The subject is required. You can get around this requirement if you use a template "
            "with a subject defined or if every personalization has a subject defined."
        )
        raise MailError(400, said, "subject")
    return subject


def _content(given: Any) -> str:
    if not isinstance(given, list) or not given:
        raise MailError(
            400,
            "Unless a valid template_id is provided, the content parameter is required.",
            "content",
        )
    value = given[0].get("value")
    if not isinstance(value, str) or not value:
        said = "The content value must be a string at least one character in length."
        raise MailError(400, said, "content.0.value")
    return value


def _categories(given: Any) -> tuple[str, ...]:
    if len(given) > MAX_CATEGORIES:
        raise MailError(400, "You may only have up to 10 categories.", "categories")
    if len(set(given)) != len(given):
        raise MailError(400, "Categories must be unique.", "categories")
    for place, one in enumerate(given):
        if not isinstance(one, str) or len(one) > MAX_CATEGORY:
            said = "Category names cannot exceed 255 characters."
            raise MailError(400, said, f"categories.{place}")
    return tuple(given)


def _custom_args(given: Mapping[str, Any]) -> Mapping[str, str]:
    for name, value in given.items():
        if not isinstance(value, str):
            raise MailError(400, "The custom_args values must be strings.", f"custom_args.{name}")
    if sum(len(f"{name}{value}".encode()) for name, value in given.items()) > MAX_CUSTOM_ARGS_BYTES:
        raise MailError(400, "The custom_args are limited to 10,000 bytes.", "custom_args")
    return given
