"""Windows: the time within which a budget counts: a day, week or month of a zone, or a span."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from countersign.approvals.forms.wording import duration_words
from countersign.approvals.rules.conditions.functions import zone
from countersign.approvals.rules.durations import duration_s

Calendar = Literal["day", "week", "month", "ever"]
"""`ever` is for what conditions count; no budget has it."""
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
_PERIODS: dict[str, str] = {"day": "today", "week": "this week", "month": "this month"}


def _window(given: Any) -> Any:
    """`day`, `week`, `month`, or the seconds of a duration."""
    if given in _PERIODS:
        return given
    try:
        return duration_s(given)
    except ValueError as exc:
        raise ValueError(
            f"{exc}; a window is day, week or month, or a duration that rolls on: 24h, 7d"
        ) from exc


Window = Annotated[Calendar | float, BeforeValidator(_window)]


def begins_at(window: Calendar | float, name: str, at: datetime) -> datetime:
    """When the window around `at` begins, in the zone of this name. What rolls on has no zone."""
    if isinstance(window, float):
        return at - timedelta(seconds=window)
    if window == "ever":
        return _FIRST
    here = at.astimezone(zone(name)).date()
    if window == "week":
        here -= timedelta(days=here.weekday())
    elif window == "month":
        here = here.replace(day=1)
    return _midnight(here, name, at)


def ends_at(window: Calendar, name: str, at: datetime) -> datetime:
    """When the calendar's window around `at` ends, and the next one begins."""
    if window == "ever":
        return _LAST
    here = at.astimezone(zone(name)).date()
    if window == "day":
        after = here + timedelta(days=1)
    elif window == "week":
        after = here + timedelta(days=7 - here.weekday())
    else:
        after = (here.replace(day=1) + timedelta(days=32)).replace(day=1)
    return _midnight(after, name, at)


def _midnight(day: Any, name: str, like: datetime) -> datetime:
    """The first moment of a day, where clocks are set at midnight, too."""
    return datetime.combine(day, time(), tzinfo=zone(name)).astimezone(like.tzinfo)


def period(window: Calendar | float) -> str:
    """In the words of people."""
    return f"in {duration_words(window)}" if isinstance(window, float) else _PERIODS[window]
