"""Whom rollouts and canaries name, and nobody knows: said at load, with place and fix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.approvals.decisions.test_canaries import EXAMPLE
from tests.bot.settings.test_settings import ENVIRON, good, load, problems

ROLLOUT = {"phases": ["shadow", "copilot"]}
ENOUGH = {**ENVIRON, "COUNTERSIGN_SAMPLE_KEY": "k" * 32}


def asking(**more: Any) -> dict[str, Any]:
    rule = {"effect": "require_approval", "roles": ["manager"], "deadline": "1d", **more}
    return {**good(), "policy": {"tools": {"send": rule}}}


def canaries(requester: str) -> dict[str, Any]:
    example = {**EXAMPLE, "tool": "send", "requester": requester}
    return {"canaries": {"every": "7d", "examples": [example]}}


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (
            {"rollout": {**ROLLOUT, "accepted_by": ["risk_officer"]}},
            "policy.tools.send.rollout.accepted_by: nobody has the role risk_officer; give it to "
            "somebody in `people`.",
        ),
        (
            {"rollout": {**ROLLOUT, "accepted_by": ["manager", "managr"]}},
            "accepted_by: nobody has the role managr; did you mean manager?",
        ),
        (
            canaries("samm"),
            "policy.tools.send.canaries.examples.0.requester: there is nobody samm; did you mean "
            "sam?",
        ),
        (canaries("zoe"), "requester: there is nobody zoe; write an id of `people`."),
    ],
)
def test_whoever_is_named_and_is_nobody_is_said(
    tmp_path: Path, more: dict[str, Any], says: str
) -> None:
    assert says in problems(tmp_path, asking(**more), environ=ENOUGH)


def test_whoever_is_known_may_be_named(tmp_path: Path) -> None:
    more = {"rollout": {**ROLLOUT, "accepted_by": ["manager"]}, **canaries("sam")}

    assert "send" in load(tmp_path, asking(**more), environ=ENOUGH).policy.tools


def test_roles_and_people_of_a_directory_are_not_asked_of_the_file(tmp_path: Path) -> None:
    group = {"roles": ["risk_officer"]}
    directory = {"jira": {"groups": {"risk": group}}}
    more = {"rollout": {**ROLLOUT, "accepted_by": ["risk_officer"]}, **canaries("zoe")}
    said = problems(tmp_path, {**asking(**more), "directory": directory, "x": 1}, environ=ENOUGH)

    assert "accepted_by" not in said
    assert "requester" not in said
