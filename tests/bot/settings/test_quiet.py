"""When a person is written to, as the file says it."""

from __future__ import annotations

from datetime import time
from typing import Any

import pytest

from countersign.approvals.models import Digest, QuietHours
from countersign.bot.settings.problems import validated
from countersign.bot.settings.sections import PersonSettings

ALEX = {"id": "alex", "name": "Alex"}


def read(**more: Any) -> tuple[PersonSettings | None, list[str]]:
    return validated("people.0", PersonSettings, {**ALEX, **more}, None)


def test_quiet_hours_and_lists_are_read() -> None:
    """Also a time that YAML has read as the number of its minutes."""
    person, _ = read(
        quiet={"zone": "Europe/Berlin", "from": 1320, "to": "07:00"},
        digest={"zone": "UTC", "at": ["9:00", "15:30"]},
    )
    assert person is not None
    known = person.principal()

    assert QuietHours(zone="Europe/Berlin", begins=time(22), ends=time(7)) == known.quiet
    assert Digest(zone="UTC", at=(time(9), time(15, 30))) == known.digest


def test_whoever_says_nothing_is_written_to_at_once() -> None:
    person, _ = read()
    assert person is not None

    assert (None, None) == (person.principal().quiet, person.principal().digest)


@pytest.mark.parametrize(
    ("quiet", "says"),
    [
        ({"zone": "Mars", "from": "22:00", "to": "07:00"}, "'Mars' is no time zone"),
        ({"zone": "UTC", "from": "25:00", "to": "07:00"}, "'25:00' is no time of day"),
        ({"zone": "UTC", "from": 1440, "to": "07:00"}, "1440 is no time of day"),
        ({"zone": "UTC", "from": True, "to": "07:00"}, "True is no time of day"),
        ({"zone": "UTC", "from": "07:00", "to": "7:00"}, "quiet hours end when they begin"),
    ],
)
def test_what_cannot_be_meant_is_refused(quiet: dict[str, Any], says: str) -> None:
    _, (problem,) = read(quiet=quiet)

    assert says in problem, problem
