"""Calendars: when people work, in the zone where they do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, model_validator

from countersign.approvals.models import Value
from countersign.approvals.rules.conditions.functions import zone

_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\s*-\s*([01]\d|2[0-3]|24):([0-5]\d)")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def _zone(name: str) -> str:
    zone(name)
    return name


def _hours(text: str) -> str:
    found = _HOURS.fullmatch(text.strip())
    if found is None or (found[3] == "24" and found[4] != "00"):
        raise ValueError(f"{text!r} are no hours; write for example 09:00-17:30")
    if (found[1], found[2]) >= (found[3], found[4]):
        raise ValueError(f"{text!r} end before they begin; name the two days in two calendars")
    return text.strip()


def _country(code: Any) -> Any:
    """`DE`, or `DE-BE` with a part of the country."""
    if not isinstance(code, str):
        return code
    try:
        public_holidays(code)
    except NotImplementedError as exc:
        raise ValueError(f"{code!r}: {' '.join(str(exc).split())}") from exc
    return code


def public_holidays(code: str) -> Any:
    """Those of a country, or of a part of it, as a set of dates of any year.

    Raises NotImplementedError for a country that nobody has written down.
    """
    import holidays  # takes longer than all else that a policy without calendars needs

    country, _, part = code.partition("-")
    return holidays.country_holidays(country, subdiv=part or None)


class Calendar(Value):
    """The days and hours on which people work somewhere."""

    zone: Annotated[str, AfterValidator(_zone)]
    days: Annotated[tuple[Day, ...], Field(min_length=1)] | None = None
    """On which weekdays. Without it those of the country of its holidays, with the Saturdays worked
    there instead of another day; without a country Monday to Friday."""
    hours: Annotated[str, AfterValidator(_hours)]
    holidays: Annotated[str, BeforeValidator(_country)] | None = None
    """A country, perhaps with a part of it, whose public holidays are no working days."""
    closed: tuple[date, ...] = ()
    """Other days on which nobody works."""

    _free: Any = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _known_holidays(self) -> Self:
        if self.holidays is not None:
            self._free = public_holidays(self.holidays)
        return self

    def is_open(self, at: datetime) -> bool:
        """Whether people work at this moment; on the minute on which hours end, no longer."""
        here = at.astimezone(zone(self.zone))
        opens, closes = self.minutes
        return opens <= here.hour * 60 + here.minute < closes and self.works_on(here.date())

    def works_on(self, day: date) -> bool:
        """Whether people work on this day."""
        if day in self.closed:
            return False
        if self.days is None and self._free is not None:
            return bool(self._free.is_working_day(day))
        return self._is_weekday(day) and (self._free is None or day not in self._free)

    def _is_weekday(self, day: date) -> bool:
        if self.days is None and self._free is not None:
            return not self._free.is_weekend(day) or self._free.is_working_day(day)
        return _DAYS[day.weekday()] in (self.days or _DAYS[:5])

    def says(self, at: datetime) -> str:
        """Why people work at this moment, or do not, as a sentence without a full stop."""
        here = at.astimezone(zone(self.zone))
        day, opens, closes = here.date(), *self.minutes
        name = None if self._free is None else self._free.get(day)
        if day in self.closed:
            why = "a day on which it is closed"
        elif name is not None:
            why = f"a holiday ({name})"
        elif not self._is_weekday(day):
            why = "no working day"
        else:
            within = opens <= here.hour * 60 + here.minute < closes
            why = f"{'within' if within else 'outside of'} {self.hours}"
        return f"{here:%a} {here.day} {here:%b %Y, %H:%M} in {self.zone} is {why}"

    @property
    def minutes(self) -> tuple[int, int]:
        """The minutes of the day at which its hours begin and end."""
        opens, closes = (
            int(each.strip()[:2]) * 60 + int(each.strip()[3:]) for each in self.hours.split("-")
        )
        return opens, closes


Calendars = Mapping[str, Calendar]
NO_CALENDARS: Calendars = {}
