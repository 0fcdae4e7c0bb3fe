"""A plan in words, where there is none."""

from __future__ import annotations

from countersign.approvals.rules.plans import table


def test_what_is_no_plan_is_said_in_place_of_its_steps() -> None:
    said = table({"valid_for": "1h"})

    assert isinstance(said, str)
    assert said.startswith("The plan cannot be read: steps")
