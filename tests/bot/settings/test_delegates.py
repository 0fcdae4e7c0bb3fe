"""Delegates as they stand in the configuration."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from countersign.approvals.models import Delegation
from countersign.bot.people import directory_of
from tests.bot.settings.test_settings import good, load, problems


def document(**delegates: Any) -> dict[str, Any]:
    """Sam also manages; both may name delegates."""
    found = good()
    found["people"][1]["roles"] = ["manager"]
    for person in found["people"]:
        if person["id"] in delegates:
            person["delegates"] = delegates[person["id"]]
    return found


def test_delegates_have_times_and_roles(tmp_path: Path) -> None:
    given = {"to": "sam", "starts": "2026-12-01T08:00:00+01:00", "roles": ["manager"]}
    people = directory_of(load(tmp_path, document(alex=[given]))).people()
    (delegation,) = people.delegations
    expected = {"giver": "alex", "delegate": "sam", "roles": ["manager"]}
    starts_at = datetime(2026, 12, 1, 7, tzinfo=UTC)

    assert Delegation.model_validate({**expected, "starts_at": starts_at}) == delegation
    assert [] == people.at(datetime(2026, 11, 30, tzinfo=UTC)).givers("sam")
    assert ["alex"] == [p.id for p, _ in people.at(starts_at).givers("sam")]


@pytest.mark.parametrize(
    ("delegates", "says"),
    [
        ({"alex": [{"to": "samm"}]}, "people.0.delegates.0.to: there is nobody samm; did you"),
        ({"alex": [{"to": "alex"}]}, "nobody stands in for themselves"),
        ({"alex": [{"to": "sam", "roles": ["pilot"]}]}, "alex does not hold the role pilot"),
        ({"alex": [{"to": "sam", "starts": "2026-12-01T08:00:00"}]}, "people.0.delegates.0.starts"),
        (
            {"alex": [{"to": "sam", "starts": "2026-12-02T00:00Z", "ends": "2026-12-01T00:00Z"}]},
            "ends before it starts",
        ),
        ({"alex": [{"to": "sam"}], "sam": [{"to": "alex"}]}, "alex → sam → alex stand in"),
    ],
)
def test_each_problem_is_named(tmp_path: Path, delegates: dict[str, Any], says: str) -> None:
    assert says in problems(tmp_path, document(**delegates))
