"""Pages of what is stored, and their cursors."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from typing import Generic, TypeVar

from countersign.approvals.errors import InvalidError
from countersign.approvals.models import Value
from countersign.approvals.store import codec

T = TypeVar("T")
MAX_PAGE = 200


class Page(Value, Generic[T]):
    """Some items, and the cursor of what comes after them."""

    items: tuple[T, ...]
    next: str | None = None


def size_of(limit: int) -> int:
    """`limit`, if it is one. Raises InvalidError."""
    if not 1 <= limit <= MAX_PAGE:
        raise InvalidError(f"limit must be between 1 and {MAX_PAGE}.")
    return limit


def place_of(cursor: str | None) -> tuple[str, str] | None:
    """After when and which id the page begins. Raises InvalidError."""
    if cursor is None:
        return None
    try:
        at, _, row_id = base64.urlsafe_b64decode(cursor.encode()).decode().partition(" ")
        codec.from_text(at)
        if "\0" in row_id:  # PostgreSQL does not even compare it
            raise ValueError("no id")
    except (ValueError, binascii.Error, UnicodeError) as exc:
        raise InvalidError("The cursor is not one that this server gave; start again.") from exc
    return at, row_id


def skipped(after: tuple[str, str] | None) -> int:
    """How many a sorted list has shown before. Raises InvalidError."""
    if after is None:
        return 0
    if not (after[1].isascii() and after[1].isdigit() and len(after[1]) < 10):
        raise InvalidError("The cursor is not one that this server gave; start again.")
    return int(after[1])


def page_of(found: list[T], size: int) -> Page[T]:
    """The page of what was found, of which one was asked for beyond `size`."""
    items = tuple(found[:size])
    if len(found) <= size:
        return Page(items=items)
    last = items[-1]
    at: datetime = last.created_at  # type: ignore[attr-defined]
    return Page(items=items, next=encoded(codec.to_text(at), last.id))  # type: ignore[attr-defined]


def placed(found: Sequence[T], place: tuple[str, str] | None) -> Page[T]:
    """The page of what was found, and where it goes on."""
    return Page(items=tuple(found), next=None if place is None else encoded(*place))


def encoded(at: str, row_id: str) -> str:
    """The cursor of what comes after this row."""
    return base64.urlsafe_b64encode(f"{at} {row_id}".encode()).decode()
