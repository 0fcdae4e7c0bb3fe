"""The `quiet` and `digest` sections of a person: when they are written to, and when not."""

from __future__ import annotations

import re
from datetime import time
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from countersign.approvals.models import Digest, QuietHours, Value
from countersign.approvals.rules.conditions.functions import zone

_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)
_HOUR = 60


def _clock(value: Any) -> Any:
    """`22:00`. YAML reads that without quotes as the number of its minutes."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 24 * _HOUR:
        return time(*divmod(value, _HOUR))
    found = _CLOCK.fullmatch(str(value).strip())
    if found is None:
        raise ValueError(f"{value!r} is no time of day; write for example 22:00")
    return time(int(found[1]), int(found[2]))


def _zone(name: str) -> str:
    zone(name)
    return name


ClockTime = Annotated[time, BeforeValidator(_clock)]
ZoneName = Annotated[str, AfterValidator(_zone)]


class QuietSettings(Value):
    """Every day from one time to another, perhaps of the next day."""

    zone: ZoneName
    begins: ClockTime = Field(alias="from")
    ends: ClockTime = Field(alias="to")

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.begins == self.ends:
            raise ValueError("quiet hours end when they begin; write two different times")
        return self

    @property
    def hours(self) -> QuietHours:
        """As the domain knows them."""
        return QuietHours(zone=self.zone, begins=self.begins, ends=self.ends)


class DigestSettings(Value):
    """Every day at these times."""

    zone: ZoneName
    at: tuple[ClockTime, ...] = Field(min_length=1)

    @property
    def times(self) -> Digest:
        """As the domain knows them."""
        return Digest(zone=self.zone, at=self.at)
